#pragma once

// The streams of a case: what each was, how much of it is stored, and how much is missing. A stream
// of several epochs (a recorder that was cut off and went on) is one.
//
// Thread safety: pure functions. Units: s of case time.

#include <cstdint>
#include <optional>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/stream.pb.h"

namespace casebox::analytics::facts {

struct StreamFact {
  v1::Stream stream;     // as its newest epoch describes it
  bool derived = false;  // of an analysis or a custody act, not of the recorder
  uint64_t items = 0, missing = 0, gap_frames = 0, unknown_gaps = 0, frames = 0, bytes = 0;
  std::optional<double> first_t_s, last_t_s;  // unset: nothing of it is stored
};

/// Those of the recorder first, by name. The control stream is none.
std::vector<StreamFact> stream_facts(const v1::CaseRecord& record);

}  // namespace casebox::analytics::facts
