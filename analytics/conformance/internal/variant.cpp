#include "analytics/conformance/internal/variant.h"

#include <algorithm>

namespace casebox::analytics::conformance::internal {

bool VariantAligner::measure_shortest() {
  const Found found = search_.cheapest({});
  if (!found.exact || !found.possible) return false;
  shortest_ = found.cost;
  search_.set_shortest(shortest_);
  return true;
}

const Variant& VariantAligner::align(const Sequence& sequence) {
  const auto [it, added] = variants_.try_emplace(sequence);
  Variant& variant = it->second;
  if (!added) return variant;
  if (!limits_.ambiguity) {
    variant.found = search_.cheapest(sequence);
    of_path(sequence, variant);
    return variant;
  }
  TightGraph graph;
  variant.found = search_.all_cheapest(sequence, graph);
  if (!variant.found.exact) return variant;
  const Explained explained = explain(graph, sequence, steps_);
  variant.explanations_complete =
      explained.complete && explained.explanations.size() <= limits_.max_explanations;
  variant.explanations = explained.complete ? static_cast<uint32_t>(explained.explanations.size())
                                            : limits_.max_explanations;
  variant.span = explained.span;
  for (size_t i = 0; i < explained.items.size(); ++i) {
    VariantDeparture departure{explained.items[i], explained.certain[i], 0, {}};
    if (departure.certain) departure.margin = margin(sequence, departure.item, variant.found.cost);
    const size_t listed = std::min<size_t>(explained.explanations.size(), limits_.max_explanations);
    for (uint32_t e = 0; e < listed; ++e)
      if (std::ranges::binary_search(explained.explanations[e], departure.item))
        departure.explanations.push_back(e);
    variant.departures.push_back(std::move(departure));
  }
  return variant;
}

const std::vector<Item>& VariantAligner::items(const Sequence& sequence) {
  const auto [it, added] = items_.try_emplace(sequence);
  if (!added) return it->second;
  if (const auto known = variants_.find(sequence); known != variants_.end()) {
    for (const VariantDeparture& d : known->second.departures) it->second.push_back(d.item);
    return it->second;
  }
  TightGraph graph;
  if (search_.all_cheapest(sequence, graph).exact)
    it->second = explain(graph, sequence, steps_).items;
  return it->second;
}

// The best explanation without the departure may not do the event's log move, or the step's model
// move; an order departure goes when either is not done.
std::optional<int64_t> VariantAligner::margin(const Sequence& sequence, const Item& item,
                                              int64_t cost) {
  std::optional<int64_t> best;
  const auto without = [&](const Forbidden& forbidden) {
    const Found found = search_.cheapest(sequence, forbidden);
    if (!found.possible) return;
    // A search that ran out of budget still proves that much.
    const int64_t more = (found.exact ? found.cost : found.lower) - cost;
    if (!best || more < *best) best = more;
  };
  if (item.kind != ItemKind::kMissing) without({.log = item.position, .model = {}});
  if (item.kind != ItemKind::kExtra) without({.log = {}, .model = item.step});
  return best;
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
  for (const Item& item : explained.items) variant.departures.push_back({item, false, 0, {}});
}

}  // namespace casebox::analytics::conformance::internal
