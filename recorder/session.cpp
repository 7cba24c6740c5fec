#include "recorder/session.h"

#include <sys/timex.h>

#include <algorithm>
#include <cstdlib>

#include "proto/keyring/roles.h"
#include "proto/producer/identity.h"
#include "recorder/expected.h"

namespace casebox::recorder {
namespace {

constexpr int64_t kBeat = 1'000'000'000;
constexpr uint64_t kFramesABeat = 256;     // of an import
constexpr int64_t kMostBeats = 3600;       // for one jump in time: a file may skip years
constexpr Duration kSilence = seconds(1);  // of a live stream that should not pause
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
  std::unique_ptr<Session> session(new Session);
  producer::Options how;
  keyring::CaseKey case_key;
  if (options.going_on) {
    const v1::CaseFrame& open = options.going_on->open;
    const auto id = id_from_bytes<CaseId>(open.case_id());
    if (!id || open.case_public_key().size() != case_key.public_key.size())
      return Error{Code::kCorrupt, "the case frame of the case that was cut off does not hold"};
    how.case_id = *id;
    std::ranges::copy(open.case_public_key(), case_key.public_key.begin());
    case_key.reused = open.case_key_reused();
    case_key.left = keyring::kFewCaseKeys;
    how.opened_at = options.going_on->now;
    options.start_utc = UtcTime{static_cast<int64_t>(open.start_utc_ns())};
    options.start_utc_u95_ns = open.start_utc_u95_ns();
    options.config.set_procedure(open.procedure());
  } else {
    CASEBOX_TRY(case_key, keys.take_case_key());
    how.case_id = random_id<CaseId>();
  }
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
  if (options.going_on) {
    Bytes before(8, '\0');
    store_le(before.data(), options.going_on->epoch.value);
    details.set_previous_epoch(before);
    details.set_partition(options.going_on->open.partition());
  }
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
  if (options.going_on) {
    const CaseTime now = options.going_on->now;
    session->flushed_ = session->latest_ = session->latest_end_ = now;
    session->next_beat_ns_ = now.ns;
  }
  session->options_ = std::move(options);
  return session;
}

Session::~Session() = default;

Session::Origin& Session::origin_of(const std::string& name) {
  const auto known = std::ranges::find(sources_, name, &Origin::name);
  if (known != sources_.end()) return *known;
  Origin& origin = sources_.emplace_back();
  origin.name = name;
  return origin;
}

size_t Session::expect(const v1::SourceConfig& source) {
  Origin& origin = origin_of(source.name());
  origin.config = source;
  return static_cast<size_t>(&origin - sources_.data());
}

Result<size_t> Session::add_source(const std::string& name, const std::vector<v1::Stream>& streams,
                                   bool live, CaseTime now) {
  Origin& origin = origin_of(name);
  const auto own_lane = [&](const v1::Stream& stream) {
    return std::ranges::find_if(origin.lanes, [&](size_t lane) {
      return sequencer_->stream(lane).name() == stream.name();
    });
  };
  for (const v1::Stream& stream : streams) {
    if (own_lane(stream) != origin.lanes.end()) continue;
    for (size_t other = 0; other < sequencer_->lanes(); ++other)
      if (sequencer_->stream(other).name() == stream.name())
        return Error{Code::kInvalidArgument, "a stream of this name is there already, as stream " +
                                                 std::to_string(other + 1) +
                                                 "; give the sources other names"};
  }
  origin.live = live;
  origin.ended = false;
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
    const auto known = own_lane(stream);
    if (known != origin.lanes.end()) {
      lanes.push_back(*known);
      CASEBOX_CHECK(sequencer_->replace(*known, std::move(stream)));
    } else {
      CASEBOX_TRY(const size_t lane, sequencer_->add(with_id(std::move(stream))));
      lanes.push_back(lane);
      // Nothing of it was recorded while the recorder was away.
      if (options_.going_on && !sequencer_->stream(lane).by_policy_absent())
        delivery(lane).away = Outage{v1::Gap::ORIGIN_UNKNOWN, options_.going_on->reason};
    }
    Delivery& at = delivery(lanes.back());
    if (at.away && !is_continuous(sequencer_->stream(lanes.back()).kind()))
      CASEBOX_CHECK(gap(lanes.back(), *std::exchange(at.away, std::nullopt), now));
  }
  // What it does not bring any more stays its own: it is missing to the end.
  for (size_t lane : origin.lanes)
    if (std::ranges::find(lanes, lane) == lanes.end()) lanes.push_back(lane);
  origin.lanes = std::move(lanes);
  return static_cast<size_t>(&origin - sources_.data());
}

bool Session::has_kind(v1::StreamKind kind) const {
  return std::ranges::any_of(producer_->streams(),
                             [&](const v1::Stream& s) { return s.kind() == kind; });
}

const v1::Stream& Session::stream(size_t source, size_t index) const {
  return sequencer_->stream(sources_[source].lanes[index]);
}

