#include "storage/reader/internal/decode.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "proto/codec/codec.h"

namespace casebox::storage {
namespace {

Error corrupt(const frame::Header& h, const std::string& what) {
  return Error{Code::kCorrupt, "stream " + std::to_string(h.stream.value) + " frame " +
                                   std::to_string(h.first.value) + ": " + what +
                                   "; restore from a backup"};
}

/// Case times of the frame's ticks.
Result<std::vector<CaseTime>> tick_times(const frame::Header& h, const v1::SampleChunk& chunk,
                                         const v1::Stream& stream) {
  std::vector<CaseTime> out;
  const auto& rate = stream.tick_rate_hz();
  if (rate.num() == 0 || rate.den() == 0) {
    if (chunk.dt_ns_size() != 0 && static_cast<uint32_t>(chunk.dt_ns_size()) != h.count &&
        static_cast<uint32_t>(chunk.dt_ns_size()) + 1 != h.count)
      return corrupt(h, "an irregular frame without a time per item");
    const int skip = static_cast<uint32_t>(chunk.dt_ns_size()) == h.count ? 1 : 0;
    CaseTime t = h.t;
    for (uint32_t i = 0; i < h.count; ++i) {
      const int at = static_cast<int>(i) - 1 + skip;
      if (i > 0 && at < chunk.dt_ns_size()) t = t + nanoseconds(chunk.dt_ns(at));
      out.push_back(t);
    }
    return out;
  }
  const double step = 1e9 * static_cast<double>(rate.den()) / static_cast<double>(rate.num());
  for (uint32_t i = 0; i < h.count; ++i) out.push_back(h.t + nanoseconds(std::llround(step * i)));
  return out;
}

std::vector<int64_t> source_times(const v1::SourceTimes& t, uint32_t count) {
  std::vector<int64_t> out;
  if (!t.known()) return out;
  if (t.step() == 0 && static_cast<uint32_t>(t.delta_size()) + 1 != count) return out;
  // Unsigned, so that hostile steps wrap instead of overflowing.
  auto at = static_cast<uint64_t>(t.first());
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0)
      at += t.step() != 0 ? t.step() : static_cast<uint64_t>(t.delta(static_cast<int>(i) - 1));
    out.push_back(static_cast<int64_t>(at));
  }
  return out;
}

}  // namespace

