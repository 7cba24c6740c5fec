#pragma once

// Index entries of a frame: codes, never texts or names (docs/formats/store.md has the tags).
//
// Thread safety: free functions.

#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/event.pb.h"
#include "proto/base/ids.h"
#include "proto/base/time.h"
#include "storage/store.h"

namespace casebox::ingest {

/// Entries of the events of one frame that begins at `t`.
std::vector<storage::IndexEntry> index_events(CaseId case_id, CaseTime t,
                                              const v1::EventBatch& batch);
/// procedure, room and date of a case.
std::vector<storage::IndexEntry> index_case(CaseId case_id, const v1::CaseRecord& record);

}  // namespace casebox::ingest
