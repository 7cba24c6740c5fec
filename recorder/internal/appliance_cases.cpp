#include <algorithm>
#include <cstdio>
#include <set>

#include "proto/base/boot.h"
#include "proto/base/file.h"
#include "proto/keyring/roles.h"
#include "proto/log/alive.h"
#include "proto/producer/recovery.h"
#include "recorder/internal/appliance_impl.h"

namespace casebox::recorder {
namespace internal {

Duration ring_length(const v1::CasesConfig& cases) {
  return cases.has_ring_s() ? from_seconds(cases.ring_s()) : seconds(120);
}
uint64_t ring_bytes(const v1::CasesConfig& cases) {
  return uint64_t{cases.ring_mb() > 0 ? cases.ring_mb() : 256} << 20;
}
Duration resume_within(const v1::CasesConfig& cases) {
  return from_seconds(cases.has_resume_within_s() ? cases.resume_within_s() : 3600);
}

}  // namespace internal

using internal::resume_within;
using internal::ring_length;

// Within one start of the machine its monotonic clock tells how long it was away, and both epochs
// are on one time line: `at` is the case time of the recorder's zero, not of the moment at which
// this line runs, and may lie before the end of the last item, which has a length. After another
// start only the wall clock tells, and time does not go back whatever that says.
Result<void> Appliance::Impl::go_on(const producer::LastCase& last) {
  CASEBOX_TRY(const auto key, keys.signing_key(keyring::name_of(v1::PRODUCER_ROLE_RECORDER)));
  if (last.open.role() != v1::PRODUCER_ROLE_RECORDER ||
      last.open.signing_key() != view(Digest(key.public_key())))
    return Error{Code::kDenied, "another producer's key signed it; the next case is a new one"};
  const auto boot = machine_boot_id();
  const bool same_boot = last.zero && last.open.boot_id() == Bytes(boot.begin(), boot.end());
  const UtcTime zero_utc = clock.utc() - (clock.mono() - pace.zero);
  CaseTime at = same_boot ? CaseTime{(pace.zero - *last.zero).ns}
                          : CaseTime{zero_utc.ns - static_cast<int64_t>(last.open.start_utc_ns())};
  const Duration away = at - last.end;
  if (away > resume_within(cases)) {
    say("a case was cut off " + std::to_string(away.ns / 1'000'000'000) +
        " s ago, which is longer than resume_within_s: it stays UNCLOSED, the next one is another");
    std::error_code ignored;
    std::filesystem::remove(paused_file(), ignored);
    return ok();
  }
  if (at < last.end && !same_boot) {
    say("the wall clock says that the case that was cut off lies in the future: it goes on where "
        "it was cut off, and how long it was away is not known");
    at = last.end;
  }
  SessionOptions session = internal::session_options(config, options.software, how, clock);
  GoingOn going;
  going.open = last.open;
  going.epoch = last.epoch;
  going.cut = last.end;
  going.now = at;
  going.streams = last.streams;
  session.zero = RoomTime{} - (at - CaseTime{});
  session.mono_zero = pace.zero - (at - CaseTime{});
  session.going_on = std::move(going);
  CASEBOX_TRY(open_case,
              internal::CaseRecording::open(std::move(session), true, keys, *log, ladder, clock));
  for (size_t i = 0; i < sources->size(); ++i)
    open_case->after(open_case->session().away(i, v1::Gap::ORIGIN_UNKNOWN, "restart"));
  std::error_code ignored;
  const bool paused = std::filesystem::exists(paused_file(), ignored);
  machine.go_on(RoomTime{}, paused);
  open_case->say("case.go-on", same_boot ? "restart" : "reboot", at);
  if (paused) {
    pause_reason = "other";
    v1::Pause again;
    again.set_begins(true);
    again.set_reason(pause_reason);
    again.set_role("recorder");
    CASEBOX_CHECK(open_case->pause(again, at));
  }
  heartbeat = std::make_unique<internal::Heartbeat>(
      options.log_dir, open_case->session().epoch(),
      internal::Pace{pace.zero - (at - CaseTime{}), 1}, boot, clock);
  resumed = true;
  say("case " + to_string(open_case->session().case_id()) + " goes on, " +
      std::to_string(std::max<int64_t>(0, away.ns / 1'000'000)) + " ms after it was cut off" +
      (paused ? ", still paused" : ""));
  return ok();
}

Result<void> Appliance::Impl::begin(const Order& order) {
  ring.trim(order.t);
  // What sources were before the oldest message is what they are at case time zero.
  std::vector<Ring::Before> before;
  for (size_t i = 0; i < sources->size(); ++i) before.push_back(ring.before(i));
  const bool cut = ring.cut();
  // An item of a clock that is far out does not move the beginning.
  const RoomTime zero = std::clamp(ring.earliest().value_or(order.t),
                                   order.t - ring_length(cases) - seconds(10), order.t);

  SessionOptions session = internal::session_options(config, options.software, how, clock);
  if (!order.procedure.empty()) session.config.set_procedure(order.procedure);
  const Duration ago = now() - zero;
  session.start_utc = session.start_utc - ago;
  session.zero = zero;
  session.mono_zero = pace.zero + (zero - RoomTime{});
  CASEBOX_TRY(open_case,
              internal::CaseRecording::open(std::move(session), true, keys, *log, ladder, clock));
  CASEBOX_CHECK(open_case->write_consent());
  Session& writes = open_case->session();
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i].opened) open_case->handle(*before[i].opened, CaseTime{});
    if (!before[i].clocks.empty()) writes.begin_clocks(i, before[i].clocks);
    if (before[i].away) open_case->handle(*before[i].away, CaseTime{});
    if (before[i].ended) writes.ended(i);
  }
  std::set<std::pair<size_t, size_t>> shown;  // video that has begun with a picture of its own
  for (Message& message : ring.take()) {
    const CaseTime at = std::max(CaseTime{}, writes.case_time(message.at));
    if (message.kind == Message::Kind::kItem) {
      const auto* fragment = std::get_if<Fragment>(&message.item.what);
      const std::pair<size_t, size_t> key{message.source, message.item.stream};
      if (fragment != nullptr && fragment->sync) shown.insert(key);
      if (fragment != nullptr && !shown.contains(key)) continue;  // the ring begins behind its key
    }
    open_case->handle(std::move(message), at);
    open_case->tick(std::min(at, writes.case_time(order.t)));
  }
  v1::CasesConfig rules = cases;
  rules.clear_control();
  rules.clear_button();
  open_case->say("case.begin", order.by + (order.reason.empty() ? "" : ": " + order.reason),
                 writes.case_time(order.t));
  open_case->say("case.rules", rules.ShortDebugString(), writes.case_time(order.t));
  if (cut) open_case->say("case.ring-cut", "ring_mb", writes.case_time(order.t));
  heartbeat = std::make_unique<internal::Heartbeat>(
      options.log_dir, writes.epoch(), internal::Pace{pace.zero + (zero - RoomTime{}), 1},
      machine_boot_id(), clock);
  resumed = false;
  ++begun;
  keys_left = writes.keys_left();
  losses.clear();
  say("case " + to_string(writes.case_id()) + " begins (" + order.by +
      (order.reason.empty() ? "" : ": " + order.reason) + "), with " +
      std::to_string((order.t - zero).ns / 1'000'000) + " ms from before" +
      (cut ? "; the ring was full, ring_mb allows no more" : ""));
  if (writes.key_reused())
    say("no one-time case key was left: this case has the key of the last one; " +
        keys.how_to_refill());
  else if (keys_left < keyring::kFewCaseKeys)
    say(std::to_string(keys_left) + " one-time case keys left; " + keys.how_to_refill());
  return ok();
}

