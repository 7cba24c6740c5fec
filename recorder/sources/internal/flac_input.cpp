#include "recorder/sources/internal/flac_input.h"

#include <algorithm>
#include <cstring>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder::internal {
namespace {

constexpr int kFlacBuffer = 1 << 15;

}  // namespace

FlacInput::~FlacInput() {
  av_frame_free(&frame_);
  av_packet_free(&packet_);
  avcodec_free_context(&codec_);
  if (format_ != nullptr) avformat_close_input(&format_);
  if (io_ != nullptr) {
    av_freep(&io_->buffer);
    avio_context_free(&io_);
  }
}

int FlacInput::on_read(void* self, uint8_t* into, int size) {
  auto& input = *static_cast<FlacInput*>(self);
  const Bytes bytes = input.input_.read_at(input.at_, static_cast<size_t>(std::max(0, size)));
  if (bytes.empty()) return AVERROR_EOF;
  std::memcpy(into, bytes.data(), bytes.size());
  input.at_ += bytes.size();
  return static_cast<int>(bytes.size());
}

int64_t FlacInput::on_seek(void* self, int64_t offset, int whence) {
  auto& input = *static_cast<FlacInput*>(self);
  const auto size = static_cast<int64_t>(input.input_.size());
  if ((whence & AVSEEK_SIZE) != 0) return size;
  const int from = whence & ~AVSEEK_FORCE;
  const int64_t base = from == SEEK_CUR   ? static_cast<int64_t>(input.at_)
                       : from == SEEK_END ? size
                                          : 0;
  int64_t to = 0;
  if (__builtin_add_overflow(base, offset, &to) || to < 0) return AVERROR(EINVAL);
  input.at_ = static_cast<uint64_t>(to);
  return to;
}

Result<std::unique_ptr<FlacInput>> FlacInput::open(ByteInput input, size_t channels,
                                                   const std::string& name) {
  std::unique_ptr<FlacInput> out(new FlacInput);
  out->input_ = std::move(input);
  out->channels_ = channels;
  const Error bad{Code::kInvalidArgument,
                  name + ": its header says FLAC of " + std::to_string(channels) +
                      " channels, and this is none; give the file that belongs to it"};
  auto* buffer = static_cast<unsigned char*>(av_malloc(kFlacBuffer));
  out->io_ = avio_alloc_context(buffer, kFlacBuffer, 0, out.get(), on_read, nullptr, on_seek);
  out->format_ = avformat_alloc_context();
  out->packet_ = av_packet_alloc();
  out->frame_ = av_frame_alloc();
  if (out->io_ == nullptr || out->format_ == nullptr || !out->packet_ || !out->frame_)
    return Error{Code::kIo, name + ": no memory to decode FLAC; free some"};
  out->format_->pb = out->io_;
  const AVInputFormat* flac = av_find_input_format("flac");
  if (flac == nullptr || avformat_open_input(&out->format_, nullptr, flac, nullptr) < 0) return bad;
  if (out->format_->nb_streams != 1) return bad;
  const AVCodec* decoder = avcodec_find_decoder(AV_CODEC_ID_FLAC);
  out->codec_ = avcodec_alloc_context3(decoder);
  if (out->codec_ == nullptr ||
      avcodec_parameters_to_context(out->codec_, out->format_->streams[0]->codecpar) < 0)
    return bad;
  out->codec_->thread_count = 1;
  if (avcodec_open2(out->codec_, decoder, nullptr) < 0 ||
      out->codec_->ch_layout.nb_channels != static_cast<int>(channels))
    return bad;
  return out;
}

/// A frame's samples, brought back from the width FFmpeg shifts them to.
void FlacInput::take_frame() {
  const int coded = codec_->bits_per_raw_sample;
  const auto format = static_cast<AVSampleFormat>(frame_->format);
  const int width = av_get_bytes_per_sample(format) * 8;
  if (width != 16 && width != 32) {
    ended_ = true;
    return;
  }
  const int shift = coded > 0 && coded < width ? width - coded : 0;
  const bool planar = av_sample_fmt_is_planar(format) == 1;
  const auto channels = static_cast<size_t>(frame_->ch_layout.nb_channels);
  if (channels != channels_) {
    ended_ = true;
    return;
  }
  for (size_t i = 0; i < static_cast<size_t>(std::max(0, frame_->nb_samples)); ++i)
    for (size_t c = 0; c < channels; ++c) {
      const uint8_t* plane = planar ? frame_->extended_data[c] : frame_->extended_data[0];
      const size_t at = planar ? i : i * channels + c;
      int32_t value = 0;
      if (width == 16) {
        int16_t narrow = 0;
        std::memcpy(&narrow, plane + at * 2, 2);
        value = narrow;
      } else {
        std::memcpy(&value, plane + at * 4, 4);
      }
      ready_.push_back(value >> shift);
    }
}

bool FlacInput::fill() {
  while (!ended_) {
    const int got = avcodec_receive_frame(codec_, frame_);
    if (got == 0) {
      take_frame();
      av_frame_unref(frame_);
      if (!ready_.empty()) return true;
      continue;
    }
    if (got != AVERROR(EAGAIN)) break;
    const int read = av_read_frame(format_, packet_);
    const int sent = avcodec_send_packet(codec_, read < 0 ? nullptr : packet_);
    av_packet_unref(packet_);
    if (sent < 0) break;
  }
  ended_ = true;
  return !ready_.empty();
}

void FlacInput::read(size_t n, std::vector<int32_t>& out) {
  while (n > 0 && (!ready_.empty() || fill())) {
    const size_t now = std::min(n, ready_.size());
    out.insert(out.end(), ready_.begin(), ready_.begin() + static_cast<ptrdiff_t>(now));
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<ptrdiff_t>(now));
    n -= now;
  }
}

}  // namespace casebox::recorder::internal
