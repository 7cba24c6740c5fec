#pragma once

// What a numeric channel showed over spans of a case: how many values, the least, the greatest and
// their mean. A value belongs to a span when its time lies in [t0, t1); the ends' own bounds are
// not applied. The mean is that of the values, not weighted by how long each held.
//
// Thread safety: free functions; the reader's thread. Units: ns of case time, values in the
// channel's own unit. Errors: the reader's.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "casebox/v1/finding.pb.h"
#include "storage/reader/case_reader.h"

namespace casebox::analytics::facts {

struct ValueSpan {
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;  // not included
};

struct SpanValues {
  uint64_t values = 0;                   // that are numbers
  uint64_t missing = 0;                  // items without one
  double min = 0, max = 0, mean = 0;     // of `values` above zero
  std::vector<v1::SourceRange> sources;  // the frames that hold the values, a range for each epoch
};

struct Vitals {
  std::string stream, channel, unit;
  bool placed = true;              // false: the clock was broken, nothing is known of parts
  SpanValues whole;                // over the case
  std::vector<SpanValues> within;  // one for each span asked for
};

/// Names that `channels` of read_vitals understands: "ART_M" of any numeric stream, or
/// "monitor.numerics/ART_M" of one. By stream, then channel.
Result<std::vector<Vitals>> read_vitals(const storage::CaseReader& reader,
                                        const std::set<std::string>& channels,
                                        const std::vector<ValueSpan>& spans);
/// "stream/channel" of every numeric channel, without reading a value.
std::vector<std::string> vital_names(const storage::CaseReader& reader);

}  // namespace casebox::analytics::facts
