#pragma once

// Media frames back to back in files under <shard>/media/<case>/<stream>/<index>.seg. A file's
// committed length stands in the segment family. What is found behind it, and files that no row
// knows, are moved to <shard>/aside/ when their stream is first written to: never cut off, never
// deleted, since rows can be damaged too. A file closes before it would grow above 128 MiB.
//
// Nothing is looked at before its stream is touched, and at most kOpenFiles descriptors are held,
// so the cost does not grow with the cases stored.
//
// Thread safety: one writer thread; `read` may be called from any.
// Errors: kNoSpace on a full disk, kCorrupt for a file shorter than what was committed.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"

namespace casebox::storage {

class Segments {
 public:
  static constexpr uint64_t kFileSize = 128u << 20;
  static constexpr size_t kOpenFiles = 64;
  struct Place {
    uint32_t file = 0;
    uint64_t offset = 0;
  };
  /// The last file of a stream and its committed length.
  struct Known {
    uint32_t file = 0;
    uint64_t committed = 0;
  };
  using Key = std::tuple<CaseId, StreamId, uint32_t>;  // case, stream, file
  /// What the rows say of a stream; nullopt: nothing. `thorough`: what its media rows reach to,
  /// too, however long it takes: asked before anything is moved aside.
  using Lookup = std::function<Result<std::optional<Known>>(CaseId, StreamId, bool thorough)>;

  Segments(std::filesystem::path dir, std::filesystem::path aside, Lookup lookup)
      : dir_(std::move(dir)), aside_(std::move(aside)), lookup_(std::move(lookup)) {}
  ~Segments();
  Segments(const Segments&) = delete;
  Segments& operator=(const Segments&) = delete;

  /// Moves aside what no commit knows of a stream. Appending does so by itself.
  Result<void> settle(CaseId case_id, StreamId stream);
  uint64_t moved_aside() const { return moved_; }  // bytes

  Result<Place> append(CaseId case_id, StreamId stream, BytesView frame);
  /// fdatasyncs touched files (and new folders); their lengths for the same write batch.
  Result<std::map<Key, uint64_t>> sync(bool durable);
  /// The batch was committed: the synced lengths hold.
  void committed();
  /// The batch failed: cuts the files back.
  void roll_back();
  /// RocksDB was opened anew after a failed write: its rows tell what of that batch counts; the
  /// rest, which this object wrote itself, is cut off.
  Result<void> roll_back_to_rows();

  static Result<Bytes> read(const std::filesystem::path& dir, CaseId case_id, StreamId stream,
                            const Place& place, size_t size);

 private:
  struct File {
    uint32_t index = 0;
    int fd = -1;
    uint64_t committed = 0;
    uint64_t end = 0;
    bool fresh = false;  // created since the last commit
    uint64_t used = 0;   // when, in appends
  };
  using StreamKey = std::pair<CaseId, StreamId>;

  Result<File*> writable(CaseId case_id, StreamId stream, size_t more);
  Result<void> move_aside(const std::filesystem::path& file, uint64_t from, uint64_t size);
  void close_idle();

  std::filesystem::path dir_, aside_;
  Lookup lookup_;
  std::map<StreamKey, File> open_;  // the last file of each stream in use
  std::map<Key, File> full_;        // filled since the last commit
  uint64_t moved_ = 0;
  uint64_t appends_ = 0;
};

std::filesystem::path segment_path(const std::filesystem::path& media_dir, CaseId case_id,
                                   StreamId stream, uint32_t file);

}  // namespace casebox::storage
