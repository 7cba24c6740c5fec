#pragma once

// What an Appliance is made of: appliance.cpp moves messages and orders, appliance_cases.cpp opens
// and closes cases, appliance_status.cpp says how the room is doing.
//
// Thread safety: the writer's thread, but for what `mutex` guards.

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "recorder/appliance.h"
#include "recorder/internal/case_recording.h"
#include "recorder/internal/loss_window.h"
#include "recorder/internal/signals.h"
#include "recorder/internal/source_set.h"
#include "recorder/ring.h"

namespace casebox::recorder {
namespace internal {

/// An order that waits to be carried out.
struct Asked {
  Order order;
  std::optional<Result<void>> answer;
};

std::vector<std::string> names_of(const v1::RecorderConfig& config);
/// Of the settings, with their defaults.
Duration ring_length(const v1::CasesConfig& cases);
uint64_t ring_bytes(const v1::CasesConfig& cases);
Duration resume_within(const v1::CasesConfig& cases);

}  // namespace internal

struct Appliance::Impl {
  Impl(ApplianceOptions o, keyring::ProducerKeys& k, Clock& c)
      : options(std::move(o)),
        cases(options.config.cases()),
        config(options.config.recorder()),
        keys(k),
        clock(c),
        ladder(options.log_dir),
        machine(cases, RoomTime{}),
        ring(static_cast<size_t>(config.sources_size()), internal::ring_length(cases),
             internal::ring_bytes(cases)),
        signals(machine, static_cast<size_t>(config.sources_size())),
        losses(internal::names_of(config)),
        last_item(static_cast<size_t>(config.sources_size())) {}

  ApplianceOptions options;
  const v1::CasesConfig& cases;
  const v1::RecorderConfig& config;
  keyring::ProducerKeys& keys;
  Clock& clock;
  DiskLadder ladder;
  internal::Pace pace;
  CaseMachine machine;
  Ring ring;
  internal::Signals signals;
  internal::LossWindow losses;
  std::vector<std::optional<RoomTime>> last_item;
  log::WriterOptions how;
  std::unique_ptr<log::Writer> log;
  std::unique_ptr<internal::SourceSet> sources;

  // The case that is open.
  std::unique_ptr<internal::CaseRecording> open_case;
  std::unique_ptr<internal::Heartbeat> heartbeat;
  std::optional<RoomTime> ends;  // it is ending there
  std::string pause_reason;
  bool resumed = false;

  std::map<std::string, std::string> said;  // states of sources
  bool disk_full = false, button_down = false, whole = true, waits_told = false;
  std::string button = "none", shed;
  int64_t utc_minus_mono = 0;
  uint64_t utc_steps = 0, begun = 0;
  size_t keys_left = 0;
  MonoTime next_watch, next_status;
  std::deque<std::pair<MonoTime, uint64_t>> written;  // bytes in the spool, over the last hour
  uint64_t written_before = 0;                        // by cases that are closed

  mutable std::mutex mutex;
  std::condition_variable answered;
  std::deque<std::shared_ptr<internal::Asked>> asked;
  ApplianceStatus status;
  bool running = false;

  RoomTime now() const { return RoomTime{(clock.mono() - pace.zero).ns}; }
  void say(const std::string& line) {
    if (options.say) options.say(line);
  }
  std::filesystem::path paused_file() const { return options.log_dir / "paused"; }

  Result<void> open();
  Result<void> go_on(const producer::LastCase& last);
  Result<void> begin(const Order& order);
  Result<void> pause(const Order& order, bool begins);
  void finish(RoomTime end, bool goes_on);
  Result<void> carry_out(const Order& order);
  void take(Message message);
  void answer_orders();
  void look_at_button();
  void watch();
  void tell();
  void publish();
  std::optional<double> disk_hours(double free_bytes);
  Result<bool> run();
};

}  // namespace casebox::recorder
