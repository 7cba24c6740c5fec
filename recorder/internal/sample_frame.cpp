#include "recorder/internal/sample_frame.h"

#include <algorithm>
#include <cmath>

#include "proto/codec/codec.h"

namespace casebox::recorder::internal {
namespace {

bool is_real(v1::SampleType type) {
  return type == v1::SAMPLE_TYPE_F32 || type == v1::SAMPLE_TYPE_F64;
}

/// Adds `ticks` samples of `from` (or as many missing ones) behind `before` samples.
void extend(Column& into, Column from, bool real, size_t before, size_t ticks) {
  const bool absent = from.ints.empty() && from.reals.empty();
  if (absent || !from.missing.empty() || !into.missing.empty()) {
    into.missing.resize(before, false);
    from.missing.resize(ticks, absent);
    into.missing.insert(into.missing.end(), from.missing.begin(), from.missing.end());
  }
  if (real) {
    from.reals.resize(ticks);
    into.reals.insert(into.reals.end(), from.reals.begin(), from.reals.end());
  } else {
    from.ints.resize(ticks);
    into.ints.insert(into.ints.end(), from.ints.begin(), from.ints.end());
  }
}

}  // namespace

int64_t tick_ns(const v1::Stream& stream) {
  const auto& rate = stream.tick_rate_hz();
  if (rate.num() == 0 || rate.den() == 0) return 0;
  return std::llround(1e9 * static_cast<double>(rate.den()) / static_cast<double>(rate.num()));
}

void SampleFrame::append(const Item& item, Samples samples, const v1::Stream& stream) {
  const auto channels = static_cast<size_t>(stream.channels_size());
  if (empty()) {
    t_ = item.t;
    opened_ = item.arrival;
    captured_ = item.captured;
    u95_us_ = item.u95_us;
    columns_.assign(channels, {});
    segments_.clear();
  }
  u95_us_ = std::max(u95_us_, item.u95_us);
  samples.columns.resize(channels);
  for (size_t c = 0; c < channels; ++c) {
    const bool real = is_real(stream.channels(static_cast<int>(c)).type());
    extend(columns_[c], std::move(samples.columns[c]), real, ticks_, item.count);
  }
  segments_.push_back({ticks_, samples.t_src, samples.t_src_step, item.t});
  ticks_ += item.count;
  // From the frame's own beginning, so that rounding does not add up.
  const auto& rate = stream.tick_rate_hz();
  end_ = rate.num() == 0 ? item.t
                         : t_ + nanoseconds(std::llround(1e9 * static_cast<double>(ticks_) *
                                                         static_cast<double>(rate.den()) /
                                                         static_cast<double>(rate.num())));
}

std::unique_ptr<v1::SampleChunk> SampleFrame::take(const v1::Stream& stream) {
  auto chunk = std::make_unique<v1::SampleChunk>();
  for (size_t c = 0; c < columns_.size(); ++c) {
    const v1::Channel& channel = stream.channels(static_cast<int>(c));
    Column& column = columns_[c];
    if (!column.missing.empty() && std::ranges::all_of(column.missing, [](bool m) { return m; }))
      continue;  // an absent channel: all missing
    v1::ChannelChunk& out = *chunk->add_channels();
    out.set_channel_id(channel.id());
    out.set_coded(is_real(channel.type())
                      ? codec::encode_reals(column.reals, channel.type() == v1::SAMPLE_TYPE_F32,
                                            column.missing)
                      : codec::encode(column.ints, column.missing));
  }
  v1::SourceTimes& times = *chunk->mutable_t_src();
  times.set_known(true);
  times.set_first(segments_.front().t_src);
  const int64_t step = segments_.front().step;
  const bool even =
      step > 0 && std::ranges::all_of(segments_, [&](const Segment& s) {
        return s.step == step && s.t_src == times.first() + step * static_cast<int64_t>(s.tick);
      });
  if (even) times.set_step(static_cast<uint64_t>(step));
  const bool uneven_stream = tick_ns(stream) == 0;
  for (size_t s = 0; s < segments_.size(); ++s) {
    const uint32_t behind = s + 1 < segments_.size() ? segments_[s + 1].tick : ticks_;
    if (s > 0) {
      const Segment& last = segments_[s - 1];
      const int64_t last_ticks = static_cast<int64_t>(segments_[s].tick) - last.tick - 1;
      if (!even) times.add_delta(segments_[s].t_src - (last.t_src + last.step * last_ticks));
      if (uneven_stream) chunk->add_dt_ns((segments_[s].t - last.t).ns);
    }
    for (uint32_t i = segments_[s].tick + 1; i < behind && !even; ++i)
      times.add_delta(segments_[s].step);
  }
  ticks_ = 0;
  columns_.clear();
  segments_.clear();
  return chunk;
}

}  // namespace casebox::recorder::internal
