#pragma once

// The audit trail: one record for every opening, on disk before a key is handed out
// (docs/formats/keystore.md).
//
//   audit.log    magic, then records: length, AuditRecord, MAC
//   audit.head   how many records there are, how long they are and the last one's hash, under a
//   MAC,
//                in two slots that are written in turn
//   audit-1.log  what a trail of the first form held, when there was one
//
// Invariants. A record is durable before the head names it, the head is durable before the record
// counts. Hence the log is never behind the head, and at most one whole record ahead of it:
//
//   killed ...                          the next program finds           and does
//   while the record is written         half a record behind the head    cuts it off
//   behind the record, before the head  one whole record more            writes its head
//   while the head is written           one slot that does not hold,     writes its head
//                                       and one whole record more
//
// In none of these had a key been handed out. Everything else is the work of somebody: a log
// shorter than its head was cut, a record whose MAC does not hold was edited, records that hold but
// are not those of the head were put there, a head behind by more than one record is an old copy, a
// file that is not there was taken away. Then nothing is appended, and so nothing opened, until a
// person sets the trail aside.
//
// Thread safety: one thread at a time, under the folder's lock.
// Errors: kCorrupt, with what happened to the trail and what to do.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "casebox/v1/log.pb.h"
#include "proto/base/time.h"
#include "proto/keyring/internal/folder.h"
#include "proto/seal/seal.h"

namespace casebox::keyring::internal {

class Trail {
 public:
  /// `site_key` outlives this.
  Trail(std::filesystem::path dir, const seal::Secret& site_key)
      : dir_(std::move(dir)), site_key_(&site_key) {}

  /// Makes an empty trail, or goes on where a crash left that; one of the first form is kept beside
  /// it, and the first record says so. True if there was one. Only for a keystore that is not whole
  /// yet: a whole one has a trail, and a missing one is never replaced.
  Result<bool> make(UtcTime now);

  /// Appends a record, `sequence` and `previous` filled in; durable on return.
  Result<void> append(v1::AuditRecord record);

  /// All records, those of an earlier form first, checked.
  Result<std::vector<v1::AuditRecord>> read();

  /// Sets a damaged trail aside under names that end in `now` and begins another, whose first
  /// record tells of it; kInvalidArgument if the trail is whole. Returns what was wrong.
  Result<std::string> accept_damage(v1::AuditRecord first, UtcTime now);

  /// What its people should know of what was found, once.
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

 private:
  struct Head {
    uint64_t count = 0;
    uint64_t bytes = 0;  // of audit.log
    Digest last{};       // SHA-256 of the last record
  };
  std::filesystem::path log_path() const { return dir_ / "audit.log"; }
  std::filesystem::path head_path() const { return dir_ / "audit.head"; }
  std::filesystem::path earlier_path() const { return dir_ / "audit-1.log"; }
  Result<seal::Secret> mac_key() const;
  std::string slot(const Head& head, bool copy, const seal::Secret& key) const;
  Result<Head> read_head(const seal::Secret& key, bool* torn_slot) const;
  Result<void> write_head(const Head& head, const seal::Secret& key);
  Result<Bytes> entry_of(v1::AuditRecord& record, const Head& behind,
                         const seal::Secret& key) const;
  Result<void> begin(std::vector<v1::AuditRecord> records);
  Result<std::vector<v1::AuditRecord>> read_earlier(const v1::AuditRecord& first) const;
  std::optional<v1::AuditRecord> take(BytesView bytes, Head* at, const seal::Secret& key,
                                      std::string* why) const;
  Result<void> catch_up(std::vector<v1::AuditRecord>* all);
  Result<void> take_in_tail(const Fd& fd, BytesView tail, bool torn_slot, const seal::Secret& key,
                            std::vector<v1::AuditRecord>* all);

  std::filesystem::path dir_;
  const seal::Secret* site_key_;
  Head known_;  // up to here this program has checked the log
  std::vector<std::string> notes_;
};

/// The records of a trail of the first form, its hash chain checked; `whole` is how many bytes they
/// take, a torn one at the end left out.
Result<std::vector<v1::AuditRecord>> read_first_form(BytesView bytes, const std::string& where,
                                                     size_t* whole);

}  // namespace casebox::keyring::internal
