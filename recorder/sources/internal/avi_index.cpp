#include "recorder/sources/internal/avi_index.h"

#include <algorithm>
#include <string_view>

extern "C" {
#include <libavformat/avformat.h>
}

namespace casebox::recorder::internal {
namespace {

constexpr int64_t kChunkHead = 8;  // the index names chunks, a packet is what stands behind it

}  // namespace

std::optional<AviIndex> AviIndex::of(AVFormatContext& format) {
  if (std::string_view(format.iformat->name) != "avi") return std::nullopt;
  AviIndex out;
  bool any = false;
  for (unsigned s = 0; s < format.nb_streams; ++s) {
    Track& track = out.tracks_.emplace_back();
    const int n = avformat_index_get_entries_count(format.streams[s]);
    for (int i = 0; i < n; ++i) {
      const AVIndexEntry* entry = avformat_index_get_entry(format.streams[s], i);
      if (entry == nullptr || entry->size <= 0) continue;
      track.entries.push_back({entry->pos + kChunkHead, entry->timestamp});
    }
    std::ranges::stable_sort(track.entries, {}, &Entry::pos);
    any = any || !track.entries.empty();
  }
  return any ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<AviIndex::Place> AviIndex::next(size_t stream, int64_t pos) {
  if (stream >= tracks_.size()) return std::nullopt;
  Track& track = tracks_[stream];
  const auto it = std::ranges::lower_bound(track.entries, pos, {}, &Entry::pos);
  if (it == track.entries.end() || it->pos != pos) return std::nullopt;
  const auto at = static_cast<size_t>(it - track.entries.begin());
  Place out{it->number, at > track.at ? at - track.at : 0};
  track.at = std::max(track.at, at + 1);
  return out;
}

uint64_t AviIndex::left(size_t stream) const {
  if (stream >= tracks_.size()) return 0;
  return tracks_[stream].entries.size() - tracks_[stream].at;
}

}  // namespace casebox::recorder::internal