Result<void> Appliance::Impl::pause(const Order& order, bool begins) {
  v1::Pause pause;
  pause.set_begins(begins);
  pause.set_reason(order.reason);
  pause.set_role(order.by);
  const CaseTime t = open_case->session().case_time(order.t);
  std::error_code ignored;
  // First the file: a recorder that dies now comes back paused.
  if (begins)
    CASEBOX_CHECK(write_file_atomic(paused_file(), to_string(open_case->session().case_id())));
  CASEBOX_CHECK(begins ? open_case->pause(pause, t) : open_case->resume(pause, t));
  if (!begins) std::filesystem::remove(paused_file(), ignored);
  pause_reason = begins ? order.reason : "";
  open_case->say(begins ? "case.pause" : "case.resume",
                 order.by + (order.reason.empty() ? "" : ": " + order.reason), t);
  say(begins ? "paused (" + order.by + ": " + order.reason + "): nothing is recorded"
             : "the recording goes on (" + order.by + ")");
  return ok();
}

// The case is over, or cut off until the recorder is back.
void Appliance::Impl::finish(RoomTime end, bool goes_on) {
  Session& writes = open_case->session();
  const CaseTime at = std::max(writes.case_time(end), writes.latest());
  auto closed = open_case->close(at, v1::CloseFrame::CAUSE_STOPPED, goes_on);
  if (!closed) say(closed.error().message);
  for (const Loss& loss : writes.losses()) {
    whole = false;
    char span[64];
    std::snprintf(span, sizeof span, "lost between %.3f and %.3f s", loss.begin.seconds(),
                  loss.end.seconds());
    say("case " + to_string(writes.case_id()) + ": " + loss.stream + ": " + span + ": " +
        loss.reason);
  }
  whole = whole && open_case->balanced() && writes.balances();
  say("case " + to_string(writes.case_id()) +
      (goes_on ? " is cut off; it goes on if the recorder is back within resume_within_s"
               : " has ended after " + std::to_string(at.ns / 1'000'000'000) + " s"));
  heartbeat.reset();
  if (closed && !goes_on) log::Alive::remove(options.log_dir);
  if (!goes_on) {
    std::error_code ignored;
    std::filesystem::remove(paused_file(), ignored);
    pause_reason.clear();
  }
  written_before += writes.bytes();
  open_case.reset();
  ends.reset();
  resumed = false;
  machine.closed();
  if (!goes_on || !closed) return;
  log.reset();
  auto key = keys.signing_key(keyring::name_of(v1::PRODUCER_ROLE_RECORDER));
  const Result<void> left =
      key ? producer::leave(options.log_dir, *key, clock) : Result<void>(std::move(key).error());
  if (!left) say(left.error().message);  // the next start finishes it
}

Result<void> Appliance::Impl::carry_out(const Order& order) {
  switch (order.kind) {
    case Order::Kind::kBegin: {
      auto done = begin(order);
      if (!open_case) machine = CaseMachine(cases, now());  // it is tried again
      return done;
    }
    case Order::Kind::kEnd:
      ends = order.t;
      open_case->say("case.end", order.by + (order.reason.empty() ? "" : ": " + order.reason),
                     open_case->session().case_time(order.t));
      return ok();
    case Order::Kind::kPause: return pause(order, true);
    case Order::Kind::kResume: return pause(order, false);
  }
  return ok();
}

}  // namespace casebox::recorder
