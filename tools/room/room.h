#pragma once

// A room as a program runs it: the appliance, its control, what it tells of itself, and its
// forwarding, for as long as nobody stops it.
//
// Thread safety: run_room() blocks its caller. Errors: what keeps the room from being recorded, and
// what its configuration asks for and cannot be had (a port, a socket).

#include <functional>

#include "casebox/v1/appliance.pb.h"
#include "proto/base/time.h"
#include "proto/keyring/producer_keys.h"

namespace casebox::tools {

struct RoomRun {
  bool whole = true;  // nothing was lost that nobody planted
  uint64_t cases = 0;
  double seconds = 0;
};

Result<RoomRun> run_room(const v1::ApplianceConfig& config, keyring::ProducerKeys& keys,
                         Clock& clock, const std::function<bool()>& stop);

/// What one look found.
struct RoomCheck {
  std::string what;  // "source scope", "disk", "keys", ...
  bool ok = false;
  std::string detail;
};
/// Tries each source, the disk, the keys, the clock and the broker, for some seconds in all. Takes
/// no case key and records nothing.
std::vector<RoomCheck> check_room(const v1::ApplianceConfig& config, keyring::ProducerKeys& keys,
                                  Clock& clock);

}  // namespace casebox::tools
