#include "recorder/recorder.h"

#include <algorithm>
#include <map>
#include <memory>

#include "proto/base/boot.h"
#include "proto/keyring/roles.h"
#include "proto/log/alive.h"
#include "proto/producer/recovery.h"
#include "recorder/internal/case_recording.h"
#include "recorder/internal/source_set.h"

namespace casebox::recorder {
namespace {

constexpr Duration kPatience = milliseconds(20);
constexpr Duration kProgressEvery = milliseconds(200);
constexpr Duration kStopPatience = seconds(5);  // without a word of a source
constexpr Duration kWatchEvery = seconds(1);

/// A recording of one case, from the start of the program to the end of its sources; the writer's
/// thread owns it. Room time is case time.
class Recording {
 public:
  Recording(const Options& options, keyring::ProducerKeys& keys, Clock& clock)
      : options_(options), keys_(keys), clock_(clock), ladder_(options.log_dir) {}

  Result<void> begin();
  Result<Summary> run();
  /// A source thread does not come back.
  bool hangs() const { return sources_->hangs(); }

 private:
  void watch();
  void report();
  bool should_stop();
  void stop_sources();
  Result<void> close();
  Summary summary();
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
  std::unique_ptr<internal::CaseRecording> case_;
  std::unique_ptr<internal::Heartbeat> heartbeat_;
  std::unique_ptr<internal::SourceSet> sources_;
  std::map<std::pair<size_t, size_t>, uint64_t> behind_;  // items that began behind the end
  CaseTime now_;
  std::optional<CaseTime> end_;  // when it was asked to stop, before the sources had ended
  MonoTime give_up_;             // then, after it, sources that have not ended are left alone
  MonoTime next_report_, next_watch_;
};

Result<void> Recording::begin() {
  const v1::RecorderConfig& config = options_.config;
  if (config.sources().empty())
    return Error{Code::kInvalidArgument, "no sources to record; name at least one"};
  fast_ = std::ranges::all_of(config.sources(), internal::is_fast);
  for (const v1::SourceConfig& source : config.sources())
    if (source.simulator().speed() > 0 && !fast_) pace_.speed = source.simulator().speed();
  CASEBOX_CHECK(internal::recover_spool(options_.log_dir, keys_, clock_, options_.on_recovery));
  log::WriterOptions how;
  how.file_size = ladder_.log_file_size();
  if (config.sync_max_ms() > 0) how.sync_interval = milliseconds(config.sync_max_ms());
  CASEBOX_TRY(log_, log::Writer::open(options_.log_dir, clock_, how));

  pace_.zero = clock_.mono();
  CASEBOX_TRY(case_, internal::CaseRecording::open(
                         internal::session_options(config, options_.software, how, clock_), !fast_,
                         keys_, *log_, ladder_, clock_));
  sources_ = std::make_unique<internal::SourceSet>(config, pace_, fast_, clock_);
  CASEBOX_CHECK(case_->write_consent());
  if (!fast_)
    heartbeat_ = std::make_unique<internal::Heartbeat>(options_.log_dir, case_->session().epoch(),
                                                       pace_, machine_boot_id(), clock_);
  next_watch_ = pace_.zero + kWatchEvery;
  sources_->start();
  return ok();
}

void Recording::watch() {
  const MonoTime mono = clock_.mono();
  if (mono < next_watch_) return;
  next_watch_ = mono + kWatchEvery;
  ladder_.look();
  case_->watch();
}

void Recording::report() {
  const MonoTime mono = clock_.mono();
  if (!options_.on_progress || mono < next_report_) return;
  next_report_ = mono + kProgressEvery;
  const Session& session = case_->session();
  Progress progress;
  progress.now = now_;
  progress.total_s = sources_->length().seconds();
  progress.items = session.items();
  progress.frames = session.frames();
  progress.bytes = session.bytes();
  progress.disk_full = case_->disk_full();
  progress.shed = shed_by(ladder_.level());
  progress.accounts_balance = case_->balanced();
  progress.sources = sources_->inbox().states();
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
  sources_->stop(*end_);
}

Result<Summary> Recording::run() {
  while (true) {
    if (!end_ && should_stop()) stop_sources();
    auto message = sources_->inbox().pop(fast_, kPatience);
    if (!message && (sources_->inbox().finished() || (end_ && clock_.mono() >= give_up_))) break;
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
        case_->handle(std::move(*message), now_);
      }
    }
    case_->tick(now_);
    watch();
    report();
  }
  Inbox& inbox = sources_->inbox();
  inbox.close();
  for (size_t i = 0; i < sources_->size(); ++i)
    if (!inbox.ended(i)) case_->after(case_->session().away(i, v1::Gap::ORIGIN_SOURCE, "silent"));
  next_report_ = {};
  report();
  CASEBOX_CHECK(close());
  heartbeat_.reset();
  log::Alive::remove(options_.log_dir);
  sources_->join();
  return summary();
}

Result<void> Recording::close() {
  const auto states = sources_->inbox().states();
  const bool lost =
      !case_->refused().empty() || std::ranges::any_of(states, [](const SourceState& source) {
        return source.state == "failed" || source.state == "reconnecting";
      });
  // Where somebody stopped it is its end; else what was taken in is all of it.
  const Session& session = case_->session();
  now_ = std::max(now_, end_ ? session.latest() : session.latest_end());
  const auto cause = end_   ? v1::CloseFrame::CAUSE_STOPPED
                     : lost ? v1::CloseFrame::CAUSE_SOURCE_LOST
                            : v1::CloseFrame::CAUSE_SOURCES_ENDED;
  return case_->close(now_, cause);
}

Summary Recording::summary() {
  const Inbox& inbox = sources_->inbox();
  Summary out = case_->summary(now_);
  out.sources = inbox.states();
  for (const SourceState& refused : case_->refused())
    for (SourceState& state : out.sources)
      if (state.name == refused.name) state = refused;
  out.accounts_balance = out.accounts_balance && inbox.refused() == 0;
  for (size_t i = 0; i < sources_->size(); ++i) {
    if (!inbox.ended(i)) continue;
    const auto& ending = sources_->ending(i);
    const std::string& name = options_.config.sources(static_cast<int>(i)).name();
    out.skipped.insert(out.skipped.end(), ending.skipped.begin(), ending.skipped.end());
    if (!ending.truth.empty()) out.truth[name] = ending.truth;
    for (size_t s = 0; s < ending.streams.size(); ++s) {
      for (StreamCount& row : out.streams) {
        if (row.source != name || row.name != ending.streams[s]) continue;
        // The inbox counted what came in before anything could be lost behind it.
        const auto behind = behind_.find({i, s});
        const uint64_t left = behind == behind_.end() ? 0 : behind->second;
        if (case_->taken(i))
          out.accounts_balance =
              out.accounts_balance && inbox.received(i, s) == row.received + left;
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
