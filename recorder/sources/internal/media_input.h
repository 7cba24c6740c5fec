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
#include <vector>

#include "proto/base/file.h"
#include "recorder/sources/internal/device_reader.h"
#include "recorder/sources/internal/file_damage.h"
#include "recorder/sources/source.h"

extern "C" {
struct AVCodecParameters;
struct AVFormatContext;
struct AVIOContext;
}

namespace casebox::recorder::internal {

/// A URL, a pipe, a device file; not a file.
bool is_device_url(const std::string& url);

class MediaInput {
 public:
  MediaInput() = default;
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;
  ~MediaInput() { close(); }

  /// Opens, or opens anew; `with_edits`: with an MP4's edit lists carried out.
  /// A pipe is opened when there is something in it: nothing ends the wait for one who writes.
  int open(bool with_edits, DeviceReader& reader);
  void close();
  /// Sent as it is made, not a file.
  bool live() const { return !memory && is_device_url(url); }
  /// Once it is open: a document that somebody serves has an end and can be read again; a device
  /// has neither.
  bool is_served_file() const;
  /// Whether all streams have told what a player has to know of them.
  bool all_known() const;
  bool is_media(size_t index) const;  // video or sound

  AVFormatContext* format = nullptr;
  std::string url;
  std::optional<std::string> memory;  // the bytes themselves; `url` is a name then

 private:
  int wait_for_writer(DeviceReader& reader, Fd& pipe) const;
  static int read(void* self, uint8_t* into, int size);
  static int64_t seek(void* self, int64_t offset, int whence);

  AVIOContext* io_ = nullptr;
  size_t at_ = 0;  // in memory
};

/// What a file says of itself.
struct MediaFacts {
  int64_t begin_utc_ns = 0;  // its creation time; 0: it tells none
  bool timecode = false;
  std::optional<FileDamage> damage;
  const char* format = "";  // of the damage, for people: "a Matroska file"
};
/// `indexed`: an index of its own tells more of its damage than its structure.
MediaFacts facts_of(MediaInput& input, bool indexed);
void say_facts(const MediaFacts& facts, const std::string& file, std::vector<Skipped>& out);

/// Why a file could not be opened, and what to do; `error`: libavformat's.
std::string why_unreadable(const MediaInput& input, int error);
/// An error of libavformat in words.
std::string av_reason(int error);
/// What a track is, for people: "track 2 (subtitle, subrip)".
std::string described(unsigned index, const AVCodecParameters& codec);

}  // namespace casebox::recorder::internal
