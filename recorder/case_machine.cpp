#include "recorder/case_machine.h"

#include <algorithm>

namespace casebox::recorder {

const char* name_of(CaseMachine::State state) {
  switch (state) {
    case CaseMachine::State::kIdle: return "idle";
    case CaseMachine::State::kRecording: return "recording";
    case CaseMachine::State::kPaused: return "paused";
    case CaseMachine::State::kEnding: return "ending";
  }
  return "";
}

CaseMachine::CaseMachine(const v1::CasesConfig& config, RoomTime now)
    : began_(now), since_(now), now_(now) {
  const auto take = [&](const auto& rules, const char* kind, std::vector<Rule>& into) {
    for (int i = 0; i < rules.size(); ++i) {
      Rule& rule = into.emplace_back();
      rule.name = std::string(kind) + "[" + std::to_string(i) + "]";
      rule.rule = rules[i];
      rule.since = now;
      for (const v1::SignalRule& signal : rules[i].all()) streams_[signal.stream()];
    }
  };
  take(config.begin(), "begin", begin_);
  take(config.end(), "end", end_);
}

void CaseMachine::enter(State state, RoomTime t) {
  if (state == State::kRecording && state_ == State::kIdle)
    for (Rule& rule : end_) {
      rule.armed = false;
      rule.since = t;
    }
  state_ = state;
  since_ = t;
}

void CaseMachine::go_on(RoomTime t, bool paused) {
  enter(State::kRecording, t);
  if (paused) enter(State::kPaused, t);
  for (Rule& rule : begin_) rule.armed = false;
}

void CaseMachine::hear(const std::string& stream, RoomTime t) {
  const auto at = streams_.find(stream);
  if (at == streams_.end()) return;
  at->second.heard = std::max(at->second.heard.value_or(t), t);
}

void CaseMachine::value(const std::string& stream, const std::string& channel, double value,
                        RoomTime t, bool lasting) {
  const auto at = streams_.find(stream);
  if (at != streams_.end()) at->second.values[channel] = {value, t, lasting};
}

void CaseMachine::lose(const std::string& stream) {
  const auto at = streams_.find(stream);
  if (at == streams_.end()) return;
  if (at->second.heard) at->second.heard = RoomTime{INT64_MIN};  // it did, and does no more
  at->second.values.clear();
}

CaseMachine::Truth CaseMachine::look(const v1::SignalRule& signal, RoomTime now) const {
  const Stream& stream = streams_.at(signal.stream());
  const auto fresh = [&](RoomTime t) { return now - t < kSignalStale; };
  const bool delivers = stream.heard && fresh(*stream.heard);
  if (signal.absent()) {
    if (delivers) return Truth::kFalse;
    return fresh(began_) ? Truth::kUnknown : Truth::kTrue;
  }
  if (signal.channel().empty()) {
    if (delivers) return Truth::kTrue;
    return stream.heard ? Truth::kFalse : Truth::kUnknown;
  }
  const auto found = stream.values.find(signal.channel());
  if (found == stream.values.end()) return Truth::kUnknown;
  const Value& last = found->second;
  if (!last.lasting && !fresh(last.at)) return Truth::kUnknown;
  const bool holds = (!signal.has_above() || last.value > signal.above()) &&
                     (!signal.has_below() || last.value < signal.below());
  return holds ? Truth::kTrue : Truth::kFalse;
}

CaseMachine::Truth CaseMachine::look(const v1::CaseRule& rule, RoomTime now) const {
  Truth all = rule.all().empty() ? Truth::kUnknown : Truth::kTrue;
  for (const v1::SignalRule& signal : rule.all()) all = std::min(all, look(signal, now));
  return all;
}

void CaseMachine::look(Rule& rule, RoomTime now) {
  const Truth truth = look(rule.rule, now);
  if (truth != rule.truth) {
    rule.truth = truth;
    rule.since = now;
  }
}

std::optional<Order> CaseMachine::step(RoomTime now) {
  now_ = std::max(now_, now);
  std::optional<Order> order;
  const auto fires = [&](Rule& rule, bool begins) {
    const bool lasts = now_ - rule.since >= from_seconds(rule.rule.for_s());
    if (rule.truth == Truth::kFalse && (lasts || !begins)) rule.armed = true;
    return rule.truth == Truth::kTrue && lasts && rule.armed;
  };
  for (std::vector<Rule>* rules : {&begin_, &end_})
    for (Rule& rule : *rules) {
      look(rule, now_);
      const bool begins = rules == &begin_;
      if (!fires(rule, begins) || order) continue;
      const bool open = state_ == State::kRecording || state_ == State::kPaused;
      // What comes true in a case began none; only what has been false since may begin the next.
      if (begins && state_ != State::kIdle) rule.armed = false;
      if (begins ? state_ != State::kIdle : !open) continue;
      order = Order{begins ? Order::Kind::kBegin : Order::Kind::kEnd, now_, "rule", rule.name, ""};
    }
  if (!order) return order;
  if (order->kind == Order::Kind::kBegin)
    for (Rule& rule : begin_)
      if (rule.truth == Truth::kTrue) rule.armed = false;
  enter(order->kind == Order::Kind::kBegin ? State::kRecording : State::kEnding, order->t);
  return order;
}

Result<Order> CaseMachine::ask(Order order) {
  const auto no = [](const char* why) { return Error{Code::kInvalidArgument, why}; };
  const bool open = state_ == State::kRecording || state_ == State::kPaused;
  switch (order.kind) {
    case Order::Kind::kBegin:
      if (open) return no("a case is being recorded; end it before another begins");
      if (state_ == State::kEnding) return no("a case is being closed; ask again in some seconds");
      for (Rule& rule : begin_)
        if (rule.truth == Truth::kTrue) rule.armed = false;
      enter(State::kRecording, order.t);
      break;
    case Order::Kind::kEnd:
      if (!open) return no("no case is being recorded; there is nothing to end");
      enter(State::kEnding, order.t);
      break;
    case Order::Kind::kPause:
      if (state_ == State::kPaused) return no("the recording is paused already");
      if (!open) return no("no case is being recorded; there is nothing to pause");
      enter(State::kPaused, order.t);
      break;
    case Order::Kind::kResume:
      if (state_ != State::kPaused) return no("the recording is not paused");
      enter(State::kRecording, order.t);
      break;
  }
  return order;
}

void CaseMachine::closed() {
  if (state_ == State::kEnding) enter(State::kIdle, now_);
}

std::vector<RuleState> CaseMachine::rules() const {
  std::vector<RuleState> out;
  for (const std::vector<Rule>* rules : {&begin_, &end_})
    for (const Rule& rule : *rules) {
      RuleState& state = out.emplace_back();
      state.name = rule.name;
      state.holds = rule.truth == Truth::kTrue;
      if (state.holds) state.since = rule.since;
      state.armed = rule.armed;
      for (const v1::SignalRule& signal : rule.rule.all())
        if (look(signal, now_) == Truth::kUnknown)
          state.unknown.push_back(signal.channel().empty()
                                      ? signal.stream()
                                      : signal.stream() + "/" + signal.channel());
    }
  return out;
}

Result<void> check_cases(const v1::CasesConfig& cases) {
  const auto rules = [](const auto& list, const std::string& name) -> Result<void> {
    for (int i = 0; i < list.size(); ++i) {
      const std::string at = "'cases." + name + "[" + std::to_string(i) + "]";
      const auto bad = [&](const std::string& what) {
        return Error{Code::kInvalidArgument, at + what};
      };
      const v1::CaseRule& rule = list[i];
      if (rule.all().empty()) return bad(".all' is empty; name a signal at least");
      if (!(rule.for_s() >= 0 && rule.for_s() <= 86'400))
        return bad(".for_s' must lie in 0 to 86400");
      for (const v1::SignalRule& signal : rule.all()) {
        if (signal.stream().empty()) return bad("': a signal names no stream");
        const bool limits = signal.has_above() || signal.has_below();
        if (signal.channel().empty() == limits && !(signal.absent() && !limits))
          return bad(
              "': a channel and 'above' or 'below' go together; without both, the stream "
              "itself is the signal");
        if (signal.absent() && limits) return bad("': what is absent has no value to compare");
        if (signal.has_above() && signal.has_below() && signal.above() >= signal.below())
          return bad("': no value lies above 'above' and below 'below'");
      }
    }
    return ok();
  };
  CASEBOX_CHECK(rules(cases.begin(), "begin"));
  CASEBOX_CHECK(rules(cases.end(), "end"));
  const auto range = [](double value, double most, const char* field) -> Result<void> {
    if (value >= 0 && value <= most) return ok();
    return Error{Code::kInvalidArgument, std::string("'cases.") + field + "' must lie in 0 to " +
                                             std::to_string(static_cast<int>(most))};
  };
  CASEBOX_CHECK(range(cases.ring_s(), 3600, "ring_s"));
  CASEBOX_CHECK(range(cases.resume_within_s(), 86'400, "resume_within_s"));
  return range(cases.ring_mb(), 65'536, "ring_mb");
}

}  // namespace casebox::recorder
