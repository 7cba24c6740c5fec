#include "analytics/conformance/internal/variant.h"

#include <algorithm>

namespace casebox::analytics::conformance::internal {
namespace {

constexpr size_t kKeptLength = 1000;  // of sequences for order sensitivity
constexpr uint64_t kFewStates = 5'000;
constexpr uint64_t kSwapShare = 64;  // of the budget, for a search for order sensitivity

}  // namespace

Search& VariantAligner::search() {
  if (!search_) {
    search_.emplace(states_.all(), costs_, limits_.budget);
    search_->set_shortest(shortest_);
  }
  return *search_;
}

Result<void> VariantAligner::measure_shortest() {
  Found found = Search(states_.met(), costs_, kFewStates).cheapest({});
  if (!found.exact) found = search().cheapest({});
  if (!found.exact)
    return Error{Code::kInvalidArgument,
                 "no run of the norm from beginning to end was found; see protocol lint, or give a "
                 "larger budget"};
  if (!found.possible)
    return Error{Code::kInvalidArgument,
                 "the norm's end cannot be reached from its beginning; see protocol lint"};
  shortest_ = found.cost;
  if (search_) search_->set_shortest(shortest_);
  return ok();
}

const Variant& VariantAligner::align(const Sequence& sequence) {
  const auto [it, added] = variants_.try_emplace(sequence);
  Variant& variant = it->second;
  if (!added) return variant;
  if (is_run(sequence)) {
    of_run(sequence, variant);
    return variant;
  }
  search().forget();
  search().set_budget(limits_.budget);
  if (!limits_.ambiguity) {
    variant.found = search().cheapest(sequence);
    of_path(sequence, variant);
    return variant;
  }
  TightGraph graph;
  variant.found = search().all_cheapest(sequence, graph);
  if (!variant.found.exact) return variant;
  if (!variant.found.graph) {
    of_path(sequence, variant);
    return variant;
  }
  const Explained explained = explain(graph, sequence, steps_);
  graph = {};
  variant.judged = explained.judged;
  variant.listed = explained.complete;
  variant.explanations_complete =
      explained.complete && explained.explanations.size() <= limits_.max_explanations;
  variant.explanations = explained.complete ? static_cast<uint32_t>(explained.explanations.size())
                                            : limits_.max_explanations;
  variant.span = explained.span;
  uint64_t left = limits_.budget - std::min(limits_.budget, variant.found.met);
  const size_t listed = std::min<size_t>(explained.explanations.size(), limits_.max_explanations);
  for (size_t i = 0; i < explained.items.size(); ++i) {
    VariantDeparture departure{explained.items[i], explained.certain[i], 0, true, {}};
    if (departure.certain) margin(sequence, variant.found.cost, left, departure);
    for (uint32_t e = 0; e < listed; ++e)
      if (std::ranges::binary_search(explained.explanations[e], departure.item))
        departure.explanations.push_back(e);
    variant.departures.push_back(std::move(departure));
  }
  return variant;
}

const std::vector<Item>* VariantAligner::items(const Sequence& sequence, bool listed) {
  const auto known = variants_.find(sequence);
  if (listed && known != variants_.end()) {
    const Variant& variant = known->second;
    // As if it were searched for anew.
    if (!variant.found.exact || !variant.found.graph || !variant.judged ||
        variant.found.met > limits_.budget / kSwapShare)
      return nullptr;
    last_items_.items.clear();
    for (const VariantDeparture& d : variant.departures) last_items_.items.push_back(d.item);
    return &last_items_.items;
  }
  if (sequence.size() > kKeptLength) return find_items(sequence, listed, last_items_);
  const auto [it, added] = items_[listed].try_emplace(sequence);
  if (added) return find_items(sequence, listed, it->second);
  return it->second.known ? &it->second.items : nullptr;
}

const std::vector<Item>* VariantAligner::find_items(const Sequence& sequence, bool listed,
                                                    Items& into) {
  into.items.clear();
  into.known = is_run(sequence);
  if (into.known) return &into.items;
  const uint64_t budget = limits_.budget / kSwapShare;
  TightGraph graph;
  search().forget();
  search().set_budget(budget);
  const Found found = search().all_cheapest(sequence, graph);
  if (!found.graph || found.met > budget) return nullptr;
  Explained explained = listed ? explain(graph, sequence, steps_) : judge(graph, sequence, steps_);
  if (!explained.judged) return nullptr;
  into.known = true;
  into.items = std::move(explained.items);
  return &into.items;
}

// The best explanation without the departure may not do the event's log move, or the step's model
// move; an order departure goes when either is not done. What is certain costs at least 1 more.
void VariantAligner::margin(const Sequence& sequence, int64_t cost, uint64_t& left,
                            VariantDeparture& of) {
  of.margin.reset();
  if (of.item.step == kAlien) return;  // nothing else can explain what the norm does not know
  const auto without = [&](const Forbidden& forbidden) {
    int64_t more = 1;
    bool exact = false;
    if (left > 0) {
      search().set_budget(left);
      const Found found = search().cheapest(sequence, forbidden);
      left -= std::min(left, std::max<uint64_t>(found.met, sequence.size() + 1));
      if (!found.possible) return;
      exact = found.exact;
      more = std::max<int64_t>(1, (exact ? found.cost : found.lower) - cost);
    }
    // Of a bound and a cost the lower one stands, as a bound if it is one.
    if (!of.margin || more < *of.margin || (more == *of.margin && exact)) {
      of.margin = more;
      of.margin_exact = exact;
    }
  };
  if (of.item.kind != ItemKind::kMissing) without({.log = of.item.position, .model = {}});
  if (of.item.kind != ItemKind::kExtra) without({.log = {}, .model = of.item.step});
}

// Every event together with its step: no departure, and no other explanation is as good.
void VariantAligner::of_run(const Sequence& sequence, Variant& variant) const {
  variant.found.exact = variant.found.graph = true;
  variant.found.met = 0;
  for (uint32_t i = 0; i < sequence.size(); ++i)
    variant.found.path.push_back({MoveKind::kSync, sequence[i], i});
  variant.explanations_complete = limits_.ambiguity && limits_.max_explanations > 0;
  variant.judged = limits_.ambiguity;
  variant.span.assign(steps_, {UINT32_MAX, 0});
}

// Without ambiguity: the departures of the one path, none of them proven certain.
void VariantAligner::of_path(const Sequence& sequence, Variant& variant) const {
  TightGraph graph;
  uint32_t at = 0;
  for (const PathMove& move : variant.found.path) {
    graph.arcs.push_back({{++at, move.kind, move.step, move.position}});
    graph.goal.push_back(false);
  }
  graph.arcs.emplace_back();
  graph.goal.push_back(true);
  const Explained explained = explain(graph, sequence, steps_);
  variant.span = explained.span;
  variant.explanations_complete = false;
  variant.judged = false;
  for (const Item& item : explained.items) variant.departures.push_back({item, false, 0, {}});
}

}  // namespace casebox::analytics::conformance::internal
