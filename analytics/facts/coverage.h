#pragma once

// Which streams of a case watched when: recorded, whole, on a clock that can be used. What is said
// to be missing from a case is only as good as what could have shown it.
//
// A stream of a recorder watched from the opening of its epoch to the end of it: beats sign where
// it stood each second, and a source that went away left a gap. A stream that was imported watched
// from its first item to the end of its last, since nobody knows what the file's maker left out
// around it; labels of people, whoever read them, watched where there are any. Gaps and pauses are
// lapses of both. A stream that gave nothing in the whole case may have been registered and never
// connected: it watched nothing. Of a stream on a broken clock nobody knows when it watched.
//
// Thread safety: free functions; the reader's thread. Units: ns of case time. Errors: the reader's.

#include <cstdint>
#include <string>
#include <vector>

#include "storage/reader/case_reader.h"

namespace casebox::analytics::facts {

/// A span, both ends in it, in which a stream did not watch. INT64_MIN and INT64_MAX: before and
/// after everything that was recorded.
struct Lapse {
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;
  std::string why;  // "disconnected", "its recording begins there"
};

struct Watch {
  std::string stream;
  v1::StreamKind kind = v1::STREAM_KIND_UNSPECIFIED;
  bool people = false;        // it holds what people said: marks, labels, lists
  uint64_t items = 0;         // in the case
  std::vector<Lapse> lapses;  // by begin; they may overlap
  std::vector<Lapse> covering(int64_t t0_ns, int64_t t1_ns) const;  // those that touch the span
};

struct Coverage {
  std::vector<Watch> streams;  // of the recorder, by name
  /// The record is known to have begun before, or ended after, whatever it shows first and last:
  /// a recorder made it, and at its end its sources had ended; nobody stopped it.
  bool holds_beginning = false;
  bool holds_end = false;
  const Watch* find(const std::string& stream) const;
};

Result<Coverage> read_coverage(const storage::CaseReader& reader);

}  // namespace casebox::analytics::facts
