#pragma once

// What a beat's signature covers, in one place for those who sign and those who verify.
//
// Thread safety: free functions.

#include "casebox/v1/control.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/frame/frame.h"

namespace casebox::frame {

/// The bytes an Ed25519 signature of a beat covers, by `beat.form()`. Canonical: made from values,
/// not from a protobuf encoding. For stream 0 next number and head are those before the beat
/// itself.
///
/// Form 2: label, case, producer, the header of the beat's frame (body length and CRC zero), t,
/// then per stream (ascending) stream id, next number, head and how many of the frames before are
/// gaps. So the newest beat, which no later one covers, cannot be changed either, and a gap cannot
/// be passed off as data. Form 1: label, case, producer, epoch, t, then stream id, next number,
/// head.
Bytes beat_message(CaseId case_id, ProducerId producer, const Header& header, const v1::Beat& beat);

}  // namespace casebox::frame
