#include "storage/internal/segments.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace casebox::storage {
namespace {

Error io_error(const std::filesystem::path& path, const char* what, int err) {
  const bool full = err == ENOSPC || err == EFBIG || err == EDQUOT;
  return Error{full ? Code::kNoSpace : Code::kIo, path.string() + ": " + what + ": " +
                                                      std::system_category().message(err) +
                                                      (full ? "; free space, then go on" : "")};
}

void sync_folder(const std::filesystem::path& dir) {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

}  // namespace

std::filesystem::path segment_path(const std::filesystem::path& media_dir, CaseId case_id,
                                   StreamId stream, uint32_t file) {
  char name[24];
  std::snprintf(name, sizeof name, "%08u.seg", file);
  return media_dir / to_string(case_id) / std::to_string(stream.value) / name;
}

Segments::~Segments() {
  for (auto& [key, file] : full_) ::close(file.fd);
  for (auto& [key, file] : open_)
    if (file.fd >= 0) ::close(file.fd);
}

Result<uint64_t> Segments::adopt(CaseId case_id, StreamId stream, uint32_t file,
                                 uint64_t committed) {
  known_[{case_id, stream, file}] = committed;
  File& last = open_[{case_id, stream}];
  if (file >= last.index) last = {file, -1, committed, committed, false};
  const auto path = segment_path(dir_, case_id, stream, file);
  std::error_code ec;
  const auto size = std::filesystem::file_size(path, ec);
  // A file that is missing or short is damage; its rows say so when they are read, and nothing else
  // stops.
  if (ec || size <= committed) return uint64_t{0};
  if (::truncate(path.c_str(), static_cast<off_t>(committed)) != 0)
    return io_error(path, "cannot cut off what was never committed", errno);
  return size - committed;
}

Result<uint64_t> Segments::remove_unknown() {
  uint64_t bytes = 0;
  std::error_code ec;
  for (auto it = std::filesystem::recursive_directory_iterator(dir_, ec);
       !ec && it != std::filesystem::recursive_directory_iterator(); it.increment(ec)) {
    if (!it->is_regular_file() || it->path().extension() != ".seg") continue;
    auto case_id = parse_id<CaseId>(it->path().parent_path().parent_path().filename().string());
    if (!case_id) continue;
    const StreamId stream{static_cast<uint32_t>(
        std::strtoul(it->path().parent_path().filename().c_str(), nullptr, 10))};
    const auto file = static_cast<uint32_t>(std::strtoul(it->path().stem().c_str(), nullptr, 10));
    if (known_.count({*case_id, stream, file}) != 0) continue;
    bytes += it->file_size(ec);
    std::filesystem::remove(it->path(), ec);
  }
  known_.clear();
  return bytes;
}

Result<Segments::File*> Segments::writable(CaseId case_id, StreamId stream, size_t more) {
  auto [it, fresh] = open_.try_emplace({case_id, stream});
  File& file = it->second;
  if (fresh) file.fresh = true;
  if (file.end + more > kFileSize && file.end > 0) {
    if (file.fd >= 0) full_[{case_id, stream, file.index}] = file;
    file = {file.index + 1, -1, 0, 0, true};
  }
  if (file.fd >= 0) return &file;
  const auto path = segment_path(dir_, case_id, stream, file.index);
  std::error_code ec;
  std::filesystem::create_directories(path.parent_path(), ec);
  if (ec) return io_error(path, "cannot create the folder", ec.value());
  file.fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (file.fd < 0) return io_error(path, "cannot open", errno);
  return &file;
}

Result<Segments::Place> Segments::append(CaseId case_id, StreamId stream, BytesView frame) {
  CASEBOX_TRY(File * file, writable(case_id, stream, frame.size()));
  const Place place{file->index, file->end};
  size_t done = 0;
  while (done < frame.size()) {
    const auto n = ::pwrite(file->fd, frame.data() + done, frame.size() - done,
                            static_cast<off_t>(file->end + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      return io_error(segment_path(dir_, case_id, stream, file->index), "cannot write", errno);
    done += static_cast<size_t>(n);
  }
  file->end += frame.size();
  return place;
}

Result<std::map<Segments::Key, uint64_t>> Segments::sync(bool durable) {
  std::map<Key, uint64_t> lengths;
  auto one = [&](const Key& key, File& file) -> Result<void> {
    if (file.fd < 0 || file.end == file.committed) return ok();
    const auto& [case_id, stream, index] = key;
    const auto path = segment_path(dir_, case_id, stream, index);
    if (durable && ::fdatasync(file.fd) != 0) return io_error(path, "cannot sync", errno);
    if (durable && file.fresh) {
      sync_folder(path.parent_path());
      sync_folder(path.parent_path().parent_path());
      sync_folder(dir_);
    }
    lengths[key] = file.end;
    return ok();
  };
  for (auto& [key, file] : full_) CASEBOX_CHECK(one(key, file));
  for (auto& [key, file] : open_) CASEBOX_CHECK(one({key.first, key.second, file.index}, file));
  return lengths;
}

void Segments::committed() {
  for (auto& [key, file] : full_) ::close(file.fd);
  full_.clear();
  for (auto& [key, file] : open_) {
    file.committed = file.end;
    if (file.end > 0) file.fresh = false;
  }
}

void Segments::roll_back() {
  for (auto& [key, file] : open_) {
    if (file.fd < 0 || file.end == file.committed) continue;
    (void)!::ftruncate(file.fd, static_cast<off_t>(file.committed));
    file.end = file.committed;
  }
  // A stream that went on in a new file returns to the one it had filled.
  for (auto it = full_.rbegin(); it != full_.rend(); ++it) {
    auto& [key, file] = *it;
    const auto& [case_id, stream, index] = key;
    File& now = open_[{case_id, stream}];
    if (now.index > index) {
      if (now.fd >= 0) {
        ::close(now.fd);
        std::error_code ec;
        std::filesystem::remove(segment_path(dir_, case_id, stream, now.index), ec);
      }
      (void)!::ftruncate(file.fd, static_cast<off_t>(file.committed));
      file.end = file.committed;
      now = file;
    }
  }
  full_.clear();
}

Result<Bytes> Segments::read(const std::filesystem::path& dir, CaseId case_id, StreamId stream,
                             const Place& place, size_t size) {
  const auto path = segment_path(dir, case_id, stream, place.file);
  const std::string where = path.string() + ":" + std::to_string(place.offset);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return Error{Code::kCorrupt,
                 where + ": segment cannot be read: " + std::system_category().message(errno) +
                     "; restore it from a backup"};
  Bytes out(size, '\0');
  size_t done = 0;
  while (done < size) {
    const auto n =
        ::pread(fd, out.data() + done, size - done, static_cast<off_t>(place.offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  ::close(fd);
  if (done < size)
    return Error{Code::kCorrupt,
                 where + ": segment ends inside a committed frame; restore it from a backup"};
  return out;
}

}  // namespace casebox::storage
