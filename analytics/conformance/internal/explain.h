#pragma once

// From all cheapest ways through the product to departures: which are in every way, which in some.
//
// An explanation is the set of departures of a way; ways that differ only in the order of moves
// share one. Within an explanation an event without a place and a step without an event are one
// departure, `order`, when they are of the same step.
//
// Thread safety: pure functions. Limits: at most 200,000 pairs of node and partial explanation of
// 8 million departures together are followed; beyond, each departure is judged by itself (is there
// a cheapest way without it?), which is as exact, but the alternatives are not listed. Where even
// that would take too long (2 billion moves looked at), `judged` is false and the items are all
// that some way has.

#include <compare>
#include <cstdint>
#include <vector>

#include "analytics/conformance/internal/search.h"

namespace casebox::analytics::conformance::internal {

enum class ItemKind : uint8_t { kExtra, kMissing, kOrder };

/// A departure of a sequence.
struct Item {
  ItemKind kind = ItemKind::kExtra;
  uint32_t position = 0;  // of the event; of a missing step 0
  int32_t step = kAlien;
  uint32_t ordinal = 0;  // of a step missing more than once
  auto operator<=>(const Item&) const = default;
};

using Explanation = std::vector<Item>;  // sorted

struct Explained {
  std::vector<Item> items;                // union of all explanations, sorted
  std::vector<bool> certain;              // by item: in all of them
  std::vector<Explanation> explanations;  // sorted; empty when !complete
  bool complete = true;
  bool judged = true;
  /// Events consumed before a step's model move on any cheapest way: first and last, by step index.
  std::vector<std::pair<uint32_t, uint32_t>> span;
};

Explained explain(const TightGraph& graph, const Sequence& sequence, uint32_t steps,
                  size_t limit = 200'000);
/// Each departure by itself at once; `explanations` stays empty.
Explained judge(const TightGraph& graph, const Sequence& sequence, uint32_t steps);

}  // namespace casebox::analytics::conformance::internal
