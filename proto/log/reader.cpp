#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "casebox/v1/case.pb.h"
#include "proto/log/internal/durable.h"
#include "proto/log/internal/layout.h"
#include "proto/log/internal/window.h"
#include "proto/log/log.h"

namespace casebox::log {

namespace fs = std::filesystem;
using namespace internal;

// Frames of a file end at its `limit`: the durable offset in the file that holds it, else the
// file's end. Below the durable offset, and in any file but the last, whatever is no frame is
// damage; above it, it is a frame that is not there yet, or a torn tail.
struct Reader::Impl {
  fs::path dir;
  ReaderOptions options;
  Offset position;
  std::vector<Damage> damage;
  bool tail_recorded = false;   // the last damage is a torn tail; taken back if a frame appears
  bool short_recorded = false;  // it has been said that the file ends too early

  std::optional<Durable> durable;
  Offset safe;  // the durable offset as last read
  Fd fd;        // of the file at `position`, if open
  fs::path file;
  std::optional<Window> window;
  uint64_t limit = 0;        // of the file, when it was last looked at
  uint32_t first_frame = 0;  // behind the copies; 0 when the header is damaged
  CaseId case_id;
  ProducerId producer;
  v1::ProducerRole role = v1::PRODUCER_ROLE_UNSPECIFIED;

  Result<void> look_at_durable();
  Result<bool> open_file();
  Result<bool> exists(uint32_t index) const;
  Result<std::optional<uint32_t>> next_index() const;
  void adopt(const frame::View& frame);
  void record(uint64_t offset, const std::string& what, bool torn);
  Entry entry_of(const frame::View& frame);
  Result<std::optional<Entry>> next();
  Result<std::optional<Entry>> read_here(bool* file_done);
  Result<std::optional<Entry>> look_again(bool* file_done);
};

Reader::Reader() = default;
Reader::~Reader() = default;

Result<std::unique_ptr<Reader>> Reader::open(const fs::path& dir, Offset from,
                                             ReaderOptions options) {
  CASEBOX_CHECK(file_indices(dir));
  std::unique_ptr<Reader> reader(new Reader);
  reader->impl_ = std::make_unique<Impl>();
  reader->impl_->dir = dir;
  reader->impl_->options = options;
  reader->impl_->position = from;
  return reader;
}

Result<void> Reader::Impl::look_at_durable() {
  if (!durable) {
    auto opened = Durable::open(dir, false);
    if (!opened) {
      if (opened.error().code == Code::kNotFound) return ok();
      return std::move(opened).error();
    }
    durable = std::move(*opened);
  }
  const auto loaded = durable->load();
  // Who reads all there is does without it: it is no evidence.
  if (!loaded && loaded.error().code == Code::kCorrupt && !options.below_durable_only) return ok();
  if (!loaded) return loaded.error();
  if (*loaded) safe = **loaded;
  return ok();
}

Result<bool> Reader::Impl::exists(uint32_t index) const {
  std::error_code error;
  const bool there = fs::exists(file_path(dir, index), error);
  if (error) return Error{Code::kIo, dir.string() + ": " + error.message()};
  return there;
}

// The first file at or behind the position, or the next one if the position's file is open.
Result<std::optional<uint32_t>> Reader::Impl::next_index() const {
  const uint32_t from = fd ? position.file + 1 : position.file;
  CASEBOX_TRY(const bool there, exists(from));
  if (there) return std::optional<uint32_t>(from);
  // The folder is listed only when a later file is known to be there, or nothing is known yet.
  if (fd && (safe.file <= position.file)) return std::optional<uint32_t>{};
  CASEBOX_TRY(const auto indices, file_indices(dir));
  const auto at = std::lower_bound(indices.begin(), indices.end(), from);
  if (at == indices.end()) return std::optional<uint32_t>{};
  return std::optional<uint32_t>(*at);
}

// Opens the next file; false if there is none yet.
Result<bool> Reader::Impl::open_file() {
  CASEBOX_TRY(const auto index, next_index());
  if (!index) return false;
  if (options.below_durable_only && *index > safe.file) return false;
  const bool skipped = fd && *index != position.file + 1;
  const uint32_t before = position.file;
  const fs::path path = file_path(dir, *index);
  CASEBOX_TRY(Fd opened, Fd::open(path, O_RDONLY));
  if (*index != position.file) position = {*index, 0};
  fd = std::move(opened);
  file = path;
  window.emplace(fd, file);
  tail_recorded = short_recorded = false;
  limit = 0;
  if (skipped)
    record(0,
           "the log's files " + std::to_string(before + 1) + " to " + std::to_string(*index - 1) +
               " are missing",
           false);
  auto header = load_file_header(fd, file);
  if (header) {
    auto id = id_from_bytes<CaseId>(header->message.case_id());
    auto by = id_from_bytes<ProducerId>(header->message.producer_id());
    case_id = id ? *id : CaseId{};
    producer = by ? *by : ProducerId{};
    role = header->message.role();
    first_frame = header->first_frame;
    position.byte = std::max(position.byte, header->size);
    return true;
  }
  const bool unknown = header.error().code == Code::kUnsupported && !options.below_durable_only;
  if (header.error().code != Code::kCorrupt && !unknown) return std::move(header).error();
  // The frames behind a damaged header count: the copy of the case frame says whose they are.
  case_id = {};
  producer = {};
  role = v1::PRODUCER_ROLE_UNSPECIFIED;
  first_frame = 0;
  if (position.byte == 0) record(0, header.error().message, false);
  CASEBOX_TRY(const uint64_t size, size_of(fd, file));
  CASEBOX_TRY(const auto found, window->search(position.byte, size));
  if (found) position.byte = static_cast<uint32_t>(*found);
  return true;
}

void Reader::Impl::adopt(const frame::View& frame) {
  v1::CaseControl control;
  if (!control.ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size())) ||
      !control.has_open())
    return;
  if (auto id = id_from_bytes<CaseId>(control.open().case_id())) case_id = *id;
  if (auto id = id_from_bytes<ProducerId>(control.open().producer_id())) producer = *id;
  role = control.open().role();
}

