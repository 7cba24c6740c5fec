#include "tools/query/moment_values.h"

#include <algorithm>

#include "tools/cli/names.h"
#include "tools/query/values.h"

namespace casebox::tools::query {
namespace {

using analytics::facts::Moment;
using analytics::facts::MomentKind;

constexpr size_t kMostPlaces = 8;  // of moments that one row names

int64_t ns(double seconds) { return from_seconds(seconds).ns; }

/// A span asked about, and where its ends lie with 95 %.
struct Span {
  double t0_s = 0, t1_s = 0;
  Bound start, end;
};

bool asked(const Expr& term, const Moment& moment) {
  const auto named = [&](size_t index, const std::string& text) {
    return index >= term.args.size() || term.args[index].text.empty() ||
           term.args[index].text == text;
  };
  switch (term.term) {
    case Term::kAlarm:
      return moment.kind == MomentKind::kAlarm && moment.on.value_or(true) && named(0, moment.code);
    case Term::kDoor: return door_opened(moment);
    case Term::kMark:
      return moment.kind == MomentKind::kMark && named(0, moment.code) && named(1, moment.label);
    case Term::kChecklist:
      return moment.kind == MomentKind::kChecklist && named(0, moment.code) &&
             (term.part != Part::kComplete || moment.on.value_or(false));
    default:
      return moment.kind != MomentKind::kAlarm && moment.kind != MomentKind::kMark &&
             moment.kind != MomentKind::kChecklist && begins(moment) && named(0, moment.code);
  }
}

v1::StreamKind kind_of(Term term) {
  switch (term) {
    case Term::kAlarm: return v1::STREAM_KIND_ALARM;
    case Term::kMark:
    case Term::kChecklist: return v1::STREAM_KIND_TEAM;
    case Term::kDoor: return v1::STREAM_KIND_ROOM;
    default: return v1::STREAM_KIND_DEVICE;
  }
}

/// The streams that could have brought it to this case.
std::vector<const analytics::facts::Watch*> watching(const Expr& term, const CaseFacts& facts,
                                                     const Cohort& cohort) {
  std::set<std::string> bringers;
  if (term.term == Term::kEvent || term.term == Term::kDoor) {
    const auto known =
        cohort.streams_of_event.find(term.term == Term::kDoor ? "door" : term.args.front().text);
    if (known != cohort.streams_of_event.end()) bringers = known->second;
  }
  std::vector<const analytics::facts::Watch*> out;
  for (const auto& watch : facts.coverage.streams)
    if (watch.items > 0 &&
        (bringers.empty() ? watch.kind == kind_of(term.term) : bringers.contains(watch.stream)))
      out.push_back(&watch);
  return out;
}

/// The entries of the phase of `within`, or the whole case; none: the case has no such phase.
Value spans_of(const Expr& term, const CaseFacts& facts, std::vector<Span>& out) {
  if (!term.within) {
    out.push_back({facts.first_t_s,
                   facts.end_s,
                   {facts.first_t_s, facts.first_t_s},
                   {facts.end_s, facts.end_s}});
    return known(0);
  }
  if (!facts.phases_known)
    return not_asked(Why::kUnanalysed, "nobody has annotated, marked or searched its phases");
  for (const PhaseFact& phase : facts.phases) {
    if (phase.label != term.within->text || phase.level != "phase") continue;
    if (!phase.placed)
      return not_asked(Why::kWithheld,
                       facts.withheld.empty() ? "its times are withheld" : facts.withheld.front());
    constexpr Bound kAnywhere{-kInfinity, kInfinity};
    out.push_back(
        {phase.t0_s, phase.t1_s, phase.start.value_or(kAnywhere), phase.end.value_or(kAnywhere)});
  }
  return known(0);
}

std::string name_of_term(const Expr& term) {
  switch (term.term) {
    case Term::kAlarm: return "alarms";
    case Term::kDoor: return "doors";
    case Term::kMark:
    case Term::kChecklist: return "marks of the team";
    default: return "events such as " + term.args.front().text;
  }
}

/// What was counted, and where.
struct Counted {
  double all = 0, least = 0, most = 0;
  std::optional<double> first, last;
  double first_u95 = 0, last_u95 = 0;
  std::vector<std::string> priorities;
  std::vector<Place> places;
  bool unplaced = false;  // one asked about stands on a broken clock
};

void count(const Moment& moment, const std::vector<Span>& spans, bool whole, Counted& out) {
  const double t = seconds_of(moment.t_ns);
  const double u95 = moment.u95_ns ? seconds_of(*moment.u95_ns) : kInfinity;
  bool in = whole, surely = whole, maybe = whole;
  for (const Span& span : spans) {
    if (whole) break;
    in = in || (t >= span.t0_s && t < span.t1_s);
    surely = surely || (t - u95 >= span.start.high_s && t + u95 < span.end.low_s);
    maybe = maybe || (t + u95 >= span.start.low_s && t - u95 < span.end.high_s);
  }
  out.least += surely;
  out.most += maybe;
  if (!whole && !moment.placed) out.unplaced = true;
  if (!in) return;
  ++out.all;
  if (!out.first || t < *out.first) {
    out.first = t;
    out.first_u95 = u95;
  }
  if (!out.last || t > *out.last) {
    out.last = t;
    out.last_u95 = u95;
  }
  if (!moment.priority.empty()) out.priorities.push_back(moment.priority);
  if (out.places.size() < kMostPlaces)
    out.places.push_back({t, t, moment.placed, "", "", {moment.source}});
}

}  // namespace

Value moment_value(const Expr& term, const CaseFacts& facts, const Cohort& cohort) {
  std::vector<Span> spans;
  Value problem = spans_of(term, facts, spans);
  if (problem.state == Value::State::kNotAsked) return problem;
  const auto streams = watching(term, facts, cohort);
  Counted counted;
  for (const Moment& moment : facts.moments.all)
    if (asked(term, moment)) count(moment, spans, !term.within, counted);
  if (streams.empty() && counted.all == 0)
    return not_asked(Why::kNotRecorded, "no stream that could have brought " + name_of_term(term) +
                                            " was recorded in it");
  if (spans.empty()) {
    const bool condition = term.part == Part::kNone || term.part == Part::kComplete;
    return condition ? holding(false, {}) : Value();
  }
  const bool time = term.part == Part::kFirst || term.part == Part::kLast;
  const bool broken = std::ranges::any_of(counted.places, [](const Place& p) { return !p.placed; });
  if (counted.unplaced || (time && broken))
    return not_asked(Why::kWithheld,
                     "the clock that placed " + name_of_term(term) + " in time was broken");
  for (const Span& span : spans)
    for (const auto* watch : streams)
      if (!watch->covering(ns(span.t0_s), ns(span.t1_s) - 1).empty()) counted.most = kInfinity;
  if (streams.empty()) counted.most = kInfinity;
  switch (term.part) {
    case Part::kNone:
    case Part::kComplete: {
      Value out = holding(counted.all > 0, std::move(counted.places));
      out.sure = out.holds ? counted.least > 0 : counted.most == 0;
      return out;
    }
    case Part::kCount: {
      Value out = known(counted.all, std::move(counted.places));
      out.low = counted.least;
      out.high = counted.most;
      return out;
    }
    case Part::kPriority: {
      Value out;
      out.state = Value::State::kKnown;
      out.texts = std::move(counted.priorities);
      out.places = std::move(counted.places);
      return out;
    }
    default: break;
  }
  const bool first = term.part == Part::kFirst;
  if (!counted.first) return {};
  Value out = known(first ? *counted.first : *counted.last, std::move(counted.places));
  const double u95 = first ? counted.first_u95 : counted.last_u95;
  out.low -= u95;
  out.high += u95;
  return out;
}

Value vital_value(const Expr& term, const CaseFacts& facts, const Cohort& cohort) {
  std::vector<Span> spans;
  Value problem = spans_of(term, facts, spans);
  if (problem.state == Value::State::kNotAsked) return problem;
  if (spans.empty()) return {};
  const std::string& name = term.args.front().text;
  std::set<std::string> streams;
  Value out;
  double values = 0, sum = 0;
  bool whole = true;
  for (const VitalFact& one : facts.vitals) {
    if (one.channel != name && one.stream + "/" + one.channel != name) continue;
    streams.insert(one.stream);
    const bool asked = term.within ? one.phase < facts.phases.size() &&
                                         facts.phases[one.phase].label == term.within->text &&
                                         facts.phases[one.phase].level == "phase"
                                   : one.phase == SIZE_MAX;
    if (!asked) continue;
    if (term.within && !one.placed)
      return not_asked(Why::kWithheld, "the clock of " + one.stream + " was broken");
    const auto unit = cohort.unit_of_channel.find(name);
    if (unit != cohort.unit_of_channel.end() && unit->second != one.unit)
      return not_asked(Why::kNotRecorded, "its " + name + " is in " + one.unit + ", not in " +
                                              unit->second + " as in most cases");
    const auto& found = one.values;
    whole = whole && one.whole;
    if (found.values == 0) continue;
    const bool fresh = values == 0;
    if (term.part == Part::kMin) out.number = fresh ? found.min : std::min(out.number, found.min);
    if (term.part == Part::kMax) out.number = fresh ? found.max : std::max(out.number, found.max);
    values += static_cast<double>(found.values);
    sum += found.mean * static_cast<double>(found.values);
    out.places.push_back({one.t0_s, one.t1_s, true, "", "", found.sources});
  }
  if (streams.size() > 1)
    return not_asked(Why::kNotRecorded, "several of its streams have " + name +
                                            "; ask for one as \"" + *streams.begin() + "/" + name +
                                            "\"");
  if (values == 0)
    return not_asked(Why::kNotRecorded,
                     name + " was not recorded" + (term.within ? " in that phase" : " in it"));
  if (term.part == Part::kMean) out.number = sum / values;
  if (term.part == Part::kCount) out.number = values;
  out.state = Value::State::kKnown;
  out.low = whole || term.part == Part::kMax || term.part == Part::kCount ? out.number : -kInfinity;
  out.high = whole || term.part == Part::kMin ? out.number : kInfinity;
  return out;
}

Cohort cohort_of(const std::vector<CaseFacts>& cases) {
  Cohort out;
  std::map<std::string, std::map<std::string, size_t>> units;
  for (const CaseFacts& facts : cases) {
    for (const Moment& moment : facts.moments.all)
      if (moment.kind == MomentKind::kDevice || moment.kind == MomentKind::kRoom ||
          moment.kind == MomentKind::kText || moment.kind == MomentKind::kShown)
        out.streams_of_event[moment.code].insert(moment.stream);
    for (const VitalFact& one : facts.vitals) {
      if (one.phase != SIZE_MAX) continue;
      ++units[one.channel][one.unit];
      ++units[one.stream + "/" + one.channel][one.unit];
    }
  }
  for (const auto& [channel, counts] : units)
    out.unit_of_channel[channel] =
        std::ranges::max_element(counts, {}, [](const auto& c) { return c.second; })->first;
  return out;
}

}  // namespace casebox::tools::query
