#include "recorder/sources/internal/media_reading.h"

#include <algorithm>
#include <cstring>
#include <utility>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

namespace casebox::recorder::internal {
namespace {

constexpr AVRational kNanoseconds{1, 1'000'000'000};
constexpr Duration kSlow = milliseconds(50);  // and not at all where they come more seldom
constexpr int kTornWithin = 3;
constexpr int64_t kNsOfSecond = 1'000'000'000;
constexpr int64_t kStep = kNsOfSecond;  // a stream's clock that is off by more was set
constexpr int64_t kJoined = 12 * 3600 * kNsOfSecond;  // and by this much means another recording

}  // namespace

MediaReading::MediaReading() : packet(av_packet_alloc()) {}
MediaReading::~MediaReading() { av_packet_free(&packet); }

Result<void> MediaReading::hole(Track& track, const char* reason, CaseTime until,
                                std::vector<Item>& out, uint64_t missing) {
  CASEBOX_CHECK(track.fragments->flush(out));
  losses += std::strcmp(reason, "lost-packets") == 0;
  v1::Gap gap;
  gap.set_origin(std::strcmp(reason, "lost-packets") == 0  ? v1::Gap::ORIGIN_TRANSPORT
                 : std::strcmp(reason, "clock-reset") == 0 ? v1::Gap::ORIGIN_SOURCE
                                                           : v1::Gap::ORIGIN_DECODE);
  gap.set_reason(reason);
  if (missing > 0) {
    gap.set_missing(missing);
  } else {
    gap.set_count_unknown(true);
  }
  gap.set_t_begin_ns(track.fragments->end().ns);
  gap.set_t_end_ns(std::max(track.fragments->end(), until).ns);
  Item item;
  item.stream = track.stream;
  item.t = CaseTime{gap.t_begin_ns()};
  item.arrival = CaseTime{gap.t_end_ns()};
  item.what = std::move(gap);
  out.push_back(std::move(item));
  return ok();
}

// The clock of a stream as it is sent is set when a recording joins another, or the sender's clock
// is. Back, or on by more than half a day: what follows begins behind what was there, since where
// it lies nothing tells. On by less: it stays where its time says. Either way a gap stands between.
Result<void> MediaReading::look_for_steps(Track& track, int64_t& decode, std::vector<Item>& out) {
  const int64_t told = decode;
  decode = saturating::add(told, track.moved_by_ns);
  const int64_t step = saturating::subtract(decode, track.next_ns);
  if (step >= -kStep && step <= kStep) return ok();
  ++sets;
  track.torn = 0;  // the gap below says it
  if (step < -kStep || step > kJoined) {
    // As the other tracks of this recording were moved, where that joins it to what was there.
    track.moved_by_ns = moved_by_ns;
    decode = saturating::add(told, track.moved_by_ns);
    if (std::abs(saturating::subtract(decode, track.next_ns)) > kStep || decode < track.next_ns) {
      track.moved_by_ns = moved_by_ns = saturating::subtract(track.next_ns, told);
      decode = track.next_ns;
    }
  }
  return hole(track, "clock-reset", file_clock.map(decode), out);
}

// The n-th packet of an AVI is shown at n: after a loss only the index knows which one it is.
void MediaReading::count_by_index(Track& track, SourcePacket& p, uint64_t& missed) {
  const auto place = index->next(static_cast<size_t>(packet->stream_index), packet->pos);
  if (!place) return;
  missed = track.found || place->missed == 0 ? place->missed : 0;
  track.found = true;
  track.missed += missed;
  if (!p.has_dts) return;
  if (track.missed == 0 && p.dts > 0 && place->number % p.dts == 0)
    track.unit = place->number / p.dts;
  if (track.missed == 0 || track.unit <= 0) return;
  const int64_t by = place->number / track.unit - p.dts;
  p.dts += by;
  p.pts += p.has_pts ? by : 0;
}

Result<void> MediaReading::take(Track& track, std::vector<Item>& out) {
  TimedPacket timed;
  SourcePacket& p = timed.packet;
  p.data.assign(reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size));
  p.has_pts = packet->pts != AV_NOPTS_VALUE;
  p.has_dts = packet->dts != AV_NOPTS_VALUE;
  p.pts = p.has_pts ? packet->pts : 0;
  p.dts = p.has_dts ? packet->dts : 0;
  p.duration = static_cast<uint64_t>(std::max<int64_t>(0, packet->duration));
  p.key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
  p.corrupt = (packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
  if (p.corrupt && track.fragile && !live) return ok();  // the gap at the file's end is told
  p.disposable = (packet->flags & AV_PKT_FLAG_DISPOSABLE) != 0;
  p.hidden = (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
  if (edits) {
    const auto dts = edits->shown(static_cast<size_t>(packet->stream_index), packet->pos);
    p.hidden = !dts;
    if (dts && p.has_dts) {
      p.pts += *dts - p.dts;
      p.dts = *dts;
    }
  }
  uint64_t missed = 0;
  if (index) count_by_index(track, p, missed);
  const bool broken = !live && !(p.corrupt && steps) && track.check.is_damaged(p.data);
  const auto ns = [&](int64_t ticks) { return av_rescale_q(ticks, track.time_base, kNanoseconds); };
  if (p.hidden) return hide(track, std::move(timed), out);
  int64_t decode = p.has_dts ? ns(p.dts) : p.has_pts ? ns(p.pts) : track.next_ns;
  if (!p.has_dts && p.has_pts && track.begun && decode - track.next_ns < kNsOfSecond)
    decode = std::min(decode, track.next_ns);  // others may be decoded behind it and shown before
  unshown += !p.has_pts;
  const int64_t present = (p.has_pts ? ns(p.pts) : decode) - decode;
  if (steps && !live && track.begun) CASEBOX_CHECK(look_for_steps(track, decode, out));
  const bool jumps =
      track.begun && decode - track.next_ns > ns(static_cast<int64_t>(p.duration)) / 2;
  track.begun = true;
  track.next_ns = decode + ns(static_cast<int64_t>(p.duration));
  if (live) {
    timed.arrival = CaseTime{(clock->mono() - case_zero).ns};
    if (!reader.early()) live_clock.observe(decode, timed.arrival);
  }
  timed.decode = map(decode);
  timed.present = map(saturating::add(decode, present));
  timed.duration = nanoseconds(ns(static_cast<int64_t>(p.duration)));
  if (!live) timed.arrival = timed.decode;
  track.shown_ns = std::max(track.shown_ns, track.next_ns);
  ++track.packets;
  // libavformat's parsers tell it a packet early or late; where time jumps is where it was.
  if (track.torn > 0 && (jumps || --track.torn == 0)) {
    track.torn = 0;
    CASEBOX_CHECK(hole(track, "lost-packets", timed.decode, out));
  }
  if (p.corrupt && steps) track.torn = kTornWithin;
  if (missed > 0) CASEBOX_CHECK(hole(track, "file-damaged", timed.decode, out, missed));
  if (broken) {
    // It is kept as it is, and the time that it was to show is a gap.
    ++track.broken;
    p.corrupt = true;
    CASEBOX_CHECK(hole(track, "file-damaged", timed.decode + timed.duration, out));
  }
  if (facts.damage && !track.hole_told && !facts.damage->ends_early && packet->pos >= 0 &&
      static_cast<uint64_t>(packet->pos) > facts.damage->offset) {
    track.hole_told = true;
    CASEBOX_CHECK(hole(track, "file-damaged", timed.decode, out));
  }
  const CaseTime arrival = timed.arrival;
  CASEBOX_CHECK(track.fragments->add(std::move(timed),
                                     live ? live_clock.u95_us() : file_clock.u95_us(), out));
  // The next packet may be long in coming, or never come.
  const bool slow = arrival - std::exchange(track.last_arrival, arrival) > kSlow;
  return live && slow ? track.fragments->flush(out) : ok();
}

void MediaReading::prime() {
  primed = true;
  const auto stamp = [&](const AVPacket& p) -> std::optional<int64_t> {
    const auto from = static_cast<size_t>(p.stream_index);
    const int64_t at = p.dts != AV_NOPTS_VALUE ? p.dts : p.pts;
    if (from >= track_of.size() || track_of[from] < 0 || at == AV_NOPTS_VALUE) return {};
    return av_rescale_q(at, tracks[static_cast<size_t>(track_of[from])].time_base, kNanoseconds);
  };
  const auto now = [&] { return CaseTime{(clock->mono() - case_zero).ns}; };
  if (const auto least = reader.prime(input.format, packet, stamp, now))
    live_clock.observe(least->first, least->second);
}

// What an edit list cuts away is kept where the cut is, and takes no time there.
Result<void> MediaReading::hide(Track& track, TimedPacket timed, std::vector<Item>& out) {
  if (!track.begun && edits) {
    const auto first = edits->first(static_cast<size_t>(packet->stream_index));
    track.shown_ns = av_rescale_q(first.value_or(0), track.time_base, kNanoseconds);
  }
  timed.decode = timed.present = timed.arrival = map(track.shown_ns);
  ++track.packets;
  ++track.hidden;
  return track.fragments->add(std::move(timed), file_clock.u95_us(), out);
}

// What the index names and the file does not hold is a gap of known count.
Result<void> MediaReading::finish_track(Track& track, const std::vector<v1::Stream>& streams,
                                        const std::string& trouble, CaseTime length,
                                        std::vector<Item>& out, std::vector<Skipped>& said) {
  const std::string file = base_name(input.url);
  const std::string& name = streams[track.stream].name();
  CASEBOX_CHECK(track.fragments->flush(out));
  if (track.torn > 0) CASEBOX_CHECK(hole(track, "lost-packets", track.fragments->end(), out));
  if (track.hidden > 0)
    said.push_back({file, 0,
                    std::to_string(track.hidden) + " packets of " + name +
                        " are cut away by the file's edit list: they are kept, and neither shown "
                        "nor exported",
                    false});
  if (track.broken > 0)
    said.push_back({file, 0,
                    std::to_string(track.broken) + " packets of " + name +
                        " hold bytes that their codec cannot have made: they are kept, and a gap "
                        "stands at each",
                    true});
  if (index && track.found) {
    const uint64_t left = index->left(track.input);
    if (left > 0) CASEBOX_CHECK(hole(track, "file-damaged", length, out, left));
    if (track.missed + left > 0)
      said.push_back({file, 0,
                      std::to_string(track.missed + left) + " packets of " + name +
                          " that its index names are not there: a gap stands at each place",
                      true});
    return ok();
  }
  if (facts.damage) {
    if (track.hole_told) return ok();
    return hole(track, facts.damage->ends_early ? "file-truncated" : "file-damaged", length, out);
  }
  const bool short_of = track.cut_short && track.indexed > track.packets;
  if (live || (!short_of && trouble.empty())) return ok();
  const uint64_t missing = short_of ? track.indexed - track.packets : 0;
  if (!std::exchange(told_, true))
    said.push_back({file, static_cast<uint64_t>(std::max<int64_t>(0, avio_tell(input.format->pb))),
                    short_of ? "the file ends early: " + std::to_string(missing) + " packets of " +
                                   name + " are missing"
                             : "cannot be read further: " + trouble,
                    true});
  return hole(track, short_of ? "file-truncated" : "file-damaged", length, out, missing);
}

Result<void> MediaReading::finish(const std::vector<v1::Stream>& streams,
                                  const std::string& trouble, CaseTime length,
                                  std::vector<Item>& out, std::vector<Skipped>& said) {
  finished = true;
  const std::string file = base_name(input.url);
  if (sets > 0)
    said.push_back({file, 0,
                    "its clock was set " + std::to_string(sets) +
                        " times: a gap stands at each, and where it was set back what follows "
                        "stands behind what was there",
                    false});
  for (Track& track : tracks)
    CASEBOX_CHECK(finish_track(track, streams, trouble, length, out, said));
  if (unshown > 0 && !live)
    said.push_back({file, 0,
                    std::to_string(unshown) +
                        " packets do not tell when they are shown: they stand where they are "
                        "decoded",
                    false});
  if (losses > 0)
    said.push_back({file, 0,
                    "packets were lost on the way at " + std::to_string(losses) +
                        " places: a gap stands at each",
                    true});
  return ok();
}

}  // namespace casebox::recorder::internal
