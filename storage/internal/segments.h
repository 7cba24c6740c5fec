#pragma once

// Media frames back to back in files under <shard>/media/<case>/<stream>/<index>.seg. A file's
// committed length stands in the segment family; what is behind it was never committed and is cut
// off at the next opening. A file closes before it would grow above 128 MiB.
//
// Thread safety: one writer thread; `read` may be called from any.
// Errors: kNoSpace on a full disk, kCorrupt for a file shorter than what was committed.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>

#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"

namespace casebox::storage {

class Segments {
 public:
  static constexpr uint64_t kFileSize = 128u << 20;
  struct Place {
    uint32_t file = 0;
    uint64_t offset = 0;
  };
  using Key = std::tuple<CaseId, StreamId, uint32_t>;  // case, stream, file

  explicit Segments(std::filesystem::path dir) : dir_(std::move(dir)) {}
  ~Segments();
  Segments(const Segments&) = delete;
  Segments& operator=(const Segments&) = delete;

  /// Opening for writing: a file's committed length, from the segment family. Cuts off what is
  /// behind it; returns the bytes cut.
  Result<uint64_t> adopt(CaseId case_id, StreamId stream, uint32_t file, uint64_t committed);
  /// Removes files that no commit ever named; returns their bytes.
  Result<uint64_t> remove_unknown();

  Result<Place> append(CaseId case_id, StreamId stream, BytesView frame);
  /// fdatasyncs touched files (and new folders); their lengths for the same write batch.
  Result<std::map<Key, uint64_t>> sync(bool durable);
  /// The batch was committed: the synced lengths hold.
  void committed();
  /// The batch failed: cuts the files back.
  void roll_back();

  static Result<Bytes> read(const std::filesystem::path& dir, CaseId case_id, StreamId stream,
                            const Place& place, size_t size);

 private:
  struct File {
    uint32_t index = 0;
    int fd = -1;
    uint64_t committed = 0;
    uint64_t end = 0;
    bool fresh = false;  // created since the last commit
  };
  using StreamKey = std::pair<CaseId, StreamId>;

  Result<File*> writable(CaseId case_id, StreamId stream, size_t more);

  std::filesystem::path dir_;
  std::map<StreamKey, File> open_;  // the last file of each stream
  std::map<Key, File> full_;        // filled since the last commit
  std::map<Key, uint64_t> known_;   // found at opening
};

std::filesystem::path segment_path(const std::filesystem::path& media_dir, CaseId case_id,
                                   StreamId stream, uint32_t file);

}  // namespace casebox::storage
