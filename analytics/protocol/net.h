#pragma once

// A labelled Petri net: what a protocol, a PNML file and a BPMN file are compiled to. Tokens are
// counted, so nets that are not safe can be held (and reported by lint); arc weights are repeated
// places.
//
// Thread safety: a finished net is immutable and may be shared.

#include <cstdint>
#include <string>
#include <vector>

namespace casebox::analytics::protocol {

/// Tokens per place.
using Marking = std::vector<uint8_t>;

/// Label of a silent transition.
constexpr int32_t kSilent = -1;

struct Transition {
  std::string name;          // as in the source; for messages
  int32_t step = kSilent;    // index of the step it does
  std::vector<uint32_t> in;  // places, sorted; a place twice = weight two
  std::vector<uint32_t> out;
};

struct Net {
  std::vector<std::string> places;
  std::vector<Transition> transitions;
  Marking initial;
  std::vector<Marking> finals;  // any of them ends a case

  uint32_t add_place(std::string name);
  /// Adds an unmarked initial marking and sorts arcs: call once when all is added.
  void finish();
  bool enabled(const Marking& marking, const Transition& transition) const;
  /// False if a place would hold more than 255 tokens.
  bool fire(const Marking& marking, const Transition& transition, Marking& next) const;
  /// Every transition has exactly one place before and one after it, and one token begins: then a
  /// marking is a place.
  bool is_state_machine() const;
};

}  // namespace casebox::analytics::protocol
