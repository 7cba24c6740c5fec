#pragma once

// A case as its signed frames tell it: rebuilt from stream 0, every chain recomputed from the leaf
// hashes up to the newest signed beat, with its verdict. What `CaseRecord` says is a cache; where
// it differs from the rebuild, that is a problem of the report.
//
// Thread safety: free functions. Errors: kNotFound for a case that is not in the store, and what
// keeps the database from being read; damage and change are problems of the report.

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "proto/verify/verify.h"
#include "storage/store.h"

namespace casebox::storage {

/// How far a verification looks.
enum class Depth {
  /// Stream 0 and gap frames whole, of all other frames the leaf hashes: what an opening does. A
  /// frame that is read afterwards must hash to its leaf.
  kLeaves,
  /// Every byte of every frame, every row of every table.
  kBytes,
};

/// A stream of one epoch: its registry entry and its frames by number, each with the leaf hash that
/// a signature vouches for.
struct ProvenStream {
  Epoch epoch;
  uint32_t epoch_index = 0;
  StreamId id;  // 0: the producer's own stream
  v1::Stream entry;
  bool derived = false;
  std::vector<Proof> frames;                      // `control` is empty
  std::vector<frame::Kind> kinds;                 // of stream 0: one per frame
  const Proof* holding(ItemNumber number) const;  // the frame that holds a number, or null
};

/// A gap frame as it was read and proven.
struct ProvenGap {
  v1::Gap gap;
  Epoch epoch;
  StreamId stream;
  ItemNumber first;
  uint32_t count = 0;
  CaseTime t, end;
  bool derived = false;
};

struct VerifiedCase {
  /// Rebuilt. Only `bytes` of streams and the local quarantine counts come from the cache.
  v1::CaseRecord record;
  verify::Report report;
  std::deque<ProvenStream> streams;  // by epoch index and stream id
  std::vector<ProvenGap> gaps;
};

/// What an error of reading a proven frame says of its case: a row that is there and says something
/// else is a change; one that is gone or unreadable may be an accident.
verify::Weight weight_of(const Error& error);

/// Rebuilds and verifies one case.
Result<VerifiedCase> verify_case(const Store& store, CaseId id, const verify::Options& options,
                                 Depth depth);

/// Cases that the ledger says were stored and the store does not list any more.
Result<std::vector<CaseId>> lost_cases(const Store& store);
/// What is said of one of them.
verify::Report report_lost(CaseId id);

/// Every case of a store, lost ones too, by its reports alone; `each` is called after each with how
/// many are done and how many there are.
Result<std::vector<verify::Report>> verify_store(
    const Store& store, const verify::Options& options, Depth depth,
    const std::function<void(const verify::Report&, size_t, size_t)>& each = {});

}  // namespace casebox::storage
