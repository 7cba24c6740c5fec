#include "proto/log/internal/window.h"

#include <algorithm>

#include "proto/log/internal/layout.h"

namespace casebox::log::internal {
namespace {

// Bytes read at once: several frames of media, many of samples.
constexpr size_t kStep = 1 << 20;
// A search checks at most this many times the bytes that it passes: hostile bytes can begin a frame
// of 1 MiB at every 64 bytes, and no two of them with the right checksum.
constexpr uint64_t kSearchEffort = 16;

}  // namespace

Result<BytesView> Window::fetch(uint64_t at, size_t size, uint64_t limit) {
  size = static_cast<size_t>(std::min<uint64_t>(size, limit > at ? limit - at : 0));
  if (at < begin_ || at + size > begin_ + bytes_.size()) {
    const uint64_t left = limit > at ? limit - at : 0;
    CASEBOX_TRY(
        bytes_,
        read_at(*fd_, at, static_cast<size_t>(std::min<uint64_t>(std::max(size, kStep), left)),
                file_));
    begin_ = at;
  }
  BytesView out(bytes_);
  out.remove_prefix(std::min<size_t>(static_cast<size_t>(at - begin_), out.size()));
  return out.substr(
      0, static_cast<size_t>(std::min<uint64_t>(out.size(), limit > at ? limit - at : 0)));
}

Result<Window::Found> Window::frame_at(uint64_t at, uint64_t limit) {
  Found found;
  CASEBOX_TRY(BytesView bytes, fetch(at, frame::kHeaderSize, limit));
  if (bytes.substr(0, frame::kHeaderSize).find_first_not_of('\0') == BytesView::npos) {
    found.zero = true;
    found.what = bytes.empty() ? "the file ends" : "zero bytes";
    return found;
  }
  auto header = frame::parse_header(bytes);
  if (header) {
    CASEBOX_TRY(bytes, fetch(at, frame::kHeaderSize + header->body_size, limit));
    auto view = frame::parse(bytes);
    if (view) {
      found.view = *view;
      return found;
    }
    found.what = view.error().message;
  } else {
    found.what = header.error().message;
  }
  return found;
}

Result<std::optional<uint64_t>> Window::search(uint64_t from, uint64_t limit) {
  static constexpr char kBegin[2] = {static_cast<char>(frame::kMagic),
                                     static_cast<char>(frame::kVersion)};
  uint64_t spent = 0;
  for (uint64_t at = from; at + frame::kHeaderSize <= limit;) {
    CASEBOX_TRY(const BytesView bytes, fetch(at, frame::kHeaderSize, limit));
    if (bytes.size() < frame::kHeaderSize) break;
    const size_t found = bytes.find(BytesView(kBegin, sizeof kBegin));
    if (found == BytesView::npos) {
      at += bytes.size() - 1;  // the last byte may be half of the mark
      continue;
    }
    at += found;
    if (bytes.size() - found < frame::kHeaderSize && at + frame::kHeaderSize > limit) break;
    CASEBOX_TRY(const BytesView head, fetch(at, frame::kHeaderSize, limit));
    const auto header = frame::parse_header(head);
    if (header && at + frame::kHeaderSize + header->body_size <= limit) {
      spent += frame::kHeaderSize + header->body_size;
      CASEBOX_TRY(const Found whole, frame_at(at, limit));
      if (whole.view) return std::optional<uint64_t>(at);
      if (spent > kSearchEffort * (at - from + (64 << 20))) break;
    }
    ++at;
  }
  return std::optional<uint64_t>{};
}

}  // namespace casebox::log::internal
