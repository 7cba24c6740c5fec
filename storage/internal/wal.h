#pragma once

// RocksDB's write-ahead log, looked at before RocksDB sees it. RocksDB passes over damage in
// silence when it is allowed to (a zeroed record header, a cut between two records), and flushes
// and deletes the log when it opens; so the writer first finds the place up to which the log is
// whole, keeps a copy of all of it aside, and cuts it there: RocksDB only ever opens a whole log.
//
// Format: blocks of 32 KiB of records (crc32c[4] masked, length[2], type[1], bytes), a batch in one
// record or in first/middle/last ones; a batch begins with its sequence number[8] and its count[4].
// Batches of one file follow each other without a hole.
//
// Thread safety: free functions. The writer's are called under its lock.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "proto/base/result.h"

namespace casebox::storage {

struct WalFile {
  std::filesystem::path path;
  uint64_t number = 0;
  uint64_t size = 0;
  uint64_t whole = 0;  // bytes up to the end of the last whole batch before any damage
  std::string damage;  // what is there; empty: nothing but zeros behind `whole`
  bool tail = false;   // the damage looks like the end of a write that was never finished
  // A batch stands here again, its checksum right: RocksDB would abort on it, so nobody may open
  // it before it is cut off.
  bool repeated = false;
};

/// The log files of a database in order. A file that goes while it is read is left out.
Result<std::vector<WalFile>> check_wal(const std::filesystem::path& db);

}  // namespace casebox::storage
