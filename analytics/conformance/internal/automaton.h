#pragma once

// The states of a norm as the alignment search walks them.
//
// A net with few enough markings is explored beforehand. When silent steps cost nothing, only the
// language matters for costs and departures, so the markings are then made deterministic and
// minimal: many silent and parallel branches collapse to few states without silent edges.
// Otherwise, and for nets with too many markings, a state is a marking, found when the search meets
// it.
//
// Numbering is by discovery from the beginning in label order, then by marking, so it depends
// neither on hash order nor on the order of transitions in the file. A search that finds markings
// on its way begins with forget(), so that what it finds does not depend on searches before it.
//
// Thread safety: one thread (edges() may explore).
// Limits: markings take at most 256 MiB, edges 20 million; beyond, complete() is false beforehand
// and exhausted() true while searching.

#include <cstdint>
#include <vector>

#include "analytics/conformance/internal/marking_set.h"
#include "analytics/protocol/net.h"

namespace casebox::analytics::conformance::internal {

constexpr uint32_t kNoPath = UINT32_MAX;

struct Edge {
  int32_t step;  // protocol::kSilent or a step index
  uint32_t to;
};

class Automaton {
 public:
  /// `language_only`: silent steps cost nothing. `max_markings` 0: nothing is explored beforehand.
  Automaton(protocol::Net net, uint32_t max_markings, bool language_only);

  uint32_t begin() const { return 0; }
  const std::vector<Edge>& edges(uint32_t state);
  bool is_final(uint32_t state) const { return final_[state]; }
  /// All states are known, so the distances below are too.
  bool complete() const { return complete_; }
  /// No silent steps, and of each step at most one edge; edges are in the order of steps.
  bool deterministic() const { return deterministic_; }
  /// Some marking would hold more than 255 tokens in a place; such firings are left out.
  bool overflow() const { return overflow_; }
  /// The last edges asked for are not all: there are more markings than the limits allow.
  bool exhausted() const { return exhausted_; }
  /// Back to the first marking; nothing if complete.
  void forget();
  uint32_t size() const { return static_cast<uint32_t>(edges_.size()); }

  // Only when complete. Masks have `words()` words, bit = step index; words() is 0 when the net is
  // too large for them.
  /// Fewest steps from a state to an end; kNoPath if there is none.
  uint32_t steps_to_end(uint32_t state) const { return to_end_[state]; }
  /// Steps that every way from the state to an end does.
  const uint64_t* mandatory(uint32_t state) const { return &mandatory_[size_t{state} * words_]; }
  /// Steps that some way from the state does.
  const uint64_t* possible(uint32_t state) const { return &possible_[size_t{state} * words_]; }
  uint32_t words() const { return words_; }

 private:
  uint32_t intern(const protocol::Marking& marking);
  bool expand(uint32_t state);
  void explore(uint32_t max_markings);
  bool determinise();
  void minimise();
  void trim();
  void measure();

  const protocol::Net net_;
  std::vector<std::vector<uint32_t>> waiting_;  // transitions by their first place
  std::vector<uint32_t> unasked_;               // transitions without a place before them
  MarkingSet markings_;
  std::vector<bool> expanded_;
  std::vector<std::vector<Edge>> edges_;
  std::vector<bool> final_;
  std::vector<uint32_t> to_end_;
  std::vector<uint64_t> mandatory_, possible_;
  uint32_t words_ = 1;
  size_t edge_count_ = 0;
  bool complete_ = false;
  bool deterministic_ = false;
  bool overflow_ = false;
  bool exhausted_ = false;
  // Of the expansion under way; kept for their memory.
  struct Fired {
    int32_t step;
    protocol::Marking to;
    auto operator<=>(const Fired&) const = default;
  };
  protocol::Marking from_;
  std::vector<Fired> fired_;
};

}  // namespace casebox::analytics::conformance::internal
