#include "analytics/conformance/internal/explain.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_set>

namespace casebox::analytics::conformance::internal {
namespace {

// A class of moves: the log move of one event, or any model move of one step.
using Class = uint32_t;
constexpr Class kNone = UINT32_MAX;
constexpr size_t kMaxSignatureElements = 8'000'000;
constexpr size_t kMaxLooks = 2'000'000'000;

class Explainer {
 public:
  Explainer(const TightGraph& graph, const Sequence& sequence, uint32_t steps)
      : graph_(graph), sequence_(sequence), length_(static_cast<uint32_t>(sequence.size())) {
    out_.span.assign(steps, {UINT32_MAX, 0});
    for (const auto& arcs : graph.arcs)
      for (const TightGraph::Arc& arc : arcs)
        if (arc.kind == MoveKind::kModel) {
          auto& [first, last] = out_.span[static_cast<size_t>(arc.step)];
          first = std::min(first, arc.position);
          last = std::max(last, arc.position);
        }
  }

  Explained list_or_judge(size_t limit) {
    if (!graph_.arcs.empty() && !enumerate(limit)) judge_one_by_one();
    return std::move(out_);
  }
  Explained judge() {
    if (!graph_.arcs.empty()) judge_one_by_one();
    return std::move(out_);
  }

 private:
  Class class_of(const TightGraph::Arc& arc) const {
    if (arc.kind == MoveKind::kLog) return arc.position;
    if (arc.kind == MoveKind::kModel) return length_ + static_cast<uint32_t>(arc.step);
    return kNone;
  }

  // All explanations, without walking all ways: there may be millions of ways, which differ only in
  // the order of moves. Breadth first over pairs (node, multiset of departures made so far), each
  // pair once. Invariant: the pairs of a node are exactly the multisets of the ways that lead to
  // it; at the goals they are the explanations. A departure in all of them is certain: no equally
  // good account of the case does without it. One in some only is ambiguous, and to call it certain
  // would be to choose an account. (Alignments are not unique: Carmona et al., Conformance
  // Checking, 2018, 7.5; that one optimal alignment must not speak for all: Bloemen et al., 2018.)
  bool enumerate(size_t limit) {
    using Signature = std::vector<Class>;  // sorted, with repetitions
    std::map<Signature, uint32_t> ids{{{}, 0}};
    std::vector<const Signature*> signatures{&ids.begin()->first};
    std::map<std::pair<uint32_t, Class>, uint32_t> with;
    std::unordered_set<uint64_t> seen{0};
    std::vector<std::pair<uint32_t, uint32_t>> queue{{0, 0}};
    std::vector<bool> complete_at;
    size_t elements = 0;
    for (size_t i = 0; i < queue.size(); ++i) {
      if (queue.size() > limit || elements > kMaxSignatureElements) return false;
      const auto [node, signature] = queue[i];
      if (graph_.goal[node]) {
        complete_at.resize(std::max<size_t>(complete_at.size(), signature + 1));
        complete_at[signature] = true;
      }
      for (const TightGraph::Arc& arc : graph_.arcs[node]) {
        uint32_t next = signature;
        if (const Class c = class_of(arc); c != kNone) {
          const auto [known, added] = with.try_emplace({signature, c}, 0);
          if (added) {
            Signature longer = *signatures[signature];
            longer.insert(std::ranges::upper_bound(longer, c), c);
            const auto [it, fresh] =
                ids.try_emplace(std::move(longer), static_cast<uint32_t>(signatures.size()));
            if (fresh) signatures.push_back(&it->first);
            if (fresh) elements += it->first.size();
            known->second = it->second;
          }
          next = known->second;
        }
        if (seen.insert(uint64_t{arc.to} << 32 | next).second) queue.emplace_back(arc.to, next);
      }
    }
    for (uint32_t s = 0; s < complete_at.size(); ++s)
      if (complete_at[s]) out_.explanations.push_back(pair_up(*signatures[s]));
    std::ranges::sort(out_.explanations);
    std::map<Item, size_t> times;
    for (const Explanation& e : out_.explanations)
      for (const Item& item : e) ++times[item];
    for (const auto& [item, n] : times) {
      out_.items.push_back(item);
      out_.certain.push_back(n == out_.explanations.size());
    }
    return true;
  }

