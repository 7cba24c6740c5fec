#include "recorder/session.h"

#include <sys/timex.h>

#include <algorithm>
#include <cstdlib>

#include "proto/keyring/roles.h"
#include "proto/producer/identity.h"

namespace casebox::recorder {
namespace {

constexpr int64_t kBeat = 1'000'000'000;
constexpr uint64_t kFramesABeat = 256;  // of an import
constexpr int64_t kMostBeats = 3600;    // for one jump in time: a file may skip years
constexpr Duration kFlushEvery = milliseconds(20);
constexpr int64_t kUtcStep = 500'000'000;

}  // namespace

uint64_t wall_clock_u95_ns() {
  timex state{};
  const int said = adjtimex(&state);
  const bool kept = said >= 0 && said != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  return kept ? static_cast<uint64_t>(std::max(0L, state.maxerror)) * 1000
              : uint64_t{86'400} * 1'000'000'000;
}

Result<std::unique_ptr<Session>> Session::open(SessionOptions options, keyring::ProducerKeys& keys,
                                               log::Writer& log, Clock& clock) {
  CASEBOX_TRY(auto key, keys.signing_key(keyring::name_of(options.role)));
  CASEBOX_TRY(const auto case_key, keys.take_case_key());
  std::unique_ptr<Session> session(new Session);
  producer::Options how;
  how.case_id = random_id<CaseId>();
  how.producer_id = producer::producer_id_of(key);
  how.role = options.role;
  how.case_public_key = case_key.public_key;
  how.case_key_reused = case_key.reused;
  v1::CaseFrame& details = how.details;
  details.set_procedure(options.config.procedure());
  details.set_room(options.config.room());
  details.set_room_slot(options.config.room_slot());
  const uint32_t partitions = std::max<uint32_t>(1, options.config.kafka().partitions());
  details.set_partition(options.config.room_slot() % partitions);
  details.set_start_utc_ns(static_cast<uint64_t>(std::max<int64_t>(0, options.start_utc.ns)));
  details.set_start_utc_u95_ns(options.start_utc_u95_ns);
  details.set_boot_id(options.boot_id.data(), options.boot_id.size());
  details.set_software(options.software);
  // The producer seals the settings but for numbers and codes. Where a source is, with the password
  // that a camera's URL may hold, and the folders of this machine stay on it.
  *details.mutable_config() = options.config;
  details.mutable_config()->clear_spool_dir();
  details.mutable_config()->clear_keystore_dir();
  for (v1::SourceConfig& source : *details.mutable_config()->mutable_sources()) source.clear_url();
  if (options.source_digest != Digest{})
    details.set_source_digest(Bytes(view(options.source_digest)));
  session->log_ = &log;
  session->clock_ = &clock;
  session->keys_left_ = case_key.left;
  session->key_reused_ = case_key.reused;
  session->last_utc_minus_mono_ = clock.utc().ns - clock.mono().ns;
  CASEBOX_TRY(session->producer_,
              producer::Producer::open(std::move(how), std::move(key), log, clock));
  session->began_ = log.end();
  session->sequencer_ = std::make_unique<Sequencer>(*session->producer_, options.limits);
  session->options_ = std::move(options);
  return session;
}

Session::~Session() = default;

Result<size_t> Session::add_source(const std::string& name,
                                   const std::vector<v1::Stream>& streams) {
  auto known = std::ranges::find(sources_, name, &Origin::name);
  if (known == sources_.end()) {
    Origin& origin = sources_.emplace_back();
    origin.name = name;
    known = std::prev(sources_.end());
  }
  Origin& origin = *known;
  origin.resets.clear();  // a device that was opened again counts from zero
  std::vector<size_t> lanes;
  const uint32_t base = next_clock_;
  for (v1::Stream stream : streams) {
    const uint32_t own = stream.clock_id();
    if (!origin.clock_ids.contains(own)) {
      origin.clock_ids[own] = base + (own == 0 ? 0 : own - 1);
      next_clock_ = std::max(next_clock_, origin.clock_ids[own] + 1);
    }
    stream.set_clock_id(origin.clock_ids[own]);
    std::optional<size_t> lane;
    for (size_t old : origin.lanes)
      if (sequencer_->stream(old).name() == stream.name()) lane = old;
    if (lane) {
      CASEBOX_CHECK(sequencer_->replace(*lane, std::move(stream)));
    } else {
      for (size_t other = 0; other < sequencer_->lanes(); ++other)
        if (sequencer_->stream(other).name() == stream.name())
          return Error{Code::kInvalidArgument,
                       "a stream of this name is there already, as stream " +
                           std::to_string(other + 1) + "; give the sources other names"};
      CASEBOX_TRY(lane, sequencer_->add(std::move(stream)));
    }
    lanes.push_back(*lane);
  }
  origin.ends.resize(lanes.size());
  origin.lanes = std::move(lanes);
  return static_cast<size_t>(known - sources_.begin());
}

bool Session::has_kind(v1::StreamKind kind) const {
  return std::ranges::any_of(producer_->streams(),
                             [&](const v1::Stream& s) { return s.kind() == kind; });
}

const v1::Stream& Session::stream(size_t source, size_t index) const {
  return sequencer_->stream(sources_[source].lanes[index]);
}

Result<void> Session::take(size_t source, Item item) {
  Origin& origin = sources_[source];
  origin.ends[item.stream] = std::max(origin.ends[item.stream], item.t + item.duration);
  if (!sequencer_->blocked()) return sequencer_->put(origin.lanes[item.stream], std::move(item));
  // A disk that takes nothing: events wait for it, all else becomes a gap.
  const auto kept = sequencer_->stream(origin.lanes[item.stream]).stream_class();
  if (kept == v1::STREAM_CLASS_A)
    return sequencer_->put(origin.lanes[item.stream], std::move(item));
  return sequencer_->drop(origin.lanes[item.stream], item, v1::Gap::ORIGIN_DISK, "no-space");
}

Result<void> Session::drop(size_t source, const Item& item, v1::Gap::Origin why,
                           const char* reason) {
  Origin& origin = sources_[source];
  origin.ends[item.stream] = std::max(origin.ends[item.stream], item.t + item.duration);
  return sequencer_->drop(origin.lanes[item.stream], item, why, reason);
}

Result<void> Session::interrupted(size_t source, v1::Gap::Origin why, const std::string& reason,
                                  CaseTime until) {
  Origin& origin = sources_[source];
  for (size_t i = 0; i < origin.lanes.size(); ++i) {
    if (sequencer_->stream(origin.lanes[i]).by_policy_absent()) continue;
    v1::Gap gap;
    gap.set_origin(why);
    gap.set_reason(reason);
    gap.set_count_unknown(true);
    gap.set_t_begin_ns(origin.ends[i].ns);
    gap.set_t_end_ns(std::max(origin.ends[i], until).ns);
    Item item;
    item.t = origin.ends[i];
    origin.ends[i] = std::max(origin.ends[i], until);
    item.what = std::move(gap);
    CASEBOX_CHECK(sequencer_->put(origin.lanes[i], std::move(item)));
  }
  return ok();
}

// A device that was set gets a new clock id: nothing measured before may be read on the new clock.
Result<void> Session::clocks(size_t source, const std::vector<ClockState>& states, CaseTime now) {
  Origin& origin = sources_[source];
  for (const ClockState& state : states) {
    const uint32_t before = std::exchange(origin.resets[state.clock_id], state.resets);
    if (state.resets <= before || !origin.clock_ids.contains(state.clock_id)) continue;
    const uint32_t old = origin.clock_ids[state.clock_id];
    const uint32_t fresh = next_clock_++;
    origin.clock_ids[state.clock_id] = fresh;
    v1::ClockRecord record;
    record.set_mono_ns(static_cast<uint64_t>(clock_->mono().ns));
    v1::SourceClock& clock = *record.add_sources();
    clock.set_clock_id(old);
    clock.set_reset(true);
    clock.set_broken(state.broken);
    clock.set_replaced_by(fresh);
    CASEBOX_CHECK(producer_->append_clock(record, now));
    for (size_t lane : origin.lanes) {
      v1::Stream stream = sequencer_->stream(lane);
      if (stream.clock_id() != old) continue;
      stream.set_clock_id(fresh);
      CASEBOX_CHECK(sequencer_->replace(lane, std::move(stream)));
    }
  }
  origin.clocks = states;
  return ok();
}

Result<void> Session::clock_record(CaseTime t) {
  v1::ClockRecord record;
  const MonoTime mono = clock_->mono();
  record.set_mono_ns(static_cast<uint64_t>(mono.ns));
  if (options_.wall_clock) {
    const UtcTime utc = clock_->utc();
    record.set_utc_ns(static_cast<uint64_t>(utc.ns));
    record.set_utc_u95_ns(wall_clock_u95_ns());
    const int64_t difference = utc.ns - mono.ns;
    record.set_utc_step(std::abs(difference - last_utc_minus_mono_) > kUtcStep);
    last_utc_minus_mono_ = difference;
  }
  for (Origin& origin : sources_) {
    for (const ClockState& state : origin.clocks) {
      const auto id = origin.clock_ids.find(state.clock_id);
      if (id == origin.clock_ids.end()) continue;
      v1::SourceClock& clock = *record.add_sources();
      clock.set_clock_id(id->second);
      clock.set_offset_ns(state.offset_ns);
      clock.set_rate_ppm(state.rate_ppm);
      clock.set_broken(state.broken);
      if (!state.broken) clock.set_u95_ns(state.u95_ns);
    }
  }
  return producer_->append_clock(record, t);
}

Result<void> Session::tick(CaseTime now) {
  if (now - flushed_ >= kFlushEvery || sequencer_->blocked()) {
    flushed_ = now;
    CASEBOX_CHECK(sequencer_->flush_due(now));
  }
  if (!options_.wall_clock) {
    // Nothing lives through an import: its beats vouch for frames, not for time that passes.
    if (frames() < next_beat_frames_) return log_->maybe_sync();
    next_beat_frames_ = frames() + kFramesABeat;
    CASEBOX_CHECK(clock_record(now));
    CASEBOX_CHECK(producer_->beat(now));
    return log_->maybe_sync();
  }
  if (now.ns - next_beat_ns_ > kMostBeats * kBeat) next_beat_ns_ = now.ns - kMostBeats * kBeat;
  while (next_beat_ns_ <= now.ns) {
    const CaseTime t{next_beat_ns_};
    CASEBOX_CHECK(clock_record(t));
    CASEBOX_CHECK(producer_->beat(t));
    next_beat_ns_ += kBeat;
  }
  if (sequencer_->take_urgent() && options_.wall_clock) return log_->sync();
  return log_->maybe_sync();
}

Result<void> Session::close(CaseTime end, v1::CloseFrame::Cause cause) {
  CASEBOX_CHECK(sequencer_->flush());
  CASEBOX_CHECK(clock_record(end));
  CASEBOX_CHECK(producer_->close(end, cause));
  return log_->sync();
}

uint64_t Session::bytes() const {
  const log::Offset end = log_->end();
  if (end.file == began_.file) return end.byte - began_.byte;
  return uint64_t{end.file - began_.file} * options_.log_file_size + end.byte - began_.byte;
}

std::vector<StreamCount> Session::counts() const {
  std::vector<StreamCount> out;
  for (size_t lane = 0; lane < sequencer_->lanes(); ++lane) {
    const v1::Stream& stream = sequencer_->stream(lane);
    const LaneCount count = sequencer_->count(lane);
    StreamCount row;
    for (const Origin& origin : sources_)
      if (std::ranges::find(origin.lanes, lane) != origin.lanes.end()) row.source = origin.name;
    row.name = stream.name();
    row.kind = stream.kind();
    row.sent = row.received = count.received;
    row.stored = count.stored;
    row.missing = count.missing;
    row.gap_frames = count.gap_frames;
    row.unknown_gaps = count.unknown_gaps;
    row.in_ring = count.in_ring;
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace casebox::recorder
