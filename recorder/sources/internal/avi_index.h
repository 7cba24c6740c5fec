#pragma once

// The index of an AVI file against its packets. A packet of an AVI has no time of its own: it is
// the n-th of its track, and where packets before it are lost only the index tells which one it is.
//
// Thread safety: plain value.

#include <cstdint>
#include <optional>
#include <vector>

extern "C" {
struct AVFormatContext;
}

namespace casebox::recorder::internal {

class AviIndex {
 public:
  /// Of a file that was opened and not yet read from; nullopt for other formats, and where there is
  /// no index.
  static std::optional<AviIndex> of(AVFormatContext& format);

  struct Place {
    int64_t number = 0;   // of the packet's time base, where the index has it
    uint64_t missed = 0;  // packets of the index between this one and the one read before
  };
  /// Of the packet at a place in the file; nullopt for one that the index does not have.
  std::optional<Place> next(size_t stream, int64_t pos);
  /// Packets of the index behind the last one read.
  uint64_t left(size_t stream) const;

 private:
  struct Entry {
    int64_t pos = 0;
    int64_t number = 0;
  };
  struct Track {
    std::vector<Entry> entries;  // with something in them, by place
    size_t at = 0;               // behind the last one read
  };
  std::vector<Track> tracks_;
};

}  // namespace casebox::recorder::internal
