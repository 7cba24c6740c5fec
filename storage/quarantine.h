#pragma once

// Quarantine: where everything goes that a bus brought and that may not change a case. Each row has
// a reason (a code), where it came from, and the bytes; nothing of it is evidence, and no case
// record, verdict or list knows of it. What only came too early waits here too (`waits`), and is
// taken in when what it needs has come.
//
// Bounded per bus source and reason: beyond the bound frames are counted, with the first and the
// last offset, since the bus still has them.
//
// Thread safety: plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/time.h"

namespace casebox::storage {

/// How much is kept per source and reason. A stranger can fill no more than this of the disk; what
/// waits has more room, because reading a bus from its beginning brings one topic long before
/// another (1 GiB is a quarter of an hour of video).
struct QuarantineLimits {
  uint64_t rows = 10'000;
  uint64_t bytes = 64u << 20;
  uint64_t waiting_rows = 1'000'000;
  uint64_t waiting_bytes = uint64_t{1} << 30;
};

struct Quarantined {
  std::string reason;  // code, e.g. "not-enrolled"
  std::string detail;  // more of it, for people: never content
  bool waits = false;  // may be taken in once what it needs has come
  std::string source;
  uint64_t offset = 0;
  UtcTime when;
  CaseId case_id;  // as the bus says
  Epoch epoch;     // these three as its header says; zero where there is none
  StreamId stream;
  uint64_t number = 0;
  Bytes bytes;  // at most a frame's
  Bytes key;    // names the row; filled in by those who read it
};

struct QuarantineCount {
  std::string source;
  std::string reason;
  uint64_t rows = 0;
  uint64_t bytes = 0;
  uint64_t beyond = 0;  // counted and not kept; their offsets lie in [first_beyond, last_beyond]
  uint64_t first_beyond = 0;
  uint64_t last_beyond = 0;
};

/// Which rows: those of a case, of one of its epochs, of one stream of that. In order of waiting
/// first, then case, epoch, stream, number.
struct QuarantineQuery {
  std::optional<bool> waiting;
  std::optional<CaseId> case_id;
  std::optional<Epoch> epoch;      // with case_id
  std::optional<StreamId> stream;  // with epoch
  uint64_t from_number = 0;        // with stream
  Bytes after = {};                // rows behind this key: `QuarantinePage::after`
  size_t max_rows = 1000;
  size_t max_bytes = 4u << 20;
};

struct QuarantinePage {
  std::vector<Quarantined> items;
  Bytes after;  // empty: that was all
};

}  // namespace casebox::storage
