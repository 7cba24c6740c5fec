#include <gtest/gtest.h>

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <cstring>
#include <set>

#include "recorder/sim/plan.h"
#include "recorder/sim/streams.h"
#include "recorder/sim/video.h"

namespace casebox::recorder::sim {
namespace {

/// Decodes pictures one by one.
class Decoder {
 public:
  explicit Decoder(const v1::MediaFormat& media)
      : context_(avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264))),
        frame_(av_frame_alloc()),
        packet_(av_packet_alloc()) {
    context_->extradata =
        static_cast<uint8_t*>(av_mallocz(media.extradata().size() + AV_INPUT_BUFFER_PADDING_SIZE));
    std::memcpy(context_->extradata, media.extradata().data(), media.extradata().size());
    context_->extradata_size = static_cast<int>(media.extradata().size());
    context_->flags |= AV_CODEC_FLAG_LOW_DELAY;
    context_->thread_count = 1;
    avcodec_open2(context_, nullptr, nullptr);
  }
  ~Decoder() {
    avcodec_free_context(&context_);
    av_frame_free(&frame_);
    av_packet_free(&packet_);
  }
  const AVFrame* decode(const Picture& picture) {
    av_new_packet(packet_, static_cast<int>(picture.data.size()));
    std::memcpy(packet_->data, picture.data.data(), picture.data.size());
    packet_->pts = picture.pts;
    const bool sent = avcodec_send_packet(context_, packet_) == 0;
    av_packet_unref(packet_);
    return sent && avcodec_receive_frame(context_, frame_) == 0 ? frame_ : nullptr;
  }

 private:
  AVCodecContext* context_;
  AVFrame* frame_;
  AVPacket* packet_;
};

uint32_t read_bar(const AVFrame& frame) {
  uint32_t value = 0;
  const int width = frame.width / 32;
  for (int bit = 0; bit < 32; ++bit)
    value = value << 1 | (frame.data[0][6 * frame.linesize[0] + bit * width + width / 2] > 125);
  return value;
}

TEST(SimVideo, BarOfEveryPictureSaysTheCaseTime) {
  Options options;
  options.seed = 4;
  options.duration_scale = .05;
  const Plan plan = make_plan(options).value();
  for (View view : {View::kScope, View::kRoom}) {
    auto maker = VideoMaker::open(plan, view).value();
    v1::MediaFormat media;
    maker->describe(media);
    EXPECT_EQ(media.codec_string().substr(0, 5), "avc1.");
    Decoder decoder(media);
    for (uint64_t i = 0; i < 900; ++i) {
      const Picture picture = maker->make(i).value();
      EXPECT_EQ(picture.key, i % kVideoRate == 0) << i;
      EXPECT_EQ(picture.pts, static_cast<int64_t>(i) * 9000);
      const AVFrame* frame = decoder.decode(picture);
      ASSERT_NE(frame, nullptr) << i;
      ASSERT_EQ(read_bar(*frame), i);
      EXPECT_EQ(frame->colorspace, AVCOL_SPC_BT709);
    }
  }
}

TEST(SimVideo, EveryPhaseHasItsOwnColourInBothViews) {
  Options options;
  options.duration_scale = .02;
  options.clean = true;
  const Plan plan = make_plan(options).value();
  std::set<std::tuple<int, int, int>> seen;
  std::set<Phase> phases;
  for (const PhaseSpan& span : plan.phases) phases.insert(span.phase);
  for (View view : {View::kScope, View::kRoom}) {
    auto maker = VideoMaker::open(plan, view).value();
    v1::MediaFormat media;
    maker->describe(media);
    Decoder decoder(media);
    std::set<std::optional<Phase>> done;
    for (uint64_t i = 0; static_cast<double>(i) / kVideoRate < plan.duration_s; ++i) {
      const AVFrame* frame = decoder.decode(maker->make(i).value());
      ASSERT_NE(frame, nullptr);
      const auto phase = plan.phase_at(static_cast<double>(i) / kVideoRate);
      if (!phase || !done.insert(phase).second) continue;
      const int x = kVideoWidth - 20, y = kVideoHeight - 20;
      seen.insert({frame->data[0][y * frame->linesize[0] + x] / 4,
                   frame->data[1][y / 2 * frame->linesize[1] + x / 2] / 4,
                   frame->data[2][y / 2 * frame->linesize[2] + x / 2] / 4});
    }
  }
  EXPECT_EQ(seen.size(), 2 * phases.size());
}

TEST(SimVideo, TheSameSeedGivesTheSameBytes) {
  const Plan plan = make_plan({}).value();
  auto a = VideoMaker::open(plan, View::kScope).value();
  auto b = VideoMaker::open(plan, View::kScope).value();
  for (uint64_t i = 0; i < 60; ++i) EXPECT_EQ(a->make(i).value().data, b->make(i).value().data);
}

}  // namespace
}  // namespace casebox::recorder::sim
