#include "recorder/appliance.h"

#include <algorithm>
#include <chrono>
#include <fstream>

#include "proto/vocabulary/vocabulary.h"
#include "recorder/internal/appliance_impl.h"

namespace casebox::recorder {
namespace {

constexpr Duration kRoomPatience = milliseconds(10);
constexpr Duration kStatusEvery = milliseconds(200);
constexpr Duration kRoomStopPatience = seconds(5);
constexpr Duration kAskPatience = seconds(10);
// After the end of a case, until what began before it has come: a room that is simulated holds
// items back for longer.
constexpr Duration kSettle = seconds(1);
constexpr Duration kSettleSimulated = milliseconds(6500);
constexpr size_t kMessagesAtOnce = 256;

}  // namespace

Appliance::Appliance() = default;
Appliance::~Appliance() = default;

Result<std::unique_ptr<Appliance>> Appliance::open(ApplianceOptions options,
                                                   keyring::ProducerKeys& keys, Clock& clock) {
  CASEBOX_CHECK(check_cases(options.config.cases()));
  if (options.config.recorder().sources().empty())
    return Error{Code::kInvalidArgument, "no sources to record; name at least one"};
  std::error_code ignored;
  std::filesystem::create_directories(options.log_dir, ignored);  // the disk is asked about it
  std::unique_ptr<Appliance> made(new Appliance);
  made->impl_ = std::make_unique<Impl>(std::move(options), keys, clock);
  CASEBOX_CHECK(made->impl_->open());
  return made;
}

Result<void> Appliance::Impl::open() {
  CASEBOX_TRY(const auto last,
              internal::recover_spool(
                  options.log_dir, keys, clock, [&](const producer::EpochRecovery& done) {
                    for (const producer::RecoveredStream& stream : done.streams)
                      say("the recording before this one was cut off: " + stream.name + ": " +
                          producer::loss_text(stream));
                  }));
  how.file_size = ladder.log_file_size();
  if (config.sync_max_ms() > 0) how.sync_interval = milliseconds(config.sync_max_ms());
  CASEBOX_TRY(log, log::Writer::open(options.log_dir, clock, how));
  pace.zero = clock.mono();
  utc_minus_mono = clock.utc().ns - clock.mono().ns;
  sources = std::make_unique<internal::SourceSet>(config, pace, false, clock);
  if (last && last->reason == v1::CloseFrame::REASON_RECOVERED) {
    // A case that cannot be gone on with keeps nobody from recording the next one.
    if (auto done = go_on(*last); !done) {
      say("a case was cut off, and cannot be gone on with: " + done.error().message);
      heartbeat.reset();
      open_case.reset();
      machine = CaseMachine(cases, RoomTime{});
    }
  }
  next_watch = pace.zero;
  button = cases.button().empty() ? "none" : "absent";
  publish();
  sources->start();
  return ok();
}

void Appliance::Impl::take(Message message) {
  const size_t source = message.source;
  signals.hear(message, now());
  if (message.kind == Message::Kind::kItem && !message.item.is_gap()) last_item[source] = now();
  if (!open_case) return ring.push(std::move(message));
  const CaseTime at = open_case->session().case_time(now());
  if (message.kind != Message::Kind::kItem) {
    if (ends)
      ring.push(message);  // of the next case too
    else
      ring.remember(message);
    return open_case->handle(std::move(message), at);
  }
  if (ends && message.item.t >= *ends) return ring.push(std::move(message));
  open_case->handle(std::move(message), at);
}

void Appliance::Impl::answer_orders() {
  while (true) {
    std::shared_ptr<internal::Asked> next;
    {
      std::lock_guard lock(mutex);
      if (asked.empty()) return;
      next = asked.front();
      asked.pop_front();
    }
    next->order.t = now();
    auto order = machine.ask(next->order);
    Result<void> done = order ? carry_out(*order) : Result<void>(std::move(order).error());
    publish();
    std::lock_guard lock(mutex);
    next->answer = std::move(done);
    answered.notify_all();
  }
}

// A press, not a level, counts: whoever leans on it begins one case.
void Appliance::Impl::look_at_button() {
  if (cases.button().empty()) return;
  std::ifstream in(cases.button());
  char level = 0;
  const std::string was = std::exchange(button, in.get(level) ? "ready" : "absent");
  if (was != button)
    say(button == "ready" ? "the button is there"
                          : "the button is absent: its file cannot be read");
  const bool down = level == '1';
  const bool pressed = down && !std::exchange(button_down, down);
  button_down = down;
  if (!pressed) return;
  Order order;
  order.kind =
      machine.state() == CaseMachine::State::kIdle ? Order::Kind::kBegin : Order::Kind::kEnd;
  order.t = now();
  order.by = "button";
  auto taken = machine.ask(order);
  const Result<void> done = taken ? carry_out(*taken) : Result<void>(std::move(taken).error());
  if (!done) say("the button: " + done.error().message);
}

Result<bool> Appliance::Impl::run() {
  Inbox& inbox = sources->inbox();
  const bool simulated =
      std::ranges::any_of(config.sources(), [](const auto& s) { return s.type() == "simulator"; });
  const Duration settle = simulated ? kSettleSimulated : kSettle;
  std::optional<MonoTime> give_up;
  while (true) {
    if (!give_up && options.stop && options.stop()) {
      sources->stop(now());
      give_up = clock.mono() + kRoomStopPatience;
    }
    auto message = inbox.pop(false, kRoomPatience);
    for (size_t n = 0; message && n < kMessagesAtOnce; ++n) {
      take(std::move(*message));
      message = inbox.pop(false, Duration{});
    }
    if (message) take(std::move(*message));
    if (give_up && (inbox.finished() || clock.mono() >= *give_up)) break;
    if (!give_up) {
      answer_orders();
      look_at_button();
      if (const auto order = machine.step(now()))
        if (auto done = carry_out(*order); !done) say(done.error().message);
    }
    if (open_case)
      open_case->tick(open_case->session().case_time(ends ? std::min(now(), *ends) : now()));
    if (ends && now() - *ends >= settle) finish(*ends, false);
    watch();
    if (clock.mono() >= next_status) {
      next_status = clock.mono() + kStatusEvery;
      tell();
      publish();
    }
  }
  inbox.close();
  if (open_case) finish(ends.value_or(now()), !ends);
  publish();
  return whole;
}

Result<bool> Appliance::run() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->running = true;
  }
  auto done = impl_->run();
  {
    std::lock_guard lock(impl_->mutex);
    impl_->running = false;
    impl_->answered.notify_all();
  }
  impl_->sources->join();
  if (impl_->sources->hangs())
    (void)impl_->sources.release();  // in the system; nobody waits for it
  return done;
}

