#pragma once

// Marks the relations of a log skeleton that say little (analytics/discovery/log_skeleton.h).
//
// Thread safety: pure.

#include <cstdint>
#include <map>
#include <string_view>

#include "analytics/discovery/log_skeleton.h"

namespace casebox::analytics::discovery::internal {

/// `cases_with`: cases in which an activity occurs, by name.
void mark_trivial(const std::map<std::string_view, uint64_t>& cases_with, LogSkeleton& skeleton);

}  // namespace casebox::analytics::discovery::internal
