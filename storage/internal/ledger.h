#pragma once

// `<shard>/ledger`: which epochs were ever stored, outside RocksDB, so that an epoch or a whole
// case that vanishes from it is noticed (docs/formats/store.md). Fixed records of 112 bytes, each
// with a checksum and the head of a hash chain; only ever appended to.
//
// Thread safety: free functions; one writer.
// Errors: kCorrupt names the first record that is not what was written.

#include <filesystem>
#include <functional>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "storage/store.h"

namespace casebox::storage {

constexpr size_t kLedgerRecordSize = 112;

/// A record as it stands in the file; its head follows from `previous`, the head before it (zeros
/// before the first).
Bytes encode_ledger(const LedgerEntry& entry, const Digest& previous);
/// Checks size, checksum and kind, not the chain.
Result<LedgerEntry> parse_ledger(BytesView record);
Digest ledger_head(BytesView record);
/// Whether `record` follows the head `previous`.
bool follows(BytesView record, const Digest& previous);

/// Writes `records` (whole ones) so that they begin at record `at`.
Result<void> append_ledger(const std::filesystem::path& file, uint64_t at, BytesView records,
                           bool sync);

/// Visits the first `count` records in order. With `chain` each must follow the one before.
Result<void> read_ledger(const std::filesystem::path& file, uint64_t from, uint64_t count,
                         bool chain, const std::function<Result<void>(BytesView)>& visit);

}  // namespace casebox::storage
