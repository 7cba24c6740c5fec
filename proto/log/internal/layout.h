#pragma once

// How a log lies on disk: names, the file header, where a file's frames end (docs/formats/log.md).
//
// Thread safety: free functions.
// Errors: kCorrupt for bytes that are no file header; I/O errors name the file.

#include <filesystem>
#include <optional>
#include <string>

#include "casebox/v1/log.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/file.h"
#include "proto/base/result.h"

namespace casebox::log::internal {

/// First bytes of a file: a transfer that changes line ends or strips the eighth bit breaks them.
constexpr BytesView kFileMagic{
    "\x89"
    "CBLOG\r\n",
    8};
constexpr uint32_t kFileVersion = 1;
/// Magic, version and length in front of the header message.
constexpr size_t kFixedHeader = 16;
constexpr size_t kMaxHeaderMessage = 4 << 20;
constexpr const char* kLockName = "lock";
constexpr const char* kDurableName = "durable";
constexpr const char* kIdName = "id";
constexpr size_t kIdDigits = 16;

/// `<dir>/<index, 8 digits>.cblog`.
std::filesystem::path file_path(const std::filesystem::path& dir, uint32_t index);
/// Indices of the files of a log, ascending.
Result<std::vector<uint32_t>> file_indices(const std::filesystem::path& dir);

Bytes encode_file_header(const v1::LogFileHeader& header);

struct FileHeader {
  v1::LogFileHeader message;
  uint32_t size = 0;         // of the header on disk
  uint32_t first_frame = 0;  // behind the copies
};
Result<FileHeader> load_file_header(const Fd& fd, const std::filesystem::path& file);

/// pread of up to `size` bytes at `offset`; fewer only at the file's end.
Result<Bytes> read_at(const Fd& fd, uint64_t offset, size_t size,
                      const std::filesystem::path& file);
Result<uint64_t> size_of(const Fd& fd, const std::filesystem::path& file);

/// What lies behind a place in a file.
struct Tail {
  uint64_t end = 0;      // behind the last whole frame
  uint64_t written = 0;  // behind the last byte that is not zero; at least `end`
  uint64_t size = 0;
  bool torn() const { return written > end; }
};
/// Follows whole frames from `from` on. With `resync` a place that is no frame is searched for a
/// later one, as long as there is one: what to do when nobody knows from where on the file may be
/// torn.
Result<Tail> find_tail(const Fd& fd, uint64_t from, bool resync, const std::filesystem::path& file);

/// The folder's lock, held as long as the descriptor; kAlreadyExists if somebody else has it.
Result<Fd> lock(const std::filesystem::path& dir);

}  // namespace casebox::log::internal
