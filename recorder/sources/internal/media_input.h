#pragma once

// A file, URL or bytes in memory under libavformat, and what such a file says of itself beside its
// streams.
//
// Thread safety: one thread.
// Errors: open() returns libavformat's.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "casebox/v1/stream.pb.h"
#include "recorder/sources/internal/ebml_walk.h"

extern "C" {
struct AVCodecParameters;
struct AVFormatContext;
struct AVIOContext;
struct AVStream;
}

namespace casebox::recorder::internal {

class MediaInput {
 public:
  MediaInput() = default;
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;
  ~MediaInput() { close(); }

  /// Opens, or opens anew; `with_edits`: with an MP4's edit lists carried out.
  int open(bool with_edits);
  void close();

  AVFormatContext* format = nullptr;
  bool live = false;                  // sent as it is made, not a file
  std::function<bool()> interrupted;  // asked while it waits; true: it gives up
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

/// Whether all streams have told what a player has to know of them.
bool all_known(const AVFormatContext& format);
/// A document that somebody serves has an end and can be read again; a device has neither.
bool is_served_file(const AVFormatContext& format);
/// What a stream is, without its init segment.
void describe(const AVStream& from, v1::MediaFormat& media);

/// An error of libavformat in words.
std::string av_reason(int error);
/// What a track is, for people: "track 2 (subtitle, subrip)".
std::string described(unsigned index, const AVCodecParameters& codec);

}  // namespace casebox::recorder::internal
