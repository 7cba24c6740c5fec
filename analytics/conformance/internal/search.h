#pragma once

// The cheapest ways to explain a sequence of steps by an automaton: A* over their product. Costs
// are integers; ties are broken by the order of edges, which is fixed; nothing depends on addresses
// or hashes.
//
// The estimate (complete automata) adds up, for what is still to come: events no way can do; and
// the larger of steps still needed beyond the events left, and steps every way does that no event
// left can be. It never exceeds the truth and obeys the triangle inequality, so a state is expanded
// once.
//
// Thread safety: one thread. Limits: `budget` pairs of state and position met; beyond it, or when
// the automaton is exhausted, the result has bounds only. The graph of cheapest ways has at most
// 8 million moves; beyond, found.graph is false.

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "analytics/conformance/internal/automaton.h"

namespace casebox::analytics::conformance::internal {

/// A trace as step indices; kAlien where the norm has no such step.
using Sequence = std::vector<int32_t>;
constexpr int32_t kAlien = -2;

enum class MoveKind : uint8_t { kSync, kLog, kModel, kSilent };

struct Costs {
  int64_t unit = 1;
  int64_t silent = 0;
};

/// What a search may not do: finds the best explanation without a departure.
struct Forbidden {
  std::optional<uint32_t> log;   // no log move of this event
  std::optional<int32_t> model;  // no model move of this step
};

/// The part of the product that lies on cheapest ways. Node 0 is the beginning.
struct TightGraph {
  struct Arc {
    uint32_t to;
    MoveKind kind;
    int32_t step;       // of a model move
    uint32_t position;  // events consumed before the move
  };
  std::vector<std::vector<Arc>> arcs;
  std::vector<bool> goal;
};

struct PathMove {
  MoveKind kind;
  int32_t step;
  uint32_t position;
};

struct Found {
  bool exact = false;
  bool graph = false;    // the graph asked for is there
  uint64_t met = 0;      // pairs of state and position: what the budget counts
  bool possible = true;  // false: no way at all
  int64_t cost = 0;      // of the best way found; if !exact an upper bound
  int64_t lower = 0;
  std::vector<PathMove> path;  // if exact
};

class Search {
 public:
  Search(Automaton& automaton, Costs costs, uint64_t budget)
      : automaton_(automaton), costs_(costs), budget_(budget) {}

  /// Cost and one path.
  Found cheapest(const Sequence& sequence, const Forbidden& forbidden = {}) {
    return run(sequence, forbidden, nullptr);
  }
  /// The same, and all cheapest ways together. The graph is empty if the result is not exact.
  Found all_cheapest(const Sequence& sequence, TightGraph& graph) {
    return run(sequence, {}, &graph);
  }
  /// For the searches that follow.
  void set_budget(uint64_t budget) { budget_ = budget; }
  /// Begins anew with an automaton that is not complete: what is found then does not depend on
  /// searches before.
  void forget() { automaton_.forget(); }
  /// Cost of the cheapest run of the automaton alone; the upper bound when a budget ends.
  void set_shortest(int64_t cost) { shortest_ = cost; }

 private:
  struct Node {
    uint32_t state;
    uint32_t position;
    int64_t cost;
    int64_t estimate;  // of the rest; kNever: no way on
    uint32_t parent;
    MoveKind kind;  // of the move from the parent
    int32_t step;
    bool closed;
  };

  Found run(const Sequence& sequence, const Forbidden& forbidden, TightGraph* graph);
  void prepare(const Sequence& sequence, const Forbidden& forbidden);
  int64_t estimate(uint32_t state, uint32_t position) const;
  uint32_t slot(uint32_t state, uint32_t position);
  std::optional<uint32_t> known_slot(uint32_t state, uint32_t position) const;
  bool tighten(const Sequence& sequence, int64_t cost, TightGraph& graph);
  template <typename Visit>
  void moves(const Sequence& sequence, const Forbidden& forbidden, uint32_t state,
             uint32_t position, Visit visit);

  Automaton& automaton_;
  Costs costs_;
  uint64_t budget_;
  int64_t shortest_ = 0;

  // Of the current run.
  std::vector<Node> nodes_;
  std::vector<uint64_t> dense_;  // run number and slot, by state and position
  std::unordered_map<uint64_t, uint32_t> sparse_;
  bool use_dense_ = false;
  uint32_t run_ = 0;
  uint32_t length_ = 0;
  uint32_t words_ = 0;           // of masks; 0: the estimate does without
  std::vector<uint64_t> left_;   // steps still to come, by position
  std::vector<uint32_t> known_;  // events still to come that are steps
  std::vector<uint32_t> alien_;  // and that are not
  int32_t forbidden_model_ = -3;
  bool forbidden_alien_ = false;
};

}  // namespace casebox::analytics::conformance::internal
