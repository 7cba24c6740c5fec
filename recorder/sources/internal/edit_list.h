#pragma once

// What the edit list of an MP4 or MOV file shows: where each stored packet lies on the line of time
// that players show, or that it lies on none. Read from libavformat's index, which is the edit list
// carried out; packets that it leaves out or marks are those that were cut away.
//
// Thread safety: plain value.

#include <cstdint>
#include <optional>
#include <vector>

extern "C" {
struct AVFormatContext;
}

namespace casebox::recorder::internal {

class EditList {
 public:
  /// Of a file that is open with its edit lists carried out; one whose packets come in fragments
  /// has no such index, and gives none.
  static std::optional<EditList> of(AVFormatContext& format);

  /// Decoding time, in the stream's time base, of the packet at a place in the file; nullopt for
  /// one that is not shown.
  std::optional<int64_t> shown(size_t stream, int64_t pos) const;
  /// Of the first packet that is shown.
  std::optional<int64_t> first(size_t stream) const;
  /// Packets that are shown more than once, of all streams: each is kept once.
  uint64_t repeated() const { return repeated_; }

 private:
  struct Entry {
    int64_t pos = 0;
    int64_t dts = 0;
  };
  struct Track {
    std::vector<Entry> entries;  // those shown, by place
    std::optional<int64_t> first;
  };
  std::vector<Track> tracks_;
  uint64_t repeated_ = 0;
};

}  // namespace casebox::recorder::internal