Result<void> Appliance::ask(Order order) {
  if (!order.reason.empty() && !vocabulary::is_code(order.reason))
    return Error{Code::kInvalidArgument,
                 std::string("the reason is no code; ") + vocabulary::kCodeForm};
  const bool pauses = order.kind == Order::Kind::kPause;
  if ((pauses && order.reason.empty()) || (pauses && !vocabulary::is_reason(order.reason)))
    return Error{Code::kInvalidArgument,
                 "a pause needs a reason of the list; write privacy, patient-request, "
                 "staff-request, private-conversation, consent-withdrawn or other"};
  if (!vocabulary::is_role(order.by))
    return Error{Code::kInvalidArgument,
                 "the role is not known; write surgeon, nurse, anaesthetist, operator ..."};
  if (!order.procedure.empty() && !vocabulary::is_code(order.procedure))
    return Error{Code::kInvalidArgument,
                 std::string("the procedure is no code; ") + vocabulary::kCodeForm};
  std::unique_lock lock(impl_->mutex);
  auto asked = std::make_shared<internal::Asked>();
  asked->order = std::move(order);
  impl_->asked.push_back(asked);
  impl_->answered.wait_for(lock, std::chrono::nanoseconds(kAskPatience.ns),
                           [&] { return asked->answer.has_value(); });
  if (asked->answer) return *asked->answer;
  return Error{Code::kUnavailable, "the recorder does not answer; is it stopping?"};
}

ApplianceStatus Appliance::status() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

}  // namespace casebox::recorder
