#include "recorder/sim/video.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
}

#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>

#include "recorder/sim/internal/canvas.h"
#include "recorder/sim/streams.h"

namespace casebox::recorder::sim {
namespace {

using internal::Canvas;
using internal::Colour;

constexpr int64_t kTicksPerPicture = 90000 / kVideoRate;

// One colour a phase and view; before the first and after the last phase the scope sees nothing.
Colour colour_of(View view, std::optional<Phase> phase) {
  static constexpr Colour kScope[kPhases] = {{110, 110, 150}, {95, 105, 190},  {120, 90, 170},
                                             {80, 120, 205},  {140, 100, 140}, {100, 150, 150},
                                             {150, 120, 120}};
  static constexpr Colour kRoom[kPhases] = {{90, 150, 110}, {70, 160, 100},  {100, 165, 90},
                                            {60, 150, 85},  {120, 145, 105}, {85, 170, 120},
                                            {130, 135, 115}};
  if (!phase) return view == View::kScope ? Colour{30, 128, 128} : Colour{150, 128, 128};
  return (view == View::kScope ? kScope : kRoom)[static_cast<int>(*phase)];
}

struct Free {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

}  // namespace

struct VideoMaker::Impl {
  Impl(const Plan& p, View v) : plan(p), view(v), canvas(kVideoWidth, kVideoHeight) {}

  void draw(uint64_t index);

