#include "proto/log/internal/layout.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "proto/frame/frame.h"
#include "proto/log/internal/window.h"
#include "proto/log/log.h"

namespace casebox::log::internal {

namespace fs = std::filesystem;

namespace {
constexpr const char* kExtension = ".cblog";
constexpr size_t kDigits = 8;

Error bad_header(const fs::path& file, const std::string& what) {
  return {Code::kCorrupt, file.string() + ":0: " + what + "; the file's frames may still be whole"};
}
}  // namespace

fs::path file_path(const fs::path& dir, uint32_t index) {
  char name[32];
  std::snprintf(name, sizeof name, "%08u%s", index, kExtension);
  return dir / name;
}

Result<std::vector<uint32_t>> file_indices(const fs::path& dir) {
  std::error_code error;
  std::vector<uint32_t> out;
  fs::directory_iterator at(dir, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error))
    if (auto index = log::file_index(at->path())) out.push_back(*index);
  if (error)
    return Error{error == std::errc::no_such_file_or_directory ? Code::kNotFound : Code::kIo,
                 dir.string() + ": cannot be listed: " + error.message()};
  std::sort(out.begin(), out.end());
  return out;
}

Bytes encode_file_header(const v1::LogFileHeader& header) {
  const Bytes message = header.SerializeAsString();
  Bytes out(kFileMagic);
  out.resize(kFixedHeader);
  store_le<uint32_t>(out.data() + 8, kFileVersion);
  store_le<uint32_t>(out.data() + 12, static_cast<uint32_t>(message.size()));
  out += message;
  const uint32_t crc = frame::crc32c(0, out);
  out.resize(out.size() + 4);
  store_le<uint32_t>(out.data() + out.size() - 4, crc);
  return out;
}

Result<FileHeader> load_file_header(const Fd& fd, const fs::path& file) {
  CASEBOX_TRY(Bytes bytes, read_at(fd, 0, kFixedHeader, file));
  if (bytes.size() < kFixedHeader || BytesView(bytes).substr(0, 8) != kFileMagic)
    return bad_header(file, "does not begin like a log file");
  const auto version = load_le<uint32_t>(bytes.data() + 8);
  if (version != kFileVersion)
    return Error{Code::kUnsupported, file.string() + ": log format " + std::to_string(version) +
                                         "; this program reads " + std::to_string(kFileVersion)};
  const auto length = load_le<uint32_t>(bytes.data() + 12);
  if (length > kMaxHeaderMessage) return bad_header(file, "header of impossible length");
  CASEBOX_TRY(Bytes rest, read_at(fd, kFixedHeader, length + size_t{4}, file));
  bytes += rest;
  if (rest.size() != length + size_t{4} ||
      load_le<uint32_t>(bytes.data() + kFixedHeader + length) !=
          frame::crc32c(0, BytesView(bytes).substr(0, kFixedHeader + length)))
    return bad_header(file, "header is damaged");
  FileHeader out;
  if (!out.message.ParseFromArray(bytes.data() + kFixedHeader, static_cast<int>(length)))
    return bad_header(file, "header is no header message");
  out.size = static_cast<uint32_t>(bytes.size());
  const uint64_t first = uint64_t{out.size} + out.message.preamble_bytes();
  if (first > UINT32_MAX) return bad_header(file, "copies of impossible length");
  out.first_frame = static_cast<uint32_t>(first);
  return out;
}

Result<Bytes> read_at(const Fd& fd, uint64_t offset, size_t size, const fs::path& file) {
  Bytes out(size, '\0');
  size_t have = 0;
  while (have < size) {
    const ssize_t n =
        ::pread(fd.get(), out.data() + have, size - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(file, "read", errno);
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  out.resize(have);
  return out;
}

Result<uint64_t> size_of(const Fd& fd, const fs::path& file) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_error(file, "stat", errno);
  return static_cast<uint64_t>(info.st_size);
}

Result<Tail> find_tail(const Fd& fd, uint64_t from, bool resync, const fs::path& file) {
  Tail tail;
  CASEBOX_TRY(tail.size, size_of(fd, file));
  tail.end = std::min(from, tail.size);
  Window window(fd, file);
  for (uint64_t at = tail.end;;) {
    CASEBOX_TRY(const Window::Found found, window.frame_at(at, tail.size));
    if (found.view) {
      at = tail.end = at + found.view->bytes.size();
      continue;
    }
    if (!resync) break;
    CASEBOX_TRY(const auto next, window.search(at + 1, tail.size));
    if (!next) break;
    at = *next;
  }
  constexpr size_t kStep = 1 << 20;
  tail.written = tail.end;
  for (uint64_t high = tail.size; high > tail.end;) {
    const uint64_t low = high - std::min<uint64_t>(kStep, high - tail.end);
    CASEBOX_TRY(const Bytes bytes, read_at(fd, low, high - low, file));
    const size_t last = bytes.find_last_not_of('\0');
    if (last != Bytes::npos) {
      tail.written = low + last + 1;
      break;
    }
    high = low;
  }
  return tail;
}

Result<Fd> lock(const fs::path& dir) {
  const fs::path path = dir / kLockName;
  CASEBOX_TRY(Fd fd, Fd::open(path, O_RDWR | O_CREAT));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK)
    return Error{Code::kAlreadyExists,
                 dir.string() + ": another program is writing this log; stop it first"};
  return errno_error(path, "lock", errno);
}

}  // namespace casebox::log::internal

namespace casebox::log {

std::optional<uint32_t> file_index(const std::filesystem::path& file) {
  const std::string stem = file.stem().string();
  if (file.extension() != internal::kExtension || stem.size() < internal::kDigits)
    return std::nullopt;
  uint32_t index = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), index);
  if (error != std::errc() || end != stem.data() + stem.size()) return std::nullopt;
  return index;
}

}  // namespace casebox::log