Result<std::optional<SampleRun>> decode_samples(const frame::Header& h,
                                                const v1::SampleChunk& chunk,
                                                const v1::Stream& stream,
                                                const v1::Channel& channel, Span span) {
  const size_t per_tick = std::max<uint32_t>(1, channel.samples_per_tick());
  if (h.count > codec::kMaxSamples || per_tick > codec::kMaxSamples ||
      h.count * per_tick > codec::kMaxSamples)
    return corrupt(h, "more samples than a frame may hold");
  const size_t total = h.count * per_tick;
  CASEBOX_TRY(const auto ticks, tick_times(h, chunk, stream));
  size_t lo = 0;
  size_t hi = ticks.size();
  while (lo < hi && ticks[lo] < span.from) ++lo;
  while (hi > lo && ticks[hi - 1] >= span.to) --hi;
  if (lo == hi) return std::optional<SampleRun>{};

  SampleRun run;
  run.t0 = ticks[lo];
  run.u95_us = h.u95_us;
  run.source = {h.epoch, h.stream, h.first, h.count};
  const auto& rate = stream.tick_rate_hz();
  if (rate.num() != 0 && rate.den() != 0) {
    run.rate_hz = static_cast<double>(rate.num()) / static_cast<double>(rate.den()) *
                  static_cast<double>(per_tick);
  } else {
    for (size_t i = lo; i < hi; ++i)
      for (size_t k = 0; k < per_tick; ++k) run.times.push_back(ticks[i]);
  }
  const auto t_src = source_times(chunk.t_src(), h.count);
  if (!t_src.empty())
    run.t_src.assign(t_src.begin() + static_cast<ptrdiff_t>(lo),
                     t_src.begin() + static_cast<ptrdiff_t>(hi));

  const size_t from = lo * per_tick;
  const size_t to = hi * per_tick;
  const v1::ChannelChunk* coded = nullptr;
  for (const auto& c : chunk.channels())
    if (c.channel_id() == channel.id()) coded = &c;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const bool ints =
      channel.type() == v1::SAMPLE_TYPE_INT || channel.type() == v1::SAMPLE_TYPE_UNSPECIFIED;
  std::vector<bool> missing;
  if (coded == nullptr) {
    run.values.assign(to - from, nan);
    if (ints) run.codes.assign(to - from, 0);
    run.missing.assign(to - from, true);
    return std::optional<SampleRun>(std::move(run));
  }
  if (ints) {
    CASEBOX_TRY(auto decoded, codec::decode(coded->coded(), total));
    if (decoded.values.size() != total)
      return corrupt(h, "sample block of another size than its header says");
    const double scale = std::pow(10.0, static_cast<double>(channel.decimals()));
    for (size_t i = from; i < to; ++i) {
      const bool gone = !decoded.missing.empty() && decoded.missing[i];
      const auto code = static_cast<double>(decoded.values[i]);
      run.codes.push_back(gone ? 0 : decoded.values[i]);
      run.values.push_back(gone                    ? nan
                           : channel.gain() == 0.0 ? code / scale
                                                   : code * channel.gain() + channel.offset());
    }
    missing = std::move(decoded.missing);
  } else {
    CASEBOX_TRY(auto decoded, codec::decode_reals(coded->coded(), total));
    if (decoded.values.size() != total)
      return corrupt(h, "sample block of another size than its header says");
    for (size_t i = from; i < to; ++i)
      run.values.push_back(!decoded.missing.empty() && decoded.missing[i] ? nan
                                                                          : decoded.values[i]);
    missing = std::move(decoded.missing);
  }
  if (!missing.empty())
    run.missing.assign(missing.begin() + static_cast<ptrdiff_t>(from),
                       missing.begin() + static_cast<ptrdiff_t>(to));
  return std::optional<SampleRun>(std::move(run));
}

void join(SampleRun& all, const SampleRun& run) {
  if (all.values.empty()) {
    all.t0 = run.t0;
    all.u95_us = run.u95_us;
    all.source = run.source;
  }
  const size_t before = all.values.size();
  for (size_t i = 0; i < run.values.size(); ++i)
    all.times.push_back(run.times.empty()
                            ? run.t0 + from_seconds(static_cast<double>(i) / run.rate_hz)
                            : run.times[i]);
  all.values.insert(all.values.end(), run.values.begin(), run.values.end());
  all.codes.insert(all.codes.end(), run.codes.begin(), run.codes.end());
  all.t_src.insert(all.t_src.end(), run.t_src.begin(), run.t_src.end());
  if (run.missing.empty() && all.missing.empty()) return;
  all.missing.resize(before, false);
  all.missing.insert(all.missing.end(), run.missing.begin(), run.missing.end());
  all.missing.resize(all.values.size(), false);
}

std::optional<Assembler::Whole> Assembler::add(const frame::Header& header,
                                               v1::MediaFragment part) {
  const bool first = header.has(frame::flag::kFirst);
  const bool last = header.has(frame::flag::kLast);
  if (first == last && (first || !open_)) {
    open_.reset();
    return Whole{header, std::move(part)};
  }
  if (first) {
    open_ = Whole{header, std::move(part)};
    return std::nullopt;
  }
  if (!open_ || open_->header.next() != header.first.value || open_->header.epoch != header.epoch) {
    open_.reset();  // its beginning is not in reach
    return std::nullopt;
  }
  open_->fragment.mutable_cmaf()->append(part.cmaf());
  open_->fragment.mutable_packets()->MergeFrom(part.packets());
  open_->header.count += header.count;
  if (!last) return std::nullopt;
  auto whole = std::move(open_);
  open_.reset();
  return whole;
}

}  // namespace casebox::storage
