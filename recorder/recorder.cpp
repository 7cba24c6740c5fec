#include "recorder/recorder.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <set>
#include <thread>

#include "proto/base/boot.h"
#include "proto/keyring/roles.h"
#include "proto/log/alive.h"
#include "proto/producer/recovery.h"
#include "recorder/disk_ladder.h"
#include "recorder/inbox.h"
#include "recorder/internal/heartbeat.h"
#include "recorder/internal/source_thread.h"
#include "recorder/session.h"

namespace casebox::recorder {
namespace {

constexpr Duration kPatience = milliseconds(20);
constexpr Duration kProgressEvery = milliseconds(200);
constexpr Duration kRetryEvery = milliseconds(200);
constexpr Duration kClosePatience = seconds(10);
constexpr Duration kStopPatience = seconds(5);  // without a word of a source
constexpr Duration kWatchEvery = seconds(1);
constexpr uint32_t kQueueItems = 4096;

bool is_fast(const v1::SourceConfig& source) {
  if (source.type() == "simulator")
    return source.as_fast_as_possible() || source.simulator().speed() == 0;
  return source.as_fast_as_possible();
}

/// Everything of one recording; the writer's thread owns it.
class Recording {
 public:
  Recording(const Options& options, keyring::ProducerKeys& keys, Clock& clock)
      : options_(options), keys_(keys), clock_(clock), ladder_(options.log_dir) {}

  Result<void> begin();
  Result<Summary> run();
  /// A source thread does not come back.
  bool hangs() const {
    for (size_t i = 0; i < threads_.size(); ++i)
      if (!inbox_->ended(i)) return true;
    return false;
  }

 private:
  Result<void> write_consent();
  void handle(Message message);
  void take(size_t source, Item item);
  void after(const Result<void>& done);
  void tick();
  void watch();
  void report();
  bool should_stop();
  void stop_sources();
  Result<void> close();
  Result<Summary> summary();
  CaseTime real_now() const {
    return CaseTime{
        static_cast<int64_t>(static_cast<double>((clock_.mono() - pace_.zero).ns) * pace_.speed)};
  }

