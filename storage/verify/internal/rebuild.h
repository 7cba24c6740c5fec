#pragma once

// One pass over a case's proof rows that feeds the verifier and counts the case anew.
//
// Thread safety: one thread.

#include <map>
#include <set>

#include "storage/verify/verified_case.h"

namespace casebox::storage::internal {

class Rebuild {
 public:
  Rebuild(const Shard& shard, CaseId id, const verify::Options& options, Depth depth)
      : shard_(shard), id_(id), depth_(depth), verifier_(id, options) {}

  Result<VerifiedCase> run();

 private:
  void take(const Proof& proof);
  void take_control(const Proof& proof);
  void take_control_body(const frame::View& frame, ProvenStream& at);
  void take_other(const Proof& proof);
  void take_whole(const Proof& proof, ProvenStream& at, Result<StoredFrame> stored);
  void take_ahead();
  void take_leaf(const Proof& proof, ProvenStream& at);
  void damaged(const Proof& proof, const std::string& what, verify::Weight weight);
  ProvenStream& stream(uint32_t epoch_index, StreamId id);
  v1::EpochRecord& epoch_record(uint32_t index);
  v1::StreamRecord& row(const ProvenStream& at);
  void bound_times(const ProvenStream& at);
  void find_end(int64_t named);
  void put_signed_consent();
  void check_rows();
  void check_ledger();
  void compare_cache(const std::optional<v1::CaseRecord>& cached);

  /// Media frames that are next: they are read and hashed by several threads, and taken in order.
  std::vector<std::pair<Proof, ProvenStream*>> ahead_;

  const Shard& shard_;
  CaseId id_;
  Depth depth_;
  verify::CaseVerifier verifier_;
  VerifiedCase out_;
  std::map<uint64_t, std::set<Digest>> case_leaves_;        // of case frames, by epoch
  std::map<uint32_t, Epoch> epochs_;                        // by index
  std::map<std::pair<uint32_t, uint32_t>, size_t> places_;  // epoch index, stream -> out_.streams
  std::map<std::pair<uint64_t, uint32_t>, int> rows_;       // epoch, stream -> record's row
  int64_t case_first_ = INT64_MAX, case_last_ = INT64_MIN;  // of the recorder's data
  std::vector<Bytes> consents_;                             // consent frames, signed or not
  std::map<Table, uint64_t> counted_;                       // proof rows by table
};

}  // namespace casebox::storage::internal
