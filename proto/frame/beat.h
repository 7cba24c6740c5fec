#pragma once

// What a beat's signature covers, in one place for those who sign and those who verify.
//
// Thread safety: free functions.

#include "casebox/v1/control.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"

namespace casebox::frame {

/// The bytes an Ed25519 signature of a beat covers: label, case, producer, epoch, t, then per
/// stream (ascending) stream id, next number and head. Canonical: made from values, not from a
/// protobuf encoding. For stream 0 next number and head are those before the beat itself; the
/// beat's own frame is covered because its number is the next number and its positions are signed.
Bytes beat_message(CaseId case_id, ProducerId producer, Epoch epoch, const v1::Beat& beat);

}  // namespace casebox::frame
