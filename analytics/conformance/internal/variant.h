#pragma once

// Alignment of one sequence of steps, kept for the next case that has the same.
//
// Thread safety: one thread. Lifetime: a reference lives as long as the aligner, that of items()
// until its next call.
// Limits: the budget is that of a whole variant: what its alignment leaves of it is for margins;
// the searches for order sensitivity have a 64th of it each. A sequence that is a run of the norm
// needs none.

#include <map>
#include <optional>
#include <vector>

#include "analytics/conformance/internal/explain.h"
#include "analytics/conformance/internal/norm_states.h"
#include "proto/base/result.h"

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
  bool listed = true;  // false: too many explanations to list; departures were judged one by one
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

  VariantAligner(NormStates& states, Costs costs, Limits limits, uint32_t steps)
      : states_(states), costs_(costs), limits_(limits), steps_(steps) {}

  /// Cost of the empty sequence. kInvalidArgument when no end can be reached or the budget does not
  /// suffice to find one.
  Result<void> measure_shortest();
  int64_t shortest() const { return shortest_; }

  const Variant& align(const Sequence& sequence);
  /// For sequences not aligned yet.
  void set_budget(uint64_t budget) { limits_.budget = budget; }
  /// Only the departures, without margins: for order sensitivity. Null: its budget ended. `listed`:
  /// found by listing explanations where that can be done, as for a variant whose explanations are
  /// complete; else each is judged by itself, as for one that has too many.
  const std::vector<Item>* items(const Sequence& sequence, bool listed);
  size_t size() const { return variants_.size(); }

 private:
  struct Items {
    bool known = false;
    std::vector<Item> items;
  };

  Search& search();
  bool is_run(const Sequence& sequence) {
    return costs_.silent == 0 && states_.fits(sequence).value_or(false);
  }
  void margin(const Sequence& sequence, int64_t cost, uint64_t& left, VariantDeparture& of);
  void of_run(const Sequence& sequence, Variant& variant) const;
  void of_path(const Sequence& sequence, Variant& variant) const;
  const std::vector<Item>* find_items(const Sequence& sequence, bool listed, Items& into);

  NormStates& states_;
  Costs costs_;
  Limits limits_;
  uint32_t steps_;
  int64_t shortest_ = 0;
  std::optional<Search> search_;  // from the first sequence on that needs one
  std::map<Sequence, Variant> variants_;
  std::map<Sequence, Items> items_[2];  // by `listed`
  Items last_items_;                    // of a sequence not kept there
};

}  // namespace casebox::analytics::conformance::internal
