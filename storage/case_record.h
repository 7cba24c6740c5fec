#pragma once

// What follows from the frames counted in a case record: one rule for ingest, which counts as they
// come, and for verification, which counts anew.
//
// Thread safety: free functions.

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "proto/frame/frame.h"

namespace casebox::storage {

/// Takes in the opening of an epoch that is in the record. The first recorder or import of a case,
/// by epoch index, says what it is a case of.
void take_opening(v1::CaseRecord& record, v1::EpochRecord& epoch, const v1::CaseFrame& open);

/// Counts one frame into its stream's row and into the case. `gap`: its body, of gap frames.
void count_frame(v1::CaseRecord& record, v1::StreamRecord& row, const frame::Header& header,
                 const v1::Gap* gap);

/// Epochs whose close frame's numbers are reached, and the state of the case that follows.
void settle(v1::CaseRecord& record);

/// What a consent frame says, if it is newer than what the record knows: an act of custody is newer
/// than all of the recorder; else by time, then by order of epochs and numbers. Whoever owns the
/// case or its custody may say it; of anybody else it means nothing.
void take_consent(v1::CaseRecord& record, const frame::View& frame);
/// Whether the record tells what consent there is. False: the newest of it may be of the older
/// form, in sealed streams.
bool tells_consent(const v1::CaseRecord& record);
/// Whether a store's row tells it, which takes the newest consent that is there: only if the epoch
/// of that has ended. Until then a beat may not cover it; the verified reader knows.
bool row_tells_consent(const v1::CaseRecord& row);

}  // namespace casebox::storage
