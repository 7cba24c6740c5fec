#pragma once

// Keys of the column families (docs/formats/store.md): big-endian, so that byte order is number and
// time order. Decoders check sizes; a key of another size is kCorrupt.
//
// Thread safety: free functions.

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "storage/store.h"

namespace casebox::storage {

/// Where a row stands: every frame key of the event, wave and media families holds these.
struct RowKey {
  CaseId case_id;
  CaseTime t;
  StreamId stream;
  uint16_t epoch_index = 0;
  uint64_t number = 0;  // 48 bits
};
constexpr size_t kRowKeySize = 36;
constexpr uint64_t kMaxNumber = (uint64_t{1} << 48) - 1;

/// event: case t stream epoch number. wave, media: case stream t epoch number.
Bytes row_key(Table table, const RowKey& key);
Result<RowKey> parse_row_key(Table table, BytesView bytes);

/// proof: case epoch-index stream number.
Bytes proof_key(CaseId case_id, uint16_t epoch_index, StreamId stream, uint64_t number);
Bytes proof_prefix(CaseId case_id, uint16_t epoch_index, StreamId stream);
constexpr size_t kProofKeySize = 28;
uint64_t proof_number(BytesView key);

/// tail: case table stream -> longest frame duration in us; names the streams that have rows.
Bytes tail_key(CaseId case_id, Table table, StreamId stream);
/// segment: case stream file -> committed length.
Bytes segment_key(CaseId case_id, StreamId stream, uint32_t file);

/// The first key behind all that start with `prefix`; empty if there is none.
Bytes after_prefix(Bytes prefix);

}  // namespace casebox::storage
