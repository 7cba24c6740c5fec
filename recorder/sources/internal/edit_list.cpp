#include "recorder/sources/internal/edit_list.h"

#include <algorithm>
#include <cstring>

#include "proto/base/bytes.h"

extern "C" {
#include <libavformat/avformat.h>
}

namespace casebox::recorder::internal {
namespace {

constexpr int kMaxBoxes = 256;  // before the first packets

/// Whether movie fragments come before the first packets, or instead of them.
bool is_fragmented(AVIOContext& io) {
  const int64_t back = avio_tell(&io), size = avio_size(&io);
  bool found = false;
  int64_t at = 0;
  for (int i = 0; i < kMaxBoxes && at >= 0 && at + 8 <= size; ++i) {
    unsigned char head[16] = {};
    if (avio_seek(&io, at, SEEK_SET) < 0 || avio_read(&io, head, sizeof head) < 8) break;
    const char* bytes = reinterpret_cast<const char*>(head);
    uint64_t length = load_be<uint32_t>(bytes);
    if (std::memcmp(head + 4, "moof", 4) == 0) found = true;
    if (length == 1) length = load_be<uint64_t>(bytes + 8);
    if (found || length < 8 || length > static_cast<uint64_t>(size - at)) break;
    at += static_cast<int64_t>(length);
  }
  avio_seek(&io, back, SEEK_SET);
  return found;
}

}  // namespace

std::optional<EditList> EditList::of(AVFormatContext& format) {
  if (std::strstr(format.iformat->name, "mov") == nullptr || format.pb == nullptr ||
      is_fragmented(*format.pb))
    return std::nullopt;
  EditList out;
  for (unsigned s = 0; s < format.nb_streams; ++s) {
    AVStream& stream = *format.streams[s];
    Track& track = out.tracks_.emplace_back();
    const int n = avformat_index_get_entries_count(&stream);
    for (int i = 0; i < n; ++i) {
      const AVIndexEntry* entry = avformat_index_get_entry(&stream, i);
      if (entry == nullptr || (entry->flags & AVINDEX_DISCARD_FRAME) != 0) continue;
      if (!track.first) track.first = entry->timestamp;
      track.entries.push_back({entry->pos, entry->timestamp});
    }
    std::ranges::stable_sort(track.entries, {}, &Entry::pos);
    const auto twice = std::ranges::unique(track.entries, {}, &Entry::pos);
    out.repeated_ += twice.size();
    track.entries.erase(twice.begin(), twice.end());
  }
  return out;
}

std::optional<int64_t> EditList::shown(size_t stream, int64_t pos) const {
  if (stream >= tracks_.size()) return std::nullopt;
  const auto& entries = tracks_[stream].entries;
  const auto it = std::ranges::lower_bound(entries, pos, {}, &Entry::pos);
  if (it == entries.end() || it->pos != pos) return std::nullopt;
  return it->dts;
}

std::optional<int64_t> EditList::first(size_t stream) const {
  return stream < tracks_.size() ? tracks_[stream].first : std::nullopt;
}

}  // namespace casebox::recorder::internal
