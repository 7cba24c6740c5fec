#pragma once

// Video files that tests make for themselves: pictures of the simulator, muxed by libavformat into
// any container, at any times.

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "proto/base/file.h"
#include "recorder/sim/plan.h"
#include "recorder/sim/video.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::testing {

/// Pictures, 10 a second in a time base of 1/90000, a key picture every 20.
struct MadeClip {
  v1::MediaFormat format;
  std::vector<recorder::sim::Picture> pictures;
};

inline MadeClip made_clip(size_t count) {
  recorder::sim::Options options;
  options.duration_scale = 0.05;
  auto plan = recorder::sim::make_plan(options);
  auto maker = recorder::sim::VideoMaker::open(*plan, recorder::sim::View::kScope);
  MadeClip clip;
  (*maker)->describe(clip.format);
  for (size_t i = 0; i < count; ++i) clip.pictures.push_back(*(*maker)->make(i));
  return clip;
}

/// How a clip is muxed.
struct Muxing {
  std::string container = "matroska";
  std::function<int64_t(size_t)> pts;  // of picture i, 1/90000 s; default: 10 a second
  std::function<void(AVFormatContext&, AVStream&)> before_header;
  std::function<void(AVFormatContext&)> after_header;
  std::vector<std::pair<std::string, std::string>> options;
};

inline Bytes mux(const MadeClip& clip, const Muxing& how) {
  AVFormatContext* format = nullptr;
  avformat_alloc_output_context2(&format, nullptr, how.container.c_str(), nullptr);
  // A file: libavformat's buffer in memory loses what a muxer writes back into it.
  const auto path = std::filesystem::temp_directory_path() /
                    ("casebox-made-" + std::to_string(::getpid()) + "." + how.container);
  if (avio_open(&format->pb, path.c_str(), AVIO_FLAG_WRITE) < 0) return {};
  AVStream* stream = avformat_new_stream(format, nullptr);
  stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
  stream->codecpar->codec_id = AV_CODEC_ID_H264;
  stream->codecpar->width = static_cast<int>(clip.format.width());
  stream->codecpar->height = static_cast<int>(clip.format.height());
  const Bytes& extra = clip.format.extradata();
  stream->codecpar->extradata =
      static_cast<uint8_t*>(av_mallocz(extra.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  std::copy(extra.begin(), extra.end(), stream->codecpar->extradata);
  stream->codecpar->extradata_size = static_cast<int>(extra.size());
  stream->time_base = {1, 90'000};
  format->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
  if (how.before_header) how.before_header(*format, *stream);
  AVDictionary* options = nullptr;
  for (const auto& [key, value] : how.options) av_dict_set(&options, key.c_str(), value.c_str(), 0);
  const int begun = avformat_write_header(format, &options);
  av_dict_free(&options);
  if (begun < 0) return {};
  if (how.after_header) how.after_header(*format);
  AVPacket* packet = av_packet_alloc();
  for (size_t i = 0; i < clip.pictures.size(); ++i) {
    const auto& picture = clip.pictures[i];
    av_new_packet(packet, static_cast<int>(picture.data.size()));
    std::copy(picture.data.begin(), picture.data.end(), packet->data);
    const int64_t pts = how.pts ? how.pts(i) : static_cast<int64_t>(i) * 9000;
    packet->pts = packet->dts = av_rescale_q(pts, {1, 90'000}, stream->time_base);
    packet->duration = av_rescale_q(9000, {1, 90'000}, stream->time_base);
    packet->flags = picture.key ? AV_PKT_FLAG_KEY : 0;
    av_write_frame(format, packet);
    av_packet_unref(packet);
  }
  av_packet_free(&packet);
  av_write_trailer(format);
  avio_closep(&format->pb);
  avformat_free_context(format);
  Bytes out = *read_file(path, size_t{1} << 30);
  std::filesystem::remove(path);
  return out;
}

}  // namespace casebox::testing