  const Plan& plan;
  View view;
  Canvas canvas;
  std::optional<Phase> shown;
  bool drawn = false;
  std::unique_ptr<AVCodecContext, Free> encoder;
  std::unique_ptr<AVFrame, Free> frame;
  std::unique_ptr<AVPacket, Free> packet;
};

void VideoMaker::Impl::draw(uint64_t index) {
  const double t = static_cast<double>(index) / kVideoRate;
  const std::optional<Phase> phase = plan.phase_at(t);
  if (!drawn || phase != shown) {
    drawn = true;
    shown = phase;
    canvas.fill(0, kBarHeight, kVideoWidth, kVideoHeight - kBarHeight, colour_of(view, phase));
    canvas.text(12, 40, view == View::kScope ? "SCOPE" : "ROOM", 2, internal::kWhite);
    canvas.text(12, 80, phase ? to_string(*phase) : "-", 2, internal::kWhite);
  }
  const auto tenths = static_cast<uint32_t>(std::llround(t * 10));
  canvas.bar(tenths, kBarHeight);
  char clock[32];
  std::snprintf(clock, sizeof clock, "%02u:%02u:%02u.%u", tenths / 36000, tenths / 600 % 60,
                tenths / 10 % 60, tenths % 10);
  canvas.fill(12, 120, 10 * 18, 21, colour_of(view, phase));
  canvas.text(12, 120, clock, 3, internal::kWhite);
}

VideoMaker::VideoMaker() = default;
VideoMaker::~VideoMaker() = default;

Result<std::unique_ptr<VideoMaker>> VideoMaker::open(const Plan& plan, View view) {
  const AVCodec* codec = avcodec_find_encoder_by_name("libx264");
  if (!codec)
    return Error{
        Code::kUnsupported,
        "simulator: this libavcodec has no libx264; install one that has, or use --no-video"};
  std::unique_ptr<VideoMaker> maker(new VideoMaker);
  maker->impl_ = std::make_unique<Impl>(plan, view);
  Impl& impl = *maker->impl_;
  impl.encoder.reset(avcodec_alloc_context3(codec));
  impl.frame.reset(av_frame_alloc());
  impl.packet.reset(av_packet_alloc());
  if (!impl.encoder || !impl.frame || !impl.packet)
    return Error{Code::kInternal, "simulator: no memory for a video encoder"};
  AVCodecContext& c = *impl.encoder;
  c.width = kVideoWidth;
  c.height = kVideoHeight;
  c.pix_fmt = AV_PIX_FMT_YUV420P;
  c.time_base = {1, kVideoRate};
  c.framerate = {kVideoRate, 1};
  c.gop_size = kVideoRate;
  c.keyint_min = kVideoRate;
  c.max_b_frames = 0;
  c.log_level_offset = 12;  // its running commentary is not for our standard error
  c.thread_count = 1;       // one thread: the same bytes on every machine
  c.flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
  c.color_primaries = AVCOL_PRI_BT709;
  c.color_trc = AVCOL_TRC_BT709;
  c.colorspace = AVCOL_SPC_BT709;
  c.color_range = AVCOL_RANGE_MPEG;
  av_opt_set(c.priv_data, "preset", "ultrafast", 0);
  av_opt_set(c.priv_data, "tune", "zerolatency", 0);
  c.qmin = 32;  // a still picture would otherwise be refined without end
  av_opt_set(c.priv_data, "crf", "32", 0);
  av_opt_set(c.priv_data, "x264-params", "scenecut=0", 0);
  if (avcodec_open2(&c, codec, nullptr) < 0)
    return Error{Code::kUnsupported, "simulator: libx264 does not open; use --no-video"};
  impl.frame->format = c.pix_fmt;
  impl.frame->width = c.width;
  impl.frame->height = c.height;
  if (av_frame_get_buffer(impl.frame.get(), 0) < 0)
    return Error{Code::kInternal, "simulator: no memory for a picture"};
  return maker;
}

void VideoMaker::describe(v1::MediaFormat& media) const {
  const AVCodecContext& c = *impl_->encoder;
  media.set_codec("h264");
  media.mutable_time_base()->set_num(1);
  media.mutable_time_base()->set_den(90000);
  media.set_width(kVideoWidth);
  media.set_height(kVideoHeight);
  media.mutable_frame_rate()->set_num(kVideoRate);
  media.mutable_frame_rate()->set_den(1);
  media.set_extradata(c.extradata, static_cast<size_t>(c.extradata_size));
  // The sequence parameter set opens the extradata: start code, 0x67, then profile, constraints,
  // level.
  for (int i = 0; i + 6 < c.extradata_size; ++i) {
    const uint8_t* at = c.extradata + i;
    if (at[0] || at[1] || at[2] != 1 || (at[3] & 0x1f) != 7) continue;
    char text[32];
    std::snprintf(text, sizeof text, "avc1.%02x%02x%02x", at[4], at[5], at[6]);
    media.set_codec_string(text);
    break;
  }
}

Result<Picture> VideoMaker::make(uint64_t index) {
  Impl& impl = *impl_;
  impl.draw(index);
  if (av_frame_make_writable(impl.frame.get()) < 0)
    return Error{Code::kInternal, "simulator: no memory for a picture"};
  for (int p = 0; p < 3; ++p)
    for (int row = 0; row < (p == 0 ? kVideoHeight : kVideoHeight / 2); ++row)
      std::memcpy(impl.frame->data[p] + row * impl.frame->linesize[p],
                  impl.canvas.plane(p) + row * impl.canvas.stride(p),
                  static_cast<size_t>(impl.canvas.stride(p)));
  impl.frame->pts = static_cast<int64_t>(index);
  // Zero latency: each picture gives its packet at once.
  if (avcodec_send_frame(impl.encoder.get(), impl.frame.get()) < 0 ||
      avcodec_receive_packet(impl.encoder.get(), impl.packet.get()) < 0)
    return Error{Code::kInternal, "simulator: the H.264 encoder gave no picture"};
  Picture out;
  out.data.assign(reinterpret_cast<const char*>(impl.packet->data),
                  static_cast<size_t>(impl.packet->size));
  out.pts = impl.packet->pts * kTicksPerPicture;
  out.duration = kTicksPerPicture;
  out.key = (impl.packet->flags & AV_PKT_FLAG_KEY) != 0;
  av_packet_unref(impl.packet.get());
  return out;
}

}  // namespace casebox::recorder::sim
