#pragma once

// Names that stand in the clear only when the vocabulary knows them. Stream and case frames can be
// read without a key; of their texts the writer shows known words and seals the rest into the same
// frame, and a reader with keys puts it back. Layout: docs/formats/frame.md.
//
// Sealed with AES-256-GCM under the epoch's names key, with a random nonce in front (an epoch has a
// few hundred such frames at most; a counter would have to survive an append that failed halfway),
// and bound to case, epoch and stream, so that names cannot be moved.
//
// Thread safety: one thread per EpochKeys.
// Errors: kInvalidArgument for a name that is not UTF-8. Opening, kCorrupt when a seal does not
// hold or what it holds does not parse; the message is then as it was.

#include "casebox/v1/case.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/keyring/keyring.h"

namespace casebox::keyring {

/// The stream as a stream frame may show it, with its true names sealed inside.
Result<v1::Stream> seal_names(const v1::Stream& stream, EpochKeys& keys, CaseId case_id);
/// The stream as it was before; its tokens stay where nothing is sealed.
Result<void> open_names(v1::Stream& stream, EpochKeys& keys, CaseId case_id);

/// Leaves of `frame.config` what is a number or a code, and seals the whole beside it.
Result<void> seal_config(v1::CaseFrame& frame, EpochKeys& keys, CaseId case_id);
Result<void> open_config(v1::CaseFrame& frame, EpochKeys& keys, CaseId case_id);

}  // namespace casebox::keyring
