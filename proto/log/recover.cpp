#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "proto/log/internal/durable.h"
#include "proto/log/internal/layout.h"
#include "proto/log/log.h"

namespace casebox::log {

namespace fs = std::filesystem;
using namespace internal;

namespace {

// `<file>.torn`, or with a number behind it when another crash's tail is there already.
Result<void> set_aside(const fs::path& file, const Bytes& tail) {
  for (unsigned n = 0; n < 1000; ++n) {
    fs::path path = file.string() + ".torn";
    if (n > 0) path += "." + std::to_string(n);
    auto there = read_file(path);
    if (there && *there == tail) return ok();  // an earlier attempt got this far
    if (!there && there.error().code == Code::kNotFound) return write_file_atomic(path, tail);
  }
  return Error{Code::kAlreadyExists, file.string() + ".torn: a thousand tails; move them away"};
}

}  // namespace

// After a crash the log is: whole frames that were on disk (below the durable offset, which is
// stored after each fsync and never before it), then whatever the kernel happened to write of what
// was under way. The order of those last pages is not the order of writing, so a hole may lie
// before whole frames. The rule is that of write-ahead logs (Gray & Reuter 1993, chapter 9; ARIES:
// Mohan et al. 1992), with one difference, because this log is evidence: nothing is thrown away.
// What stands behind the last whole frame of the unbroken row is copied into a file beside the log,
// that file is on disk before the log is cut, and only then is the new end declared durable. A
// crash at any step of this finds the log as it was, or with that step done: recovering twice is
// recovering once.
Result<Recovery> recover(const fs::path& dir) {
  CASEBOX_TRY(const auto indices, file_indices(dir));
  Recovery out;
  out.files = static_cast<uint32_t>(indices.size());
  CASEBOX_TRY(const Fd held, internal::lock(dir));
  CASEBOX_TRY(Durable durable, Durable::open(dir, true));
  auto loaded = durable.load();
  if (!loaded && loaded.error().code != Code::kCorrupt) return std::move(loaded).error();
  const std::optional<Offset> known = loaded.value_or(std::nullopt);
  out.end = known.value_or(Offset{});
  if (indices.empty()) return out;

  const uint32_t last = indices.back();
  const fs::path path = file_path(dir, last);
  CASEBOX_TRY(const Fd fd, Fd::open(path, O_RDWR));
  auto header = load_file_header(fd, path);
  if (header) {
    if (auto id = id_from_bytes<CaseId>(header->message.case_id())) out.case_id = *id;
  } else if (header.error().code != Code::kCorrupt) {
    return std::move(header).error();
  }
  // What was durable is whole or was changed since; only what came behind it can be torn. Whole
  // frames behind a torn one go aside with it: their chain is broken. If nobody knows what was
  // durable, the last whole frame ends the log, so that nothing durable can go aside.
  CASEBOX_TRY(const uint64_t size, size_of(fd, path));
  const bool bounded = known && known->file >= last;
  uint64_t from = header ? header->size : 0;
  if (bounded) from = known->file > last ? size : known->byte;
  CASEBOX_TRY(const Tail tail, find_tail(fd, from, !known, path));
  if (tail.size > tail.written && ::ftruncate(fd.get(), static_cast<off_t>(tail.written)) != 0)
    return errno_error(path, "truncate", errno);  // zeros only, and room for the tail's copy
  if (tail.torn()) {
    CASEBOX_TRY(const Bytes bytes,
                read_at(fd, tail.end, static_cast<size_t>(tail.written - tail.end), path));
    CASEBOX_CHECK(set_aside(path, bytes));
    if (::ftruncate(fd.get(), static_cast<off_t>(tail.end)) != 0)
      return errno_error(path, "truncate", errno);
    out.torn = true;
    out.truncated_bytes = bytes.size();
  }
  if (tail.size > tail.end || !bounded || tail.end > known->byte)
    if (::fsync(fd.get()) != 0) return errno_error(path, "fsync", errno);
  out.end = std::max(out.end, Offset{last, static_cast<uint32_t>(tail.end)});
  CASEBOX_CHECK(durable.store(out.end));
  return out;
}

}  // namespace casebox::log
