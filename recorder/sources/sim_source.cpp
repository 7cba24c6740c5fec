#include "recorder/sources/sim_source.h"

#include <cmath>

#include "recorder/sim/feed.h"
#include "recorder/sim/settings.h"
#include "recorder/sim/truth.h"
#include "recorder/sources/internal/fragmenter.h"

namespace casebox::recorder {

struct SimSource::Impl {
  std::unique_ptr<sim::Feed> feed;
  std::vector<sim::Received> received;
  std::vector<std::unique_ptr<internal::Fragmenter>> video;  // by stream; null for others
  bool finished = false;

  Result<void> take(sim::Received& from, const v1::Stream& stream, std::vector<Item>& out);
};

SimSource::SimSource() : impl_(std::make_unique<Impl>()) {}
SimSource::~SimSource() = default;

Result<std::unique_ptr<Source>> SimSource::open(Context context) {
  std::unique_ptr<SimSource> source(new SimSource);
  Impl& impl = *source->impl_;
  CASEBOX_TRY(impl.feed,
              sim::Feed::open(sim::options_of(context.config.simulator(), context.procedure)));
  source->streams_ = impl.feed->streams();
  impl.video.resize(source->streams_.size());
  for (size_t i = 0; i < source->streams_.size(); ++i) {
    v1::Stream& stream = source->streams_[i];
    if (stream.kind() != v1::STREAM_KIND_VIDEO) continue;
    CASEBOX_TRY(auto muxer, internal::CmafMuxer::open(stream.media()));
    stream.mutable_media()->set_init_segment(muxer->init_segment());
    impl.video[i] =
        std::make_unique<internal::Fragmenter>(i, true, context.fragment, std::move(muxer));
  }
  return std::unique_ptr<Source>(std::move(source));
}

Result<void> SimSource::Impl::take(sim::Received& from, const v1::Stream& stream,
                                   std::vector<Item>& out) {
  internal::Fragmenter* fragments = video[from.stream].get();
  Item item;
  item.stream = from.stream;
  item.t = from.t;
  item.u95_us = from.u95_us;
  item.arrival = from.arrival;
  if (from.is_gap) {
    if (fragments != nullptr) CASEBOX_CHECK(fragments->flush(out));
    item.what = std::move(from.gap);
    out.push_back(std::move(item));
    return ok();
  }
  sim::Packet& packet = from.packet;
  if (auto* picture = std::get_if<sim::Picture>(&packet.what)) {
    internal::TimedPacket timed;
    timed.packet.data = std::move(picture->data);
    timed.packet.pts = timed.packet.dts = picture->pts;
    timed.packet.duration = static_cast<uint64_t>(picture->duration);
    timed.packet.key = picture->key;
    timed.decode = timed.present = from.t;
    timed.duration = nanoseconds(picture->duration * 100'000 / 9);
    timed.arrival = from.arrival;
    return fragments->add(std::move(timed), from.u95_us, out);
  }
  if (auto* event = std::get_if<v1::Event>(&packet.what)) {
    item.what = std::move(*event);
    out.push_back(std::move(item));
    return ok();
  }
  auto& block = std::get<sim::Block>(packet.what);
  const double step = 1e9 * static_cast<double>(stream.tick_rate_hz().den()) /
                      static_cast<double>(stream.tick_rate_hz().num());
  Samples samples;
  for (std::vector<int64_t>& codes : block.channels)
    samples.columns.push_back({std::move(codes), {}, {}});
  samples.t_src = packet.t_src_ns;
  samples.t_src_step = std::llround(step);
  item.count = packet.count;
  item.duration = nanoseconds(std::llround(step * packet.count));
  item.what = std::move(samples);
  out.push_back(std::move(item));
  return ok();
}

Result<bool> SimSource::next(std::vector<Item>& out) {
  Impl& impl = *impl_;
  if (impl.finished) return false;
  CASEBOX_TRY(const bool more, impl.feed->next(impl.received));
  for (sim::Received& from : impl.received)
    CASEBOX_CHECK(impl.take(from, streams_[from.stream], out));
  if (!more) {
    impl.finished = true;
    for (auto& fragments : impl.video)
      if (fragments) CASEBOX_CHECK(fragments->flush(out));
  }
  return true;
}

std::vector<ClockState> SimSource::clocks() const {
  std::vector<ClockState> out;
  for (const auto& [id, clock] : impl_->feed->trackers())
    out.push_back({id, clock.offset_ns(), 0, uint64_t{clock.u95_us()} * 1000, clock.resets(),
                   clock.broken()});
  return out;
}

Duration SimSource::length() const { return from_seconds(impl_->feed->room().plan().duration_s); }

std::vector<uint64_t> SimSource::sent() const {
  std::vector<uint64_t> out;
  for (const sim::SentCount& count : impl_->feed->room().counts()) out.push_back(count.sent);
  return out;
}

std::string SimSource::truth() const { return sim::truth_json(impl_->feed->room()); }

}  // namespace casebox::recorder
