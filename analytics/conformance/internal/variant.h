#pragma once

// Alignment of one sequence of steps, kept for the next case that has the same.
//
// Thread safety: one thread. Lifetime: a reference lives as long as the aligner.

#include <map>
#include <optional>
#include <vector>

#include "analytics/conformance/internal/explain.h"

namespace casebox::analytics::conformance::internal {

struct VariantDeparture {
  Item item;
  bool certain = true;
  std::optional<int64_t> margin;       // unset: there is no explanation without it
  std::vector<uint32_t> explanations;  // indices; empty when they are not listed
};

struct Variant {
  Found found;
  std::vector<VariantDeparture> departures;
  uint32_t explanations = 1;
  bool explanations_complete = true;
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
  /// Only the departures, without margins: for order sensitivity.
  const std::vector<Item>& items(const Sequence& sequence);
  size_t size() const { return variants_.size(); }

 private:
  std::optional<int64_t> margin(const Sequence& sequence, const Item& item, int64_t cost);
  void of_path(const Sequence& sequence, Variant& variant) const;

  Search search_;
  Limits limits_;
  uint32_t steps_;
  int64_t shortest_ = 0;
  std::map<Sequence, Variant> variants_;
  std::map<Sequence, std::vector<Item>> items_;
};

}  // namespace casebox::analytics::conformance::internal
