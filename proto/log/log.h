#pragma once

// A log: a folder of append-only files, each a header and frames back to back
// (docs/formats/log.md). The recorder's spool, the store's media segments, analysis and import
// write the same format, so there is one reader, one recovery and one verifier.
//
// A file belongs to one case and opens with copies of the case's current case, stream and key
// frames and with each stream's position, so that a later file can be verified when earlier ones
// are gone. Files are `<index, 8 digits>.cblog`, 128 MiB, preallocated, never recycled. A small
// file `durable` beside them holds the offset below which everything is on disk; consumers read
// only below it. A file `id` tells this log from every other one.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/log.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/frame/frame.h"

namespace casebox::log {

/// A place in a log: file index and byte offset in it. Orders as written; fits a bus offset.
struct Offset {
  uint32_t file = 0;
  uint32_t byte = 0;
  auto operator<=>(const Offset&) const = default;
  uint64_t packed() const { return (uint64_t{file} << 32) | byte; }
  static Offset unpack(uint64_t v) {
    return {static_cast<uint32_t>(v >> 32), static_cast<uint32_t>(v)};
  }
};

struct WriterOptions {
  uint32_t file_size = 128u << 20;  // a file closes before it would grow above this
  Duration sync_interval =
      milliseconds(100);  // fdatasync when the oldest unsynced frame is this old
  bool sync = true;       // false: never fdatasync (benchmarks, throw-away logs)
};

/// Appends frames to a log. Not safe across threads: one writer thread owns it.
/// A failed append leaves the log as it was: the caller retries the same bytes or makes a gap.
class Writer {
 public:
  /// Creates the folder if need be and begins a new file after the last one. Does not repair: call
  /// `recover` first after a crash (kCorrupt if the last file has a torn tail). kAlreadyExists when
  /// another process holds the log's lock.
  static Result<std::unique_ptr<Writer>> open(const std::filesystem::path& dir, Clock& clock,
                                              WriterOptions options = {});
  ~Writer();

  /// Begins a file for `case_id`. Frames of kind case, stream and key appended while it is current
  /// are remembered and copied to the front of the files that follow.
  Result<void> begin_case(CaseId case_id, ProducerId producer, v1::ProducerRole role);
  /// Ends the current case: syncs and closes the file.
  Result<void> end_case();

  /// Appends one frame's bytes (header already checked by whoever made them). Returns where it
  /// stands. kNoSpace on a full disk. `leaf`: the frame's leaf hash, from a caller that has it
  /// already; else the writer computes it.
  Result<Offset> append(BytesView frame, const Digest* leaf = nullptr);

  /// fdatasync if the oldest unsynced frame is older than the interval; call it often.
  Result<void> maybe_sync();
  /// fdatasync now, and publish the durable offset.
  Result<void> sync();

  /// Everything below is on disk.
  Offset durable() const;
  /// Where the next frame goes.
  Offset end() const;

 private:
  Writer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One frame read from a log.
struct Entry {
  Offset offset;      // of its first byte
  Offset next;        // resume here
  frame::View frame;  // borrows the reader's buffer until the next call
  CaseId case_id;
  ProducerId producer;
  v1::ProducerRole role = v1::PRODUCER_ROLE_UNSPECIFIED;
  bool preamble = false;  // a copy at the front of a file
};

/// A place that could not be read as a frame.
struct Damage {
  std::filesystem::path file;
  uint64_t offset = 0;
  std::string what;
  bool torn_tail = false;  // behind the durable offset: a crash, not a change
};

struct ReaderOptions {
  bool below_durable_only = true;  // false: read all that parses (recovery, verification)
};

/// Reads a log from an offset. Not safe across threads; a writer may append meanwhile.
class Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const std::filesystem::path& dir, Offset from = {},
                                              ReaderOptions options = {});
  ~Reader();

  /// The next frame; nullopt when there is none yet (call again later). Damage is recorded in
  /// `damage()` and skipped to the next frame that parses in the same file, or to the next file.
  Result<std::optional<Entry>> next();
  const std::vector<Damage>& damage() const;
  Offset position() const;

 private:
  Reader();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The files of a log, ascending. An empty list for a folder without any.
Result<std::vector<std::filesystem::path>> files(const std::filesystem::path& dir);
/// The index in a log file's name; nullopt if it is not one.
std::optional<uint32_t> file_index(const std::filesystem::path& file);
/// True if `path` is a folder with log files or a `durable` file.
bool is_log(const std::filesystem::path& path);
/// The log's own identity, 16 hex digits that its first writer drew: what tells two folders of one
/// name apart. Empty for a log without; kNotFound while there is no log in the folder.
Result<std::string> read_log_id(const std::filesystem::path& dir);
/// The offset below which everything was on disk; nullopt if none was ever published. kNotFound
/// without the file `durable`, kCorrupt if nothing of it is whole.
Result<std::optional<Offset>> durable_offset(const std::filesystem::path& dir);
/// Parses a file's header; `size` receives its length on disk.
Result<v1::LogFileHeader> read_file_header(const std::filesystem::path& file, uint32_t* size);

/// What `recover` did.
struct Recovery {
  uint32_t files = 0;
  uint64_t truncated_bytes = 0;  // kept beside the file as `<file>.torn`
  bool torn = false;
  Offset end;      // where the log now ends
  CaseId case_id;  // of the last file
};

/// Puts a log in order after a crash, in place, touching only its last file: finds the last whole
/// frame, moves what is behind it to `<file>.torn`, sets the durable offset. Never deletes. A clean
/// log is left as it is.
Result<Recovery> recover(const std::filesystem::path& dir);

}  // namespace casebox::log
