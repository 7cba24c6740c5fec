#pragma once

// How a recorder's room is doing, in the forms in which it is told: a document (`/state`, `casebox
// case status`), metrics, one word for a light.
//
// Thread safety: free functions. Nothing of a patient is in any of them: sources by their
// configured names, cases by their ids.

#include <optional>
#include <string>
#include <vector>

#include "recorder/appliance.h"
#include "tools/cli/json.h"

namespace casebox::tools {

/// How forwarding is doing; absent where the bus is the log folder.
struct ForwardStatus {
  std::string state;  // "forwarding", "away", "refused"
  std::string message;
  uint64_t frames = 0;
  double lag_s = 0;
};

struct RoomState {
  std::string room;
  recorder::ApplianceStatus recorder;
  std::optional<ForwardStatus> forward;
};

Json to_json(const RoomState& state);
/// Text exposition format of Prometheus.
std::string metrics_of(const RoomState& state);
/// "idle", "recording", "paused", "trouble".
std::string word_of(const RoomState& state);
/// What needs somebody, for people; empty: all is well.
std::vector<std::string> troubles_of(const RoomState& state);

}  // namespace casebox::tools
