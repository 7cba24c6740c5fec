#include "recorder/internal/case_recording.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <thread>

#include "proto/base/boot.h"
#include "proto/keyring/roles.h"
#include "proto/producer/recovery.h"

namespace casebox::recorder::internal {
namespace {

constexpr Duration kRetryEvery = milliseconds(200);
constexpr Duration kClosePatience = seconds(10);

v1::Stream own_stream(const char* name, v1::StreamKind kind) {
  v1::Stream stream;
  stream.set_name(name);
  stream.set_kind(kind);
  stream.set_stream_class(v1::STREAM_CLASS_A);
  stream.set_device("recorder");
  stream.mutable_tick_rate_hz()->set_den(1);
  return stream;
}

}  // namespace

Result<std::unique_ptr<CaseRecording>> CaseRecording::open(SessionOptions options, bool live,
                                                           keyring::ProducerKeys& keys,
                                                           log::Writer& log, DiskLadder& ladder,
                                                           Clock& clock) {
  std::unique_ptr<CaseRecording> made(new CaseRecording(ladder, clock));
  made->config_ = options.config;
  made->live_ = live;
  CASEBOX_TRY(made->session_, Session::open(std::move(options), keys, log, clock));
  for (const v1::SourceConfig& source : made->config_.sources()) made->session_->expect(source);
  made->taken_.resize(static_cast<size_t>(made->config_.sources_size()), false);
  return made;
}

const std::string& CaseRecording::name(size_t source) const {
  return config_.sources(static_cast<int>(source)).name();
}

Result<void> CaseRecording::write_consent() {
  if (config_.consent().empty() ||
      std::ranges::any_of(config_.sources(), [](const auto& s) { return s.type() == "simulator"; }))
    return ok();
  return session_->consent({config_.consent().begin(), config_.consent().end()},
                           v1::CONSENT_GIVER_PATIENT, {});
}

void CaseRecording::say(const std::string& code, const std::string& text, CaseTime t) {
  if (!own_lane_) {
    auto lane = session_->add_stream(own_stream("recorder.events", v1::STREAM_KIND_DEVICE));
    if (!lane) return after(std::move(lane).error());
    own_lane_ = *lane;
  }
  Item item;
  item.t = item.arrival = t;
  item.captured = clock_.mono();
  v1::Event event;
  event.mutable_device()->set_code(code);
  event.mutable_device()->set_text(text);
  item.what = std::move(event);
  after(session_->put(*own_lane_, std::move(item)));
}

void CaseRecording::after(const Result<void>& done) {
  if (done) return;
  disk_full_ = true;
  ladder_.give_up_reserve();
}

bool CaseRecording::in_pause(const Item& item) const {
  const CaseTime end = std::max(item.t + item.duration, item.t + nanoseconds(1));
  return std::ranges::any_of(pauses_, [&](const Paused& pause) {
    return end > pause.from && (!pause.until || item.t < *pause.until);
  });
}

/// One gap of a stream for all of a pause, told once the stream goes on.
void CaseRecording::take_paused(size_t source, const Item& item) {
  auto [at, fresh] = paused_.try_emplace({source, item.stream});
  v1::Gap& gap = at->second;
  if (fresh) {
    gap.set_origin(v1::Gap::ORIGIN_OPERATOR);
    gap.set_reason("paused");
    gap.set_t_begin_ns(item.t.ns);
  }
  gap.set_missing(gap.missing() + item.count);
  gap.set_t_end_ns(std::max(gap.t_end_ns(), (item.t + item.duration).ns));
}

void CaseRecording::tell_paused(size_t source, std::optional<size_t> stream) {
  for (auto it = paused_.begin(); it != paused_.end();) {
    if (it->first.first != source || (stream && it->first.second != *stream)) {
      ++it;
      continue;
    }
    Item item;
    item.stream = it->first.second;
    item.t = RoomTime{it->second.t_begin_ns()};
    item.arrival = RoomTime{it->second.t_end_ns()};
    item.captured = clock_.mono();
    item.what = std::move(it->second);
    it = paused_.erase(it);
    after(session_->take(source, std::move(item)));
  }
}

void CaseRecording::take(size_t source, Item item) {
  const v1::Stream& stream = session_->stream(source, item.stream);
  const std::pair<size_t, size_t> key{source, item.stream};
  const auto* fragment = std::get_if<Fragment>(&item.what);
  if (!pauses_.empty() && !item.is_gap()) {
    // Pictures that hang on one of a pause are lost to the pause.
    const bool hangs = fragment != nullptr && !fragment->sync && paused_.contains(key);
    if (hangs || in_pause(session_->placed(item))) return take_paused(source, item);
    tell_paused(source, item.stream);
  }
  const DiskLevel level = ladder_.level();
  const bool low = (stream.stream_class() == v1::STREAM_CLASS_C && level >= DiskLevel::kNoVideo) ||
                   (stream.stream_class() == v1::STREAM_CLASS_B && level >= DiskLevel::kNoWaves);
  const bool full = session_->blocked() && stream.stream_class() != v1::STREAM_CLASS_A;
  const bool headless = fragment != nullptr && need_key_.contains(key) && !fragment->sync;
  if ((low || full || headless) && !item.is_gap()) {
    if (fragment != nullptr) need_key_.insert(key);
    after(session_->drop(source, item, v1::Gap::ORIGIN_DISK, full ? "no-space" : "low-space"));
    return;
  }
  if (fragment != nullptr) need_key_.erase(key);
  after(session_->take(source, std::move(item)));
}

void CaseRecording::handle(Message message, CaseTime now) {
  const size_t source = message.source;
  switch (message.kind) {
    case Message::Kind::kOpened: {
      tell_paused(source);
      const auto added = session_->add_source(name(source), message.streams, message.live, now);
      taken_[source] = added.has_value();
      if (added) break;
      refused_.push_back({name(source), "failed", added.error().message});
      after(session_->away(source, v1::Gap::ORIGIN_SOURCE, "source-refused"));
      break;
    }
    case Message::Kind::kItem:
      if (taken_[source]) take(source, std::move(message.item));
      break;
    case Message::Kind::kClocks:
      if (taken_[source]) after(session_->clocks(source, message.clocks, now));
      break;
    case Message::Kind::kAway:
      tell_paused(source);
      after(session_->away(source, v1::Gap::ORIGIN_SOURCE, message.reason));
      break;
    case Message::Kind::kEnded:
      if (message.live) session_->ended(source);
      break;
  }
}

Result<void> CaseRecording::pause(const v1::Pause& pause, CaseTime t) {
  CASEBOX_CHECK(session_->pause(pause, t));
  pauses_.push_back({t, std::nullopt});
  return ok();
}

Result<void> CaseRecording::resume(const v1::Pause& pause, CaseTime t) {
  if (!pauses_.empty()) pauses_.back().until = t;
  return session_->pause(pause, t);
}

void CaseRecording::tick(CaseTime now) {
  const MonoTime mono = clock_.mono();
  if (session_->blocked() && mono < next_retry_) return;
  next_retry_ = mono + kRetryEvery;
  const auto done = session_->tick(now);
  if (done) disk_full_ = false;
  after(done);
}

void CaseRecording::watch() {
  // A device that neither answers nor refuses is absent, and signed as such before any crash.
  for (int i = 0; i < config_.sources_size() && live_; ++i)
    if (is_device(config_.sources(i)) && !session_->has_streams(static_cast<size_t>(i)))
      after(session_->away(static_cast<size_t>(i), v1::Gap::ORIGIN_SOURCE, "source-absent", false));
  balanced_ = balanced_ && session_->balances();
}

Result<void> CaseRecording::close(CaseTime end, v1::CloseFrame::Cause cause, bool goes_on) {
  for (size_t source = 0; source < taken_.size(); ++source) tell_paused(source);
  const MonoTime give_up = clock_.mono() + kClosePatience;
  while (true) {
    auto done = session_->close(end, cause, goes_on);
    if (done) return ok();
    ladder_.give_up_reserve();
    if (clock_.mono() >= give_up || done.error().code == Code::kInvalidArgument)
      return annotate(std::move(done).error(),
                      "the case could not be closed, `casebox recover` will finish it");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

Summary CaseRecording::summary(CaseTime end) const {
  Summary out;
  out.case_id = session_->case_id();
  out.epoch = session_->epoch();
  out.end = end;
  out.frames = session_->frames();
  out.bytes = session_->bytes();
  out.keys_left = session_->keys_left();
  out.key_reused = session_->key_reused();
  out.streams = session_->counts();
  out.losses = session_->losses();
  out.accounts_balance = balanced_ && session_->balances();
  return out;
}

SessionOptions session_options(const v1::RecorderConfig& config, const std::string& software,
                               const log::WriterOptions& log, Clock& clock) {
  SessionOptions out;
  out.config = config;
  out.software = software;
  out.start_utc = clock.utc();
  out.start_utc_u95_ns = wall_clock_u95_ns();
  out.boot_id = machine_boot_id();
  out.log_file_size = log.file_size;
  if (config.frame_max_ms() > 0) out.limits.age = milliseconds(config.frame_max_ms());
  return out;
}

Result<std::optional<producer::LastCase>> recover_spool(
    const std::filesystem::path& dir, keyring::ProducerKeys& keys, Clock& clock,
    const std::function<void(const producer::EpochRecovery&)>& told) {
  std::error_code failed;
  std::filesystem::create_directories(dir, failed);
  if (failed)
    return Error{Code::kIo,
                 dir.string() + ": " + failed.message() + "; name a folder that can be made"};
  CASEBOX_TRY(auto key, keys.signing_key(keyring::name_of(v1::PRODUCER_ROLE_RECORDER)));
  if (!log::is_log(dir)) return std::optional<producer::LastCase>{};
  CASEBOX_TRY(auto recovery, producer::recover(dir, key, clock, machine_boot_id()));
  if (told && recovery.finished_epoch) told(recovery);
  return std::move(recovery.last);
}

}  // namespace casebox::recorder::internal