void Reader::Impl::record(uint64_t offset, const std::string& what, bool torn) {
  damage.push_back({file, offset, what, torn});
  tail_recorded = torn;
}

Entry Reader::Impl::entry_of(const frame::View& frame) {
  if (first_frame == 0 && frame.header.kind == frame::Kind::kCase) adopt(frame);
  Entry entry;
  entry.offset = position;
  position.byte += static_cast<uint32_t>(frame.bytes.size());
  entry.next = position;
  entry.frame = frame;
  entry.case_id = case_id;
  entry.producer = producer;
  entry.role = role;
  entry.preamble = entry.offset.byte < first_frame;
  return entry;
}

// A frame at the position. `file_done`: this file has no more.
Result<std::optional<Entry>> Reader::Impl::read_here(bool* file_done) {
  *file_done = false;
  if (position.byte < limit) {
    CASEBOX_TRY(const Window::Found found, window->frame_at(position.byte, limit));
    if (found.view) return std::optional<Entry>(entry_of(*found.view));
  }
  return look_again(file_done);
}

// What the reader knows of the file has come to its end, or a place is no frame: looks at the disk
// anew.
Result<std::optional<Entry>> Reader::Impl::look_again(bool* file_done) {
  CASEBOX_CHECK(look_at_durable());
  // Asked before the size: a file with a successor has its last length.
  CASEBOX_TRY(const bool closed, exists(position.file + 1));
  CASEBOX_TRY(const uint64_t size, size_of(fd, file));
  const bool passed = closed || position.file < safe.file;
  uint64_t promised = position.file < safe.file ? size : 0;  // what must be there
  if (position.file == safe.file) promised = safe.byte;
  limit = size;
  if (options.below_durable_only && !passed) limit = std::min(size, promised);
  if (position.byte >= limit) {
    if (promised > size && !short_recorded) {
      record(size, "the file ends here, but was on disk up to " + std::to_string(promised), false);
      short_recorded = true;
    }
    *file_done = passed;
    return std::optional<Entry>{};
  }
  window->forget();  // what it holds may be older than the file
  CASEBOX_TRY(Window::Found found, window->frame_at(position.byte, limit));
  if (found.view) {
    if (std::exchange(tail_recorded, false)) damage.pop_back();
    return std::optional<Entry>(entry_of(*found.view));
  }
  if (!passed && position.byte >= promised) {
    if (!found.zero && !tail_recorded) record(position.byte, found.what, true);
    return std::optional<Entry>{};
  }
  record(position.byte, found.what, false);
  // Behind the durable offset of an open file nothing is searched: that is a torn tail's place.
  const uint64_t last = passed ? limit : std::min(limit, promised);
  CASEBOX_TRY(const auto resumed, window->search(uint64_t{position.byte} + 1, last));
  position.byte = static_cast<uint32_t>(resumed.value_or(last));
  return read_here(file_done);
}

Result<std::optional<Entry>> Reader::Impl::next() {
  if (!fd) CASEBOX_CHECK(look_at_durable());
  while (true) {
    bool file_done = !fd;
    if (fd) {
      CASEBOX_TRY(auto entry, read_here(&file_done));
      if (entry || !file_done) return entry;
    }
    CASEBOX_TRY(const bool opened, open_file());
    if (!opened) return std::optional<Entry>{};
  }
}

Result<std::optional<Entry>> Reader::next() { return impl_->next(); }
const std::vector<Damage>& Reader::damage() const { return impl_->damage; }
Offset Reader::position() const { return impl_->position; }

}  // namespace casebox::log
