#pragma once

// The clocks of a case's devices as its clock records tell of them. A device that is set gets a new
// clock id (`replaced_by`); here a device's ids count as one clock, known by the newest of them,
// which is the one its streams name.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/reader/case_reader.h"

namespace casebox::analytics {

struct DeviceClock {
  uint32_t clock_id = 0;                      // the newest
  bool broken = false;                        // at any time
  uint32_t sets = 0;                          // times it was set
  std::optional<storage::SourceRef> said_by;  // the record that first said so
};

/// By clock id.
std::vector<DeviceClock> device_clocks(const std::vector<storage::ClockAt>& records);

}  // namespace casebox::analytics
