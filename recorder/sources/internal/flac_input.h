#pragma once

// The samples of a FLAC file, channel by channel interleaved, as integers of the width they were
// coded with (RFC 9639), decoded by FFmpeg.
//
// Thread safety: one thread. Errors: kInvalidArgument where it is no FLAC, or has another number of
// channels. What cannot be decoded ends it.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "recorder/sources/internal/byte_input.h"

struct AVFormatContext;
struct AVCodecContext;
struct AVIOContext;
struct AVPacket;
struct AVFrame;

namespace casebox::recorder::internal {

class FlacInput {
 public:
  static Result<std::unique_ptr<FlacInput>> open(ByteInput input, size_t channels,
                                                 const std::string& name);
  ~FlacInput();
  FlacInput(const FlacInput&) = delete;
  FlacInput& operator=(const FlacInput&) = delete;

  /// Appends the next samples; fewer than `n` at the end.
  void read(size_t n, std::vector<int32_t>& out);

 private:
  FlacInput() = default;
  static int on_read(void* self, uint8_t* into, int size);
  static int64_t on_seek(void* self, int64_t offset, int whence);
  bool fill();
  void take_frame();

  ByteInput input_;
  uint64_t at_ = 0;
  size_t channels_ = 0;
  AVFormatContext* format_ = nullptr;
  AVIOContext* io_ = nullptr;
  AVCodecContext* codec_ = nullptr;
  AVPacket* packet_ = nullptr;
  AVFrame* frame_ = nullptr;
  bool ended_ = false;
  std::deque<int32_t> ready_;
};

}  // namespace casebox::recorder::internal
