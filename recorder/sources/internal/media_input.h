#pragma once

// A file, URL or bytes in memory under libavformat, and what such a file says of itself beside its
// streams.
//
// Thread safety: one thread; `stopping` of open() may be set from any.
// Errors: open() returns libavformat's.

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "recorder/sources/internal/ebml_walk.h"

extern "C" {
struct AVCodecParameters;
struct AVFormatContext;
struct AVIOContext;
}

namespace casebox::recorder::internal {

class MediaInput {
 public:
  MediaInput() = default;
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;
  ~MediaInput() { close(); }

  /// Opens, or opens anew; `with_edits`: with an MP4's edit lists carried out.
  int open(bool with_edits, std::atomic<bool>& stopping);
  void close();
  /// Sent as it is made, not a file.
  bool live() const;

  AVFormatContext* format = nullptr;
  std::string url;
  std::optional<std::string> memory;  // the bytes themselves; `url` is a name then

 private:
  static int read(void* self, uint8_t* into, int size);
  static int64_t seek(void* self, int64_t offset, int whence);

  AVIOContext* io_ = nullptr;
  size_t at_ = 0;  // in memory
};

/// What a file says of itself.
struct MediaFacts {
  int64_t begin_utc_ns = 0;  // its creation time; 0: it tells none
  bool timecode = false;
  std::optional<EbmlDamage> damage;
};
MediaFacts facts_of(MediaInput& input);

/// An error of libavformat in words.
std::string av_reason(int error);
/// What a track is, for people: "track 2 (subtitle, subrip)".
std::string described(unsigned index, const AVCodecParameters& codec);

}  // namespace casebox::recorder::internal