  const Options& options_;
  keyring::ProducerKeys& keys_;
  Clock& clock_;
  DiskLadder ladder_;
  internal::Pace pace_;
  bool fast_ = false;
  std::unique_ptr<log::Writer> log_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<internal::Heartbeat> heartbeat_;
  std::unique_ptr<Inbox> inbox_;
  std::vector<std::unique_ptr<internal::SourceThread>> threads_;
  std::vector<bool> taken_;                       // by source: its streams fit, its items are taken
  std::vector<SourceState> refused_;              // sources whose streams did not fit
  std::set<std::pair<size_t, size_t>> need_key_;  // video after a loss
  std::map<std::pair<size_t, size_t>, uint64_t> behind_;  // items that began behind the end
  CaseTime now_;
  std::optional<CaseTime> end_;  // when it was asked to stop, before the sources had ended
  MonoTime give_up_;             // then, after it, sources that have not ended are left alone
  bool disk_full_ = false;
  bool balanced_ = true;
  MonoTime next_report_, next_retry_, next_watch_;
};

Result<void> Recording::begin() {
  const v1::RecorderConfig& config = options_.config;
  if (config.sources().empty())
    return Error{Code::kInvalidArgument, "no sources to record; name at least one"};
  fast_ = std::ranges::all_of(config.sources(), is_fast);
  for (const v1::SourceConfig& source : config.sources())
    if (source.simulator().speed() > 0 && !fast_) pace_.speed = source.simulator().speed();
  std::error_code failed;
  std::filesystem::create_directories(options_.log_dir, failed);
  if (failed)
    return Error{Code::kIo, options_.log_dir.string() + ": " + failed.message() +
                                "; name a folder that can be made"};
  CASEBOX_TRY(auto key, keys_.signing_key(keyring::name_of(v1::PRODUCER_ROLE_RECORDER)));
  if (log::is_log(options_.log_dir)) {
    CASEBOX_TRY(const auto recovery,
                producer::recover(options_.log_dir, key, clock_, machine_boot_id()));
    if (options_.on_recovery && recovery.finished_epoch) options_.on_recovery(recovery);
  }
  log::WriterOptions how;
  how.file_size = ladder_.log_file_size();
  if (config.sync_max_ms() > 0) how.sync_interval = milliseconds(config.sync_max_ms());
  CASEBOX_TRY(log_, log::Writer::open(options_.log_dir, clock_, how));

  pace_.zero = clock_.mono();
  SessionOptions session;
  session.config = config;
  session.software = options_.software;
  session.start_utc = clock_.utc();
  session.start_utc_u95_ns = wall_clock_u95_ns();
  session.boot_id = machine_boot_id();
  session.log_file_size = how.file_size;
  if (config.frame_max_ms() > 0) session.limits.age = milliseconds(config.frame_max_ms());
  CASEBOX_TRY(session_, Session::open(std::move(session), keys_, *log_, clock_));

  const auto count = static_cast<size_t>(config.sources_size());
  inbox_ =
      std::make_unique<Inbox>(count, config.queue_items() > 0 ? config.queue_items() : kQueueItems);
  taken_.resize(count, false);
  for (size_t i = 0; i < count; ++i) {
    Context context;
    context.config = config.sources(static_cast<int>(i));
    session_->expect(context.config);
    context.procedure = config.procedure();
    context.clock = &clock_;
    context.case_zero = pace_.zero;
    if (config.frame_max_ms() > 0) context.fragment = milliseconds(config.frame_max_ms());
    internal::Pace pace = pace_;
    if (is_fast(context.config)) pace.speed = 0;
    inbox_->set_state(i, {context.config.name(), "opening", ""});
    threads_.push_back(std::make_unique<internal::SourceThread>(i, std::move(context), pace, fast_,
                                                                *inbox_, clock_));
  }
  CASEBOX_CHECK(write_consent());
  if (!fast_)
    heartbeat_ = std::make_unique<internal::Heartbeat>(options_.log_dir, session_->epoch(), pace_,
                                                       machine_boot_id(), clock_);
  next_watch_ = pace_.zero + kWatchEvery;
  for (auto& thread : threads_) thread->start();
  return ok();
}

// A simulated room brings the team's consent itself.
Result<void> Recording::write_consent() {
  const v1::RecorderConfig& config = options_.config;
  if (config.consent().empty() ||
      std::ranges::any_of(config.sources(), [](const auto& s) { return s.type() == "simulator"; }))
    return ok();
  v1::Event event;
  for (std::string scope : config.consent()) {
    for (char& c : scope) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    v1::ConsentScope value = v1::CONSENT_SCOPE_UNSPECIFIED;
    if (!v1::ConsentScope_Parse("CONSENT_SCOPE_" + scope, &value))
      return Error{Code::kInvalidArgument,
                   "consent: '" + scope + "' is no scope; see `casebox consent --help`"};
    event.mutable_consent()->add_granted(value);
  }
  v1::Stream stream;
  stream.set_name("team.consent");
  stream.set_kind(v1::STREAM_KIND_CONSENT);
  stream.set_stream_class(v1::STREAM_CLASS_A);
  stream.set_device("recorder");
  stream.mutable_tick_rate_hz()->set_den(1);
  CASEBOX_TRY(const size_t lane, session_->add_stream(std::move(stream)));
  Item item;
  item.captured = clock_.mono();
  item.what = std::move(event);
  return session_->put(lane, std::move(item));
}

void Recording::after(const Result<void>& done) {
  if (done) return;
  disk_full_ = true;
  ladder_.give_up_reserve();
}

void Recording::take(size_t source, Item item) {
  const v1::Stream& stream = session_->stream(source, item.stream);
  const std::pair<size_t, size_t> key{source, item.stream};
  const auto* fragment = std::get_if<Fragment>(&item.what);
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

void Recording::handle(Message message) {
  const size_t source = message.source;
  const std::string& name = options_.config.sources(static_cast<int>(source)).name();
  switch (message.kind) {
    case Message::Kind::kOpened: {
      const auto added = session_->add_source(name, message.streams, message.live, now_);
      taken_[source] = added.has_value();
      if (added) break;
      refused_.push_back({name, "failed", added.error().message});
      after(session_->away(source, v1::Gap::ORIGIN_SOURCE, "source-refused"));
      break;
    }
    case Message::Kind::kItem:
      if (taken_[source]) take(source, std::move(message.item));
      break;
    case Message::Kind::kClocks:
      if (taken_[source]) after(session_->clocks(source, message.clocks, now_));
      break;
    case Message::Kind::kAway:
      after(session_->away(source, v1::Gap::ORIGIN_SOURCE, message.reason));
      break;
    case Message::Kind::kEnded:
      if (message.live) session_->ended(source);
      break;
  }
}

void Recording::tick() {
  const MonoTime mono = clock_.mono();
  if (session_->blocked() && mono < next_retry_) return;
  next_retry_ = mono + kRetryEvery;
  const auto done = session_->tick(now_);
  if (done) disk_full_ = false;
  after(done);
}

void Recording::watch() {
  const MonoTime mono = clock_.mono();
  if (mono < next_watch_) return;
  next_watch_ = mono + kWatchEvery;
  ladder_.look();
  // A device that neither answers nor refuses is absent, and signed as such before any crash.
  const auto& sources = options_.config.sources();
  for (int i = 0; i < sources.size() && !fast_; ++i)
    if (is_device(sources[i]) && !session_->has_streams(static_cast<size_t>(i)))
      after(session_->away(static_cast<size_t>(i), v1::Gap::ORIGIN_SOURCE, "source-absent", false));
  balanced_ = balanced_ && session_->balances();
}

void Recording::report() {
  const MonoTime mono = clock_.mono();
  if (!options_.on_progress || mono < next_report_) return;
  next_report_ = mono + kProgressEvery;
  Progress progress;
  progress.now = now_;
  for (const auto& thread : threads_)
    progress.total_s = std::max(progress.total_s, thread->length().seconds());
  progress.items = session_->items();
  progress.frames = session_->frames();
  progress.bytes = session_->bytes();
  progress.disk_full = disk_full_;
  const DiskLevel level = ladder_.level();
  progress.shed = level == DiskLevel::kNoWaves   ? "video, waves and numerics"
                  : level == DiskLevel::kNoVideo ? "video"
                                                 : "";
  progress.accounts_balance = balanced_;
  progress.sources = inbox_->states();
  options_.on_progress(progress);
}

bool Recording::should_stop() {
  if (options_.limit.ns > 0 && now_.ns >= options_.limit.ns) return true;
  return options_.stop && options_.stop();
}

void Recording::stop_sources() {
  end_ = options_.limit.ns > 0 ? std::min(now_, CaseTime{options_.limit.ns}) : now_;
  now_ = *end_;
  give_up_ = clock_.mono() + kStopPatience;
  for (auto& thread : threads_) thread->stop(*end_);
}

Result<Summary> Recording::run() {
  while (true) {
    if (!end_ && should_stop()) stop_sources();
    auto message = inbox_->pop(fast_, kPatience);
    if (!message && (inbox_->finished() || (end_ && clock_.mono() >= give_up_))) break;
    if (!fast_ && !end_) now_ = std::max(now_, real_now());
    if (message) {
      give_up_ = clock_.mono() + kStopPatience;
      if (fast_ && !end_) now_ = std::max(now_, message->at);
      // As fast as files can be read, the queues hold what begins behind the end.
      const bool behind = fast_ && message->kind == Message::Kind::kItem &&
                          ((end_ && message->item.t >= *end_) ||
                           (options_.limit.ns > 0 && message->item.t.ns >= options_.limit.ns));
      if (behind) {
        behind_[{message->source, message->item.stream}] += numbers_of(message->item);
      } else {
        handle(std::move(*message));
      }
    }
    tick();
    watch();
    report();
  }
  inbox_->close();
  for (size_t i = 0; i < threads_.size(); ++i)
    if (!inbox_->ended(i)) after(session_->away(i, v1::Gap::ORIGIN_SOURCE, "silent"));
  next_report_ = {};
  report();
  CASEBOX_CHECK(close());
  heartbeat_.reset();
  log::Alive::remove(options_.log_dir);
  for (size_t i = 0; i < threads_.size(); ++i)
    if (inbox_->ended(i)) threads_[i]->join();
  return summary();
}

Result<void> Recording::close() {
  const auto states = inbox_->states();
  const bool lost = !refused_.empty() || std::ranges::any_of(states, [](const SourceState& source) {
    return source.state == "failed" || source.state == "reconnecting";
  });
  // Where somebody stopped it is its end; else what was taken in is all of it.
  now_ = std::max(now_, end_ ? session_->latest() : session_->latest_end());
  const auto cause = end_   ? v1::CloseFrame::CAUSE_STOPPED
                     : lost ? v1::CloseFrame::CAUSE_SOURCE_LOST
                            : v1::CloseFrame::CAUSE_SOURCES_ENDED;
  const MonoTime give_up = clock_.mono() + kClosePatience;
  while (true) {
    auto done = session_->close(now_, cause);
    if (done) return ok();
    ladder_.give_up_reserve();
    if (clock_.mono() >= give_up || done.error().code == Code::kInvalidArgument)
      return annotate(std::move(done).error(),
                      "the case could not be closed, `casebox recover` will finish it");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

Result<Summary> Recording::summary() {
  Summary out;
  out.case_id = session_->case_id();
  out.epoch = session_->epoch();
  out.end = now_;
  out.frames = session_->frames();
  out.bytes = session_->bytes();
  out.keys_left = session_->keys_left();
  out.key_reused = session_->key_reused();
  out.streams = session_->counts();
  out.sources = inbox_->states();
  for (const SourceState& refused : refused_)
    for (SourceState& state : out.sources)
      if (state.name == refused.name) state = refused;
  out.losses = session_->losses();
  out.accounts_balance = balanced_ && session_->balances() && inbox_->refused() == 0;
  for (size_t i = 0; i < threads_.size(); ++i) {
    if (!inbox_->ended(i)) continue;
    const auto& ending = threads_[i]->ending();
    const std::string& name = options_.config.sources(static_cast<int>(i)).name();
    out.skipped.insert(out.skipped.end(), ending.skipped.begin(), ending.skipped.end());
    if (!ending.truth.empty()) out.truth[name] = ending.truth;
    for (size_t s = 0; s < ending.streams.size(); ++s) {
      for (StreamCount& row : out.streams) {
        if (row.source != name || row.name != ending.streams[s]) continue;
        // The inbox counted what came in before anything could be lost behind it.
        const auto behind = behind_.find({i, s});
        const uint64_t left = behind == behind_.end() ? 0 : behind->second;
        if (taken_[i])
          out.accounts_balance =
              out.accounts_balance && inbox_->received(i, s) == row.received + left;
        if (ending.whole && s < ending.sent.size()) row.sent = ending.sent[s];
      }
    }
  }
  return out;
}

}  // namespace

Result<Summary> record(const Options& options, keyring::ProducerKeys& keys, Clock& clock) {
  std::error_code ignored;
  std::filesystem::create_directories(options.log_dir, ignored);  // the disk is asked about it
  auto recording = std::make_unique<Recording>(options, keys, clock);
  CASEBOX_CHECK(recording->begin());
  auto summary = recording->run();
  // A source that hangs in the system has its gap, and the case its end; nobody waits for it.
  if (recording->hangs()) recording.release();
  return summary;
}

}  // namespace casebox::recorder