Session::Delivery& Session::delivery(size_t lane) {
  Delivery fresh;
  if (options_.going_on) fresh.end = options_.going_on->cut;
  if (deliveries_.size() <= lane) deliveries_.resize(lane + 1, fresh);
  return deliveries_[lane];
}

/// A stream of a case that goes on keeps its id; another gets one that none had.
v1::Stream Session::with_id(v1::Stream stream) const {
  if (!options_.going_on) return stream;
  uint32_t highest = 0;
  for (const auto* streams : {&options_.going_on->streams, &producer_->streams()})
    for (const v1::Stream& other : *streams) highest = std::max(highest, other.stream_id());
  for (const v1::Stream& before : options_.going_on->streams)
    if (before.name() == stream.name() && before.kind() == stream.kind())
      stream.set_stream_id(before.stream_id());
  if (stream.stream_id() == 0) stream.set_stream_id(highest + 1);
  return stream;
}

Result<size_t> Session::add_stream(v1::Stream stream) {
  return sequencer_->add(with_id(std::move(stream)));
}

void Session::to_case_time(Item& item) const {
  item.t = case_time(item.t);
  item.arrival = case_time(item.arrival);
  if (auto* gap = std::get_if<v1::Gap>(&item.what)) {
    gap->set_t_begin_ns(case_time(RoomTime{gap->t_begin_ns()}).ns);
    gap->set_t_end_ns(case_time(RoomTime{gap->t_end_ns()}).ns);
  }
}

Item Session::placed(const Item& item) const {
  Item place;
  place.t = case_time(item.t);
  place.duration = item.duration;
  return place;
}

Result<void> Session::pause(const v1::Pause& pause, CaseTime t) {
  CASEBOX_CHECK(sequencer_->flush());
  return producer_->append_pause(pause, t);
}

Result<void> Session::gap(size_t lane, const Outage& why, CaseTime until) {
  Delivery& at = delivery(lane);
  v1::Gap gap;
  gap.set_origin(why.origin);
  gap.set_reason(why.reason);
  gap.set_count_unknown(true);
  gap.set_t_begin_ns(at.end.ns);
  gap.set_t_end_ns(std::max(at.end, until).ns);
  Item item;
  item.t = at.end;
  at.end = std::max(at.end, until);
  at.items = 0;
  at.told = true;
  item.what = std::move(gap);
  return sequencer_->put(lane, std::move(item));
}

// A device that is late by more than this has stopped: four of its usual steps, a second at least.
Duration Session::patience(const Delivery& at) {
  const Duration usual = nanoseconds(saturating::multiply(at.spacing.ns, 4));
  return std::max(at.items < 3 ? kSilence + kSilence : kSilence, usual);
}

// Whatever lies between the last item of a stream and its next one.
Result<void> Session::before(const Origin& origin, size_t lane, const Item& item) {
  Delivery& at = delivery(lane);
  if (at.away) {
    const Outage why = *std::exchange(at.away, std::nullopt);
    if (why.seen || item.t - at.end > patience(at)) return gap(lane, why, item.t);
  }
  const v1::Stream& stream = sequencer_->stream(lane);
  if (!origin.live || item.is_gap() || !is_continuous(stream.kind())) return ok();
  if (item.t - at.end <= patience(at)) return ok();
  return gap(lane, {v1::Gap::ORIGIN_SOURCE, at.heard ? "silent" : "source-absent"}, item.t);
}

void Session::after(size_t lane, const Item& item) {
  Delivery& at = delivery(lane);
  const auto* gap = std::get_if<v1::Gap>(&item.what);
  at.end = std::max(at.end, gap != nullptr ? CaseTime{gap->t_end_ns()} : item.t + item.duration);
  if (gap != nullptr) {
    at.items = 0;
    at.told = true;
    return;
  }
  if (at.items > 0) {
    const int64_t step = (item.t - at.last).ns;
    at.spacing.ns = at.items == 1 ? step : at.spacing.ns + (step - at.spacing.ns) / 8;
  }
  at.last = item.t;
  at.heard = true;
  ++at.items;
  latest_ = std::max(latest_, item.t);
  latest_end_ = std::max(latest_end_, at.end);
}

Result<void> Session::take(size_t source, Item item) {
  const Origin& origin = sources_[source];
  const size_t lane = origin.lanes[item.stream];
  to_case_time(item);
  const auto told = before(origin, lane, item);
  after(lane, item);
  // A disk that takes nothing: events wait for it, all else becomes a gap.
  const auto kept = sequencer_->stream(lane).stream_class();
  const bool lost = sequencer_->blocked() && kept != v1::STREAM_CLASS_A;
  CASEBOX_CHECK(lost ? sequencer_->drop(lane, item, v1::Gap::ORIGIN_DISK, "no-space")
                     : sequencer_->put(lane, std::move(item)));
  return told;
}

