#pragma once

// Seconds from outside - a command line, a configuration, a request, a file - to nanoseconds. A
// double that is not finite, or is beyond what nanoseconds in 64 bits can say, has no Duration.
//
// Thread safety: free functions. Errors: kInvalidArgument "<what>: ...".

#include <cmath>
#include <string>

#include "proto/base/result.h"
#include "proto/base/time.h"

namespace casebox {

/// Longest time that is taken from outside: 30 years, so that sums of a few stay in range.
constexpr double kLongestSeconds = 1e9;

inline Result<Duration> checked_seconds(double s, const std::string& what) {
  if (!(std::abs(s) <= kLongestSeconds))
    return Error{Code::kInvalidArgument,
                 what + ": not a time; write seconds, of at most 1000000000"};
  return from_seconds(s);
}

}  // namespace casebox
