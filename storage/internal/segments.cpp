#include "storage/internal/segments.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <vector>

#include "storage/internal/files.h"

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

/// Bytes [from, size) of a file go to a file of their own below aside/, and off this one; from 0
/// the file itself goes.
Result<void> Segments::move_aside(const std::filesystem::path& file, uint64_t from, uint64_t size) {
  const auto folder = aside_ / "media" / file.parent_path().lexically_relative(dir_);
  CASEBOX_CHECK(make_folders(folder));
  std::filesystem::path to;
  std::error_code ec;
  for (int n = 0; to.empty() || std::filesystem::exists(to, ec); ++n)
    to = folder / (file.filename().string() + "@" + std::to_string(from) +
                   (n == 0 ? "" : "-" + std::to_string(n)));
  if (from == 0) {
    std::filesystem::rename(file, to, ec);
    if (ec) return io_error(file, "cannot move it aside", ec.value());
  } else {
    CASEBOX_CHECK(copy_range(file, from, size - from, to, true));
    if (::truncate(file.c_str(), static_cast<off_t>(from)) != 0)
      return io_error(file, "cannot cut off what was moved aside", errno);
  }
  moved_ += size - from;
  return ok();
}

Result<void> Segments::settle(CaseId case_id, StreamId stream) {
  const auto folder = segment_path(dir_, case_id, stream, 0).parent_path();
  std::error_code ec;
  std::map<uint32_t, uint64_t> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ec)) {
    if (entry.path().extension() != ".seg") continue;
    const auto size = entry.file_size(ec);
    if (!ec)
      found[static_cast<uint32_t>(std::strtoul(entry.path().stem().c_str(), nullptr, 10))] = size;
  }
  const auto unknown = [](const std::optional<Known>& known, uint32_t index, uint64_t size) {
    return !known || index > known->file || (index == known->file && size > known->committed);
  };
  CASEBOX_TRY(auto known, lookup_(case_id, stream, false));
  bool any = false;
  for (const auto& [index, size] : found) any = any || unknown(known, index, size);
  if (any) {
    CASEBOX_TRY(known, lookup_(case_id, stream, true));
    for (const auto& [index, size] : found)
      if (unknown(known, index, size))
        CASEBOX_CHECK(move_aside(segment_path(dir_, case_id, stream, index),
                                 known && index == known->file ? known->committed : 0, size));
  }
  File& last = open_[{case_id, stream}];
  if (known) {
    last.index = known->file;
    last.committed = last.end = known->committed;
  }
  last.fresh = last.end == 0;
  return ok();
}

/// Descriptors of the streams that were not written to for longest, down to three quarters.
void Segments::close_idle() {
  if (open_.size() <= kOpenFiles) return;
  std::vector<std::pair<uint64_t, StreamKey>> idle;
  for (const auto& [key, file] : open_)
    if (file.end == file.committed) idle.emplace_back(file.used, key);
  std::sort(idle.begin(), idle.end());
  for (size_t i = 0; i < idle.size() && open_.size() > kOpenFiles * 3 / 4; ++i) {
    auto it = open_.find(idle[i].second);
    if (it->second.fd >= 0) ::close(it->second.fd);
    open_.erase(it);
  }
}

Result<Segments::File*> Segments::writable(CaseId case_id, StreamId stream, size_t more) {
  if (open_.count({case_id, stream}) == 0) CASEBOX_CHECK(settle(case_id, stream));
  File& file = open_[{case_id, stream}];
  file.used = ++appends_;
  if (file.end + more > kFileSize && file.end > 0) {
    if (file.fd >= 0) full_[{case_id, stream, file.index}] = file;
    file = {file.index + 1, -1, 0, 0, true, file.used};
  }
  if (file.fd >= 0) return &file;
  const auto path = segment_path(dir_, case_id, stream, file.index);
  CASEBOX_CHECK(make_folders(path.parent_path()));
  file.fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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
  close_idle();
}

Result<void> Segments::roll_back_to_rows() {
  std::map<Key, File> written = std::move(full_);
  for (auto& [key, file] : open_) written[{key.first, key.second, file.index}] = file;
  full_.clear();
  open_.clear();
  Result<void> result = ok();
  for (auto& [key, file] : written) {
    if (file.fd < 0) continue;
    const auto& [case_id, stream, index] = key;
    if (file.end != file.committed && result) {
      auto known = lookup_(case_id, stream, false);
      if (!known) {
        result = known.error();
      } else if (!*known || index > (*known)->file) {
        (void)!::ftruncate(file.fd, 0);
        ::unlink(segment_path(dir_, case_id, stream, index).c_str());
      } else if (index == (*known)->file) {
        (void)!::ftruncate(file.fd, static_cast<off_t>((*known)->committed));
      }
    }
    ::close(file.fd);
  }
  return result;
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
