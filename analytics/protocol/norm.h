#pragma once

// The norm: a protocol compiled to the form conformance works on. PNML and BPMN files give the same
// form, with one step per label and no checks (analytics/readers).
//
// Thread safety: a compiled norm is immutable and may be shared.
// Errors: compile refuses what cannot mean anything (unknown step in a flow, two rules in one
// check, an empty choice): kInvalidArgument with the step or check named. What is merely unwise is
// lint's.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analytics/protocol/net.h"
#include "casebox/v1/protocol.pb.h"
#include "proto/base/result.h"

namespace casebox::analytics::protocol {

struct Norm {
  v1::Protocol source;                      // id, version, steps, values, checks
  Net net;                                  // labels are indices into source.steps()
  std::map<std::string, uint32_t> step_of;  // activity -> step index
  std::set<std::string> ignored;            // activities not looked at
  std::vector<std::string> notices;         // what a reader dropped or repaired

  const v1::ProtocolStep& step(uint32_t index) const {
    return source.steps(static_cast<int>(index));
  }
  std::optional<uint32_t> step_with_id(const std::string& id) const;
  /// Title for people, else the id.
  const std::string& title(uint32_t index) const;
  /// "id@version".
  std::string name() const;
};

/// Checks and compiles a protocol.
Result<Norm> compile(const v1::Protocol& protocol);

}  // namespace casebox::analytics::protocol
