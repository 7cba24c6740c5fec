#pragma once

// The clock of a file: its times are kept as they are, moved as a whole to where the configuration
// says that the file begins. How far that is from the truth nobody can bound from the file; the
// bound is the coarseness of the file's own times (docs/recorder.md, "Time").
//
// Thread safety: plain value.

#include <cmath>

#include "proto/base/seconds.h"
#include "proto/base/time.h"
#include "proto/text/text.h"
#include "recorder/sources/source.h"

namespace casebox::recorder::internal {

struct FileClock {
  int64_t start_ns = 0;   // case time of `origin_ns`
  int64_t origin_ns = 0;  // on the file's clock
  int64_t quantum_ns = 1;

  /// Case time; saturates for times no recording can have.
  CaseTime map(int64_t src_ns) const {
    int64_t t = 0;
    if (__builtin_sub_overflow(src_ns, origin_ns, &t) || __builtin_add_overflow(t, start_ns, &t))
      return CaseTime{src_ns < origin_ns ? INT64_MIN / 2 : INT64_MAX / 2};
    return CaseTime{t};
  }
  uint32_t u95_us() const {
    return static_cast<uint32_t>(std::min<int64_t>((quantum_ns + 1999) / 2000, 1 << 30));
  }
  ClockState state() const {
    return {1, start_ns - origin_ns, 0, static_cast<uint64_t>(quantum_ns + 1) / 2, 0, false};
  }
};

/// Where the configuration says that the source begins, ns of case time.
inline Result<int64_t> start_of(const v1::SourceConfig& config) {
  CASEBOX_TRY(const Duration start, checked_seconds(config.start_s(), "start_s"));
  return start.ns;
}

/// File name without its folder, as UTF-8: what may be kept, in the sealed details only.
inline std::string base_name(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return text::to_utf8(slash == std::string::npos ? path : path.substr(slash + 1)).utf8;
}

}  // namespace casebox::recorder::internal
