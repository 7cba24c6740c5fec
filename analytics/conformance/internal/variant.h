#pragma once

// Alignment of one sequence of steps, kept for the next case that has the same.
//
// Thread safety: one thread. Lifetime: a reference lives as long as the aligner, that of items()
// until its next call.
// Limits: the budget is that of a whole variant: what its alignment leaves of it is for margins;
// the searches for order sensitivity have a 64th of it each.

#include <map>
#include <optional>
#include <vector>

#include "analytics/conformance/internal/explain.h"

namespace casebox::analytics::conformance::internal {

struct VariantDeparture {
  Item item;
  bool certain = true;
  std::optional<int64_t> margin;       // unset: there is no explanation without it
  bool margin_exact = true;            // false: it is at least that much
  std::vector<uint32_t> explanations;  // indices; empty when they are not listed
};

struct Variant {
  Found found;
  std::vector<VariantDeparture> departures;
  uint32_t explanations = 1;
  bool explanations_complete = true;
  bool judged = true;  // false: certain and ambiguous could not be told apart
  std::vector<std::pair<uint32_t, uint32_t>> span;  // Explained::span
};

class VariantAligner {
 public:
  struct Limits {
    uint64_t budget;
    uint32_t max_explanations;
    bool ambiguity;
  };

  VariantAligner(Automaton& automaton, Costs costs, Limits limits, uint32_t steps)
      : search_(automaton, costs, limits.budget), limits_(limits), steps_(steps) {}

  /// Of the empty sequence; false when no end can be reached or the budget does not suffice.
  bool measure_shortest();
  int64_t shortest() const { return shortest_; }

  const Variant& align(const Sequence& sequence);
  /// For sequences not aligned yet.
  void set_budget(uint64_t budget) { limits_.budget = budget; }
  /// Only the departures, without margins: for order sensitivity. Null: its budget ended.
  const std::vector<Item>* items(const Sequence& sequence);
  size_t size() const { return variants_.size(); }

 private:
  void margin(const Sequence& sequence, int64_t cost, uint64_t& left, VariantDeparture& of);
  void of_path(const Sequence& sequence, Variant& variant) const;

  Search search_;
  Limits limits_;
  uint32_t steps_;
  int64_t shortest_ = 0;
  std::map<Sequence, Variant> variants_;
  struct Items {
    bool known = false;
    std::vector<Item> items;
  };
  const std::vector<Item>* find_items(const Sequence& sequence, Items& into);

  std::map<Sequence, Items> items_;
  Items long_items_;  // of the last sequence too long to be kept
};

}  // namespace casebox::analytics::conformance::internal
