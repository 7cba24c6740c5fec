#pragma once

// The states of one norm: those that sequences have met, and all of them from the first sequence on
// that needs a search. A log of cases that follow the norm never pays for exploring it whole.
//
// Thread safety: one thread.

#include <optional>

#include "analytics/conformance/internal/search.h"

namespace casebox::analytics::conformance::internal {

class NormStates {
 public:
  /// `max_markings`, `language_only`: of the automaton that holds all of them.
  NormStates(const protocol::Net& net, uint32_t max_markings, bool language_only);

  /// Whether a sequence is a run of the norm from beginning to end, silent steps being free. Unset:
  /// so many states are possible at once that it was not found out; that depends on the sequence
  /// alone, not on what was asked before.
  std::optional<bool> fits(const Sequence& sequence);

  /// Nothing explored beforehand.
  Automaton& met() { return met_; }
  /// Explored, as far as the limits allow, when first asked for.
  Automaton& all();

 private:
  const protocol::Net net_;
  uint32_t max_markings_;
  bool language_only_;
  Automaton met_;
  std::optional<Automaton> all_;
};

}  // namespace casebox::analytics::conformance::internal
