#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "proto/log/internal/case_state.h"
#include "proto/log/internal/durable.h"
#include "proto/log/internal/layout.h"
#include "proto/log/internal/open_file.h"
#include "proto/log/internal/window.h"
#include "proto/log/log.h"

namespace casebox::log {

namespace fs = std::filesystem;
using namespace internal;

struct Writer::Impl {
  Impl(fs::path d, Clock& c, WriterOptions o, Fd l, Durable p)
      : dir(std::move(d)), clock(c), options(o), lock(std::move(l)), published(std::move(p)) {}

  fs::path dir;
  Clock& clock;
  WriterOptions options;
  Fd lock;
  Durable published;

  OpenFile file;  // none between cases
  Offset end;     // where the next frame goes, or where the last file ends
  Offset durable;
  MonoTime oldest;  // when the first frame above `durable` came
  bool folder_dirty = false;
  uint32_t front = 0;  // of the current file's first frame that is no copy
  CaseState state;
  v1::ProducerRole role = v1::PRODUCER_ROLE_UNSPECIFIED;

  Result<void> finish_last_file(uint32_t index);
  Result<void> load_state(CaseId case_id, ProducerId producer);
  Result<void> next_file();
  Result<void> sync();
};

Writer::Writer() = default;

// The lock goes, the file stays as it is: what is appended and not synced is for `sync` to say.
Writer::~Writer() {
  if (impl_ && impl_->file) (void)end_case();
}

Result<std::unique_ptr<Writer>> Writer::open(const fs::path& dir, Clock& clock,
                                             WriterOptions options) {
  std::error_code error;
  if (fs::create_directories(dir, error) && !error)
    CASEBOX_CHECK(sync_directory(dir.has_parent_path() ? dir.parent_path() : fs::path(".")));
  if (error) return errno_error(dir, "create", error.value());
  CASEBOX_TRY(Fd held, internal::lock(dir));
  // Before anything that makes the folder a log: a reader takes an id that is not there for none.
  if (!is_log(dir))
    CASEBOX_CHECK(write_file_atomic(
        dir / kIdName, to_hex(random_id<ProducerId>().view()).substr(0, kIdDigits) + "\n"));
  CASEBOX_TRY(Durable published, Durable::open(dir, true));
  CASEBOX_TRY(const auto indices, file_indices(dir));
  std::unique_ptr<Writer> writer(new Writer);
  writer->impl_ =
      std::make_unique<Impl>(dir, clock, options, std::move(held), std::move(published));
  Impl& w = *writer->impl_;
  CASEBOX_TRY(const auto known, w.published.load());
  w.end = known.value_or(Offset{});
  if (!indices.empty() && indices.back() >= w.end.file)
    CASEBOX_CHECK(w.finish_last_file(indices.back()));
  w.durable = w.end;
  return writer;
}

// A file that its writer did not close, but whose frames are whole, is closed now.
Result<void> Writer::Impl::finish_last_file(uint32_t index) {
  const fs::path path = file_path(dir, index);
  CASEBOX_TRY(Fd fd, Fd::open(path, O_RDWR));
  CASEBOX_TRY(const uint64_t size, size_of(fd, path));
  if (index == end.file && size == end.byte) return ok();
  uint64_t from = end.byte;
  if (index > end.file) {
    CASEBOX_TRY(const FileHeader header, load_file_header(fd, path));
    from = header.size;
  }
  CASEBOX_TRY(const Tail tail, find_tail(fd, from, false, path));
  if (tail.torn())
    return Error{Code::kCorrupt, path.string() + ":" + std::to_string(tail.end) +
                                     ": the log has a torn tail; run casebox recover " +
                                     dir.string()};
  if (tail.size > tail.end && ::ftruncate(fd.get(), static_cast<off_t>(tail.end)) != 0)
    return errno_error(path, "truncate", errno);
  if (options.sync && ::fsync(fd.get()) != 0) return errno_error(path, "fsync", errno);
  end = std::max(end, Offset{index, static_cast<uint32_t>(tail.end)});
  return published.store(end);
}

// Goes on with a case that the last file belongs to: its copies and positions come from there.
Result<void> Writer::Impl::load_state(CaseId case_id, ProducerId producer) {
  state = CaseState(case_id, producer);
  const fs::path path = file_path(dir, end.file);
  auto opened = Fd::open(path, O_RDONLY);
  if (!opened) return ok();
  auto header = load_file_header(*opened, path);
  if (!header || header->message.case_id() != case_id.view() ||
      header->message.producer_id() != producer.view())
    return ok();
  Window window(*opened, path);
  bool resumed = false;
  for (uint64_t at = header->size; at < end.byte;) {
    CASEBOX_TRY(const Window::Found found, window.frame_at(at, end.byte));
    if (!found.view) {
      // Damage: no position behind it can be known, and a wrong one would be worse than none.
      state = CaseState(case_id, producer);
      return ok();
    }
    if (at >= header->first_frame && !std::exchange(resumed, true)) state.resume(header->message);
    if (resumed)
      state.learn(*found.view, nullptr);
    else
      state.remember(*found.view);
    at += found.view->bytes.size();
  }
  if (!resumed) state.resume(header->message);
  return ok();
}

// Order matters: the new file is whole and on disk under another name, the old one is cut and
// synced, then the rename makes the new one the log's last. A failure before the rename leaves the
// old one open.
Result<void> Writer::Impl::next_file() {
  const uint32_t index = end.file + 1;
  v1::LogFileHeader header;
  header.set_case_id(Bytes(state.case_id().view()));
  header.set_producer_id(Bytes(state.producer().view()));
  header.set_file_index(index);
  header.set_role(role);
  const Bytes copies = state.preamble(header);
  const Bytes bytes = encode_file_header(header) + copies;
  CASEBOX_TRY(OpenFile made,
              OpenFile::create(file_path(dir, index), bytes, options.file_size, options.sync));
  auto hand_over = [&]() -> Result<void> {
    if (file) {
      CASEBOX_CHECK(sync());
      CASEBOX_CHECK(file.cut(options.sync));
    }
    return made.publish();
  };
  if (auto handed = hand_over(); !handed) {
    made.discard();
    return handed;
  }
  file = std::move(made);
  folder_dirty = true;
  front = file.end();
  end = {index, file.end()};
  return sync();
}

Result<void> Writer::Impl::sync() {
  if (folder_dirty && options.sync) CASEBOX_CHECK(sync_directory(dir));
  folder_dirty = false;
  if (durable == end) return ok();
  if (file && options.sync && end.byte > front)
    CASEBOX_CHECK(file.sync(durable.file == end.file ? durable.byte : front));
  CASEBOX_CHECK(published.store(end));
  durable = end;
  return ok();
}

Result<void> Writer::begin_case(CaseId case_id, ProducerId producer, v1::ProducerRole role) {
  Impl& w = *impl_;
  if (w.file) CASEBOX_CHECK(end_case());
  if (!w.state.is(case_id, producer)) CASEBOX_CHECK(w.load_state(case_id, producer));
  w.role = role;
  return w.next_file();
}

Result<void> Writer::end_case() {
  Impl& w = *impl_;
  if (!w.file) return ok();
  CASEBOX_CHECK(w.sync());
  CASEBOX_CHECK(w.file.cut(w.options.sync));
  w.file.close();
  return ok();
}

Result<Offset> Writer::append(BytesView frame, const Digest* leaf) {
  Impl& w = *impl_;
  if (!w.file)
    return Error{Code::kInvalidArgument, w.dir.string() + ": no case has begun in this log"};
  CASEBOX_TRY(const frame::Header header, frame::parse_header(frame));
  if (frame.size() != frame::kHeaderSize + header.body_size)
    return Error{Code::kInvalidArgument, w.dir.string() + ": not one frame's bytes"};
  if (uint64_t{w.end.byte} + frame.size() > w.options.file_size && w.end.byte > w.front)
    CASEBOX_CHECK(w.next_file());
  const bool was_clean = w.durable == w.end;
  CASEBOX_CHECK(w.file.append(frame));
  if (was_clean) w.oldest = w.clock.mono();
  const Offset at = w.end;
  w.end.byte = w.file.end();
  w.state.learn({header, frame.substr(frame::kHeaderSize), frame}, leaf);
  return at;
}

Result<void> Writer::maybe_sync() {
  Impl& w = *impl_;
  if (w.durable == w.end || w.clock.mono() - w.oldest < w.options.sync_interval) return ok();
  return w.sync();
}

Result<void> Writer::sync() { return impl_->sync(); }
Offset Writer::durable() const { return impl_->durable; }
Offset Writer::end() const { return impl_->end; }

}  // namespace casebox::log