  // Earliest events first, so that the same moves always give the same departures.
  Explanation pair_up(const std::vector<Class>& signature) const {
    std::map<int32_t, uint32_t> missing;
    for (Class c : signature)
      if (c >= length_) ++missing[static_cast<int32_t>(c - length_)];
    Explanation out;
    for (Class c : signature) {
      if (c >= length_) continue;
      const int32_t step = sequence_[c];
      const auto it = step < 0 ? missing.end() : missing.find(step);
      if (it == missing.end() || it->second == 0) {
        out.push_back({ItemKind::kExtra, c, step, 0});
      } else {
        --it->second;
        out.push_back({ItemKind::kOrder, c, step, 0});
      }
    }
    for (const auto& [step, n] : missing)
      for (uint32_t k = 0; k < n; ++k) out.push_back({ItemKind::kMissing, 0, step, k});
    std::ranges::sort(out);
    return out;
  }

  /// Fewest moves of a class on any cheapest way: a shortest path on which only those moves count.
  /// With lengths 0 and 1 a queue open at both ends keeps the nodes in the order of their distance.
  uint32_t fewest(Class wanted) const {
    std::vector<uint32_t> distance(graph_.arcs.size(), UINT32_MAX);
    std::deque<uint32_t> queue{0};
    distance[0] = 0;
    uint32_t best = UINT32_MAX;
    while (!queue.empty()) {
      const uint32_t at = queue.front();
      queue.pop_front();
      if (graph_.goal[at]) best = std::min(best, distance[at]);
      for (const TightGraph::Arc& arc : graph_.arcs[at]) {
        const uint32_t cost = class_of(arc) == wanted ? 1 : 0;
        if (distance[at] + cost >= distance[arc.to]) continue;
        distance[arc.to] = distance[at] + cost;
        cost == 0 ? queue.push_front(arc.to) : queue.push_back(arc.to);
      }
    }
    return best;
  }

  // A way takes each event by a log move or together with a step: the log move is in every way when
  // no move of the graph takes the event together with a step.
  void judge_one_by_one() {
    out_.complete = false;
    out_.explanations.clear();
    std::vector<bool> alone(length_), together(length_);
    std::map<int32_t, uint32_t> always;  // certain model moves by step
    size_t moves = 0;
    for (const auto& arcs : graph_.arcs) {
      moves += arcs.size();
      for (const TightGraph::Arc& arc : arcs) {
        if (arc.kind == MoveKind::kLog) alone[arc.position] = true;
        if (arc.kind == MoveKind::kSync) together[arc.position] = true;
        if (arc.kind == MoveKind::kModel) always[arc.step] = 0;
      }
    }
    out_.judged = always.size() * moves <= kMaxLooks;
    if (out_.judged)
      for (auto& [step, n] : always) n = fewest(length_ + static_cast<uint32_t>(step));
    std::vector<std::pair<Item, bool>> items;
    std::map<int32_t, uint32_t> unpaired = always;
    for (uint32_t i = 0; i < length_; ++i) {
      if (!alone[i]) continue;
      const bool certain = !together[i];
      const int32_t step = sequence_[i];
      const auto it = step < 0 ? unpaired.end() : unpaired.find(step);
      const bool pairs = certain && it != unpaired.end() && it->second > 0;
      if (pairs) --it->second;
      items.push_back({{pairs ? ItemKind::kOrder : ItemKind::kExtra, i, step, 0}, certain});
    }
    for (const auto& [step, n] : always) {
      for (uint32_t k = 0; k < unpaired[step]; ++k)
        items.push_back({{ItemKind::kMissing, 0, step, k}, true});
      if (n == 0) items.push_back({{ItemKind::kMissing, 0, step, 0}, false});
    }
    std::ranges::sort(items);
    for (const auto& [item, certain] : items) {
      out_.items.push_back(item);
      out_.certain.push_back(certain);
    }
  }

  const TightGraph& graph_;
  const Sequence& sequence_;
  uint32_t length_;
  Explained out_;
};

}  // namespace

Explained explain(const TightGraph& graph, const Sequence& sequence, uint32_t steps, size_t limit) {
  return Explainer(graph, sequence, steps).list_or_judge(limit);
}

Explained judge(const TightGraph& graph, const Sequence& sequence, uint32_t steps) {
  return Explainer(graph, sequence, steps).judge();
}

}  // namespace casebox::analytics::conformance::internal