Result<void> Session::drop(size_t source, Item item, v1::Gap::Origin why, const char* reason) {
  const Origin& origin = sources_[source];
  const size_t lane = origin.lanes[item.stream];
  to_case_time(item);
  const auto told = before(origin, lane, item);
  after(lane, item);
  CASEBOX_CHECK(sequencer_->drop(lane, item, why, reason));
  return told;
}

std::string Session::free_name(const std::string& wanted) const {
  std::string name = wanted;
  const auto taken = [&] {
    for (size_t lane = 0; lane < sequencer_->lanes(); ++lane)
      if (sequencer_->stream(lane).name() == name) return true;
    return false;
  };
  for (int n = 2; taken(); ++n) name = wanted + std::to_string(n);
  return name;
}

Result<void> Session::away(size_t source, v1::Gap::Origin why, const std::string& reason,
                           bool seen) {
  Origin& origin = sources_[source];
  if (origin.lanes.empty()) {
    v1::SourceConfig config = origin.config;
    config.set_name(origin.name);
    v1::Stream stream = expected_stream(config);
    stream.set_name(free_name(stream.name()));
    origin.clock_ids[stream.clock_id()] = next_clock_;
    stream.set_clock_id(next_clock_++);
    CASEBOX_TRY(const size_t lane, sequencer_->add(with_id(std::move(stream))));
    origin.lanes.push_back(lane);
  }
  for (size_t lane : origin.lanes) {
    Delivery& at = delivery(lane);
    if (sequencer_->stream(lane).by_policy_absent()) continue;
    if (!at.away || (seen && !at.away->seen)) at.away = Outage{why, reason, seen};
  }
  return ok();
}

void Session::begin_clocks(size_t source, const std::vector<ClockState>& states) {
  Origin& origin = sources_[source];
  for (const ClockState& state : states) origin.resets[state.clock_id] = state.resets;
  origin.clocks = states;
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
    record.set_mono_ns(static_cast<uint64_t>(mono_at(now).ns));
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

MonoTime Session::mono_at(CaseTime t) const {
  return options_.mono_zero ? *options_.mono_zero + (t - CaseTime{}) : clock_->mono();
}

Result<void> Session::clock_record(CaseTime t) {
  v1::ClockRecord record;
  const MonoTime now = clock_->mono();
  const MonoTime mono = options_.mono_zero ? mono_at(t) : now;
  record.set_mono_ns(static_cast<uint64_t>(mono.ns));
  if (options_.wall_clock) {
    const UtcTime utc = clock_->utc() - (now - mono);
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
      clock.set_offset_ns(state.offset_ns - options_.zero.ns);
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

// It opened, and there was nothing in it.
bool Session::brought_nothing(const Origin& origin) const {
  return std::ranges::all_of(origin.lanes, [&](size_t lane) {
    return lane >= deliveries_.size() || (!deliveries_[lane].heard && !deliveries_[lane].told);
  });
}

Result<void> Session::close(CaseTime end, v1::CloseFrame::Cause cause, bool goes_on) {
  for (size_t source = 0; source < sources_.size(); ++source) {
    const Origin& origin = sources_[source];
    if (brought_nothing(origin))
      CASEBOX_CHECK(away(source, v1::Gap::ORIGIN_SOURCE, "source-absent"));
    for (size_t lane : origin.lanes) {
      Delivery& at = delivery(lane);
      const v1::Stream& stream = sequencer_->stream(lane);
      std::optional<Outage> why = std::exchange(at.away, std::nullopt);
      if (!why && origin.live && is_continuous(stream.kind()) && !stream.by_policy_absent() &&
          end - at.end > patience(at))
        why = Outage{v1::Gap::ORIGIN_SOURCE, origin.ended ? "source-ended"
                                             : at.heard   ? "silent"
                                                          : "source-absent"};
      if (why) CASEBOX_CHECK(gap(lane, *why, end));
    }
  }
  CASEBOX_CHECK(sequencer_->flush());
  CASEBOX_CHECK(clock_record(end));
  CASEBOX_CHECK(goes_on ? producer_->beat(end) : producer_->close(end, cause));
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

std::vector<Loss> Session::losses() const {
  std::vector<Loss> out;
  for (size_t lane = 0; lane < sequencer_->lanes(); ++lane) {
    std::string source;
    bool simulated = false;
    for (const Origin& origin : sources_) {
      if (std::ranges::find(origin.lanes, lane) == origin.lanes.end()) continue;
      source = origin.name;
      simulated = origin.config.type() == "simulator";
    }
    for (Loss loss : sequencer_->losses(lane)) {
      if (simulated && (loss.reason == "lost-packets" || loss.reason == "disconnected")) continue;
      loss.source = source;
      loss.stream = sequencer_->stream(lane).name();
      out.push_back(std::move(loss));
    }
  }
  return out;
}

}  // namespace casebox::recorder
