#include "tools/query/relation_rows.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "tools/cli/names.h"

namespace casebox::tools::query {
namespace {

using analytics::facts::Moment;
using analytics::facts::MomentKind;

const Cell kNull;
constexpr const char* kBrokenClock = "the clock of its stream was broken";

Cell text(const std::string& value) { return value.empty() ? kNull : Cell(value); }
Cell flag(bool value) { return int64_t{value}; }
Cell whole(uint64_t value) { return static_cast<int64_t>(value); }
Cell real(const std::optional<double>& value) { return value ? Cell(*value) : kNull; }

template <typename Ranges>
Cell sources(const Ranges& ranges) {
  std::string out;
  for (const v1::SourceRange& range : ranges)
    out += (out.empty() ? "" : " ") + to_string(Epoch{range.epoch()}) + "/" +
           std::to_string(range.stream_id()) + "/" + std::to_string(range.first_number()) + "-" +
           std::to_string(range.last_number());
  return text(out);
}

Cells begin(const CaseFacts& facts) { return {to_string(facts.id), facts.verdict}; }

void add(Cells& row, std::initializer_list<Cell> cells) {
  row.insert(row.end(), cells.begin(), cells.end());
}

std::string why_withheld(const CaseFacts& facts) {
  return facts.withheld.empty() ? "" : facts.withheld.front();
}

void intervals(const CaseFacts& facts, const std::string& level, const Put& put) {
  std::map<std::string, int64_t> entries;
  for (const PhaseFact& phase : facts.phases) {
    if (phase.level != level) continue;
    const bool timed = phase.placed && facts.withheld.empty();
    const bool bounded = phase.start && phase.end && !phase.open;
    const auto if_placed = [&](const std::optional<double>& value) {
      return phase.placed ? real(value) : kNull;
    };
    const auto side = [&](const std::optional<Bound>& bound, double Bound::*which) {
      return phase.placed && bound ? Cell((*bound).*which) : kNull;
    };
    Cells row = begin(facts);
    add(row, {phase.label, ++entries[phase.label], text(phase.origin), text(phase.by),
              phase.placed ? Cell(phase.t0_s) : kNull, phase.placed ? Cell(phase.t1_s) : kNull,
              timed ? Cell(phase.t1_s - phase.t0_s) : kNull, if_placed(phase.start_u95_s()),
              if_placed(phase.end_u95_s()), side(phase.start, &Bound::low_s),
              side(phase.start, &Bound::high_s), side(phase.end, &Bound::low_s),
              side(phase.end, &Bound::high_s),
              timed && bounded ? Cell(std::hypot(*phase.start_u95_s(), *phase.end_u95_s())) : kNull,
              flag(phase.open), text(timed ? "" : why_withheld(facts)), text(phase.finding_id),
              sources(phase.sources)});
    put(std::move(row));
  }
}

/// The phase in which a moment was, where both have a place in time.
Cell phase_at(const CaseFacts& facts, const Moment& moment) {
  if (!moment.placed) return kNull;
  const double t = seconds_of(moment.t_ns);
  for (const PhaseFact& phase : facts.phases)
    if (phase.level == "phase" && phase.placed && t >= phase.t0_s && t < phase.t1_s)
      return phase.label;
  return kNull;
}

Cell when(const Moment& moment) { return moment.placed ? Cell(seconds_of(moment.t_ns)) : kNull; }
Cell u95_of(const Moment& moment) {
  return moment.placed && moment.u95_ns ? Cell(seconds_of(*moment.u95_ns)) : kNull;
}
Cell withheld(const Moment& moment) { return text(moment.placed ? "" : kBrokenClock); }

/// When what began ended: the next end of the same code in the same stream.
Cell end_of(const CaseFacts& facts, size_t index) {
  const auto& all = facts.moments.all;
  const Moment& began = all[index];
  if (!began.placed) return kNull;
  for (size_t i = index + 1; i < all.size(); ++i) {
    const Moment& next = all[i];
    if (next.kind != began.kind || next.code != began.code || next.stream != began.stream) continue;
    return next.on.value_or(true) ? kNull : Cell(seconds_of(next.t_ns));
  }
  return kNull;
}

}  // namespace

void case_rows(const CaseFacts& facts, const Put& put) {
  const std::string start = facts.start_utc_ns == 0 ? "" : rfc3339(UtcTime{facts.start_utc_ns});
  const bool compared = !facts.sealed && facts.comparison.ran();
  std::string scopes;
  for (const std::string& scope : facts.consent) scopes += (scopes.empty() ? "" : " ") + scope;
  Cells row = begin(facts);
  add(row,
      {flag(facts.complete), facts.procedure, facts.room, facts.state, text(start),
       text(start.substr(0, std::min<size_t>(10, start.size()))), facts.duration_s,
       whole(facts.gap_frames), flag(!facts.sealed), text(facts.sealed_why),
       text(facts.phase_source), text(why_withheld(facts)), facts.sealed ? kNull : flag(compared),
       text(facts.sealed ? "" : why_not_compared(facts.comparison)),
       text(compared ? facts.comparison.norm.id : ""),
       compared ? whole(facts.departures.size()) : kNull,
       compared ? whole(static_cast<uint64_t>(
                      std::ranges::count(facts.departures, "certain", &DepartureFact::certainty)))
                : kNull,
       facts.sealed ? kNull : flag(facts.consent_stated),
       facts.sealed || !facts.consent_stated ? kNull : Cell(scopes)});
  put(std::move(row));
}

void phase_rows(const CaseFacts& facts, const Put& put) { intervals(facts, "phase", put); }
void step_rows(const CaseFacts& facts, const Put& put) { intervals(facts, "step", put); }
void span_rows(const CaseFacts& facts, const Put& put) { intervals(facts, "mark", put); }

void departure_rows(const CaseFacts& facts, const Put& put) {
  if (!facts.comparison.ran()) return;
  for (const DepartureFact& one : facts.departures) {
    Cells row = begin(facts);
    add(row,
        {one.deviation, text(one.step), text(one.certainty), text(one.value), real(one.severity),
         real(one.margin), one.placed ? real(one.excess_s) : kNull, text(one.norm),
         one.placed ? Cell(one.t0_s) : kNull, one.placed ? Cell(one.t1_s) : kNull,
         text(one.placed ? "" : "the comparison withheld them"), text(one.text), one.finding_id,
         sources(one.sources)});
    put(std::move(row));
  }
}

void event_rows(const CaseFacts& facts, const Put& put) {
  for (const Moment& one : facts.moments.all) {
    if (one.kind == MomentKind::kAlarm || one.kind == MomentKind::kMark ||
        one.kind == MomentKind::kChecklist)
      continue;
    Cells row = begin(facts);
    add(row, {to_string(one.kind), text(one.code), one.on ? flag(*one.on) : kNull, text(one.value),
              real(one.number), text(one.unit), text(one.stream), when(one), u95_of(one),
              phase_at(facts, one), withheld(one), sources(std::vector{one.source})});
    put(std::move(row));
  }
}

void alarm_rows(const CaseFacts& facts, const Put& put) {
  for (size_t i = 0; i < facts.moments.all.size(); ++i) {
    const Moment& one = facts.moments.all[i];
    if (one.kind != MomentKind::kAlarm || !one.on.value_or(true)) continue;
    Cells row = begin(facts);
    add(row, {text(one.code), text(one.priority), real(one.number), text(one.unit),
              text(one.stream), when(one), end_of(facts, i), u95_of(one), phase_at(facts, one),
              withheld(one), sources(std::vector{one.source})});
    put(std::move(row));
  }
}

void door_rows(const CaseFacts& facts, const Put& put) {
  for (size_t i = 0; i < facts.moments.all.size(); ++i) {
    const Moment& one = facts.moments.all[i];
    if (!door_opened(one)) continue;
    Cells row = begin(facts);
    add(row, {text(one.stream), when(one), end_of(facts, i), u95_of(one), phase_at(facts, one),
              withheld(one), sources(std::vector{one.source})});
    put(std::move(row));
  }
}

void mark_rows(const CaseFacts& facts, const Put& put) {
  for (const Moment& one : facts.moments.all) {
    if (one.kind != MomentKind::kMark) continue;
    Cells row = begin(facts);
    add(row, {text(one.code), text(one.label), text(one.value), text(one.role), text(one.stream),
              when(one), u95_of(one), phase_at(facts, one), withheld(one),
              sources(std::vector{one.source})});
    put(std::move(row));
  }
}

void checklist_rows(const CaseFacts& facts, const Put& put) {
  for (const Moment& one : facts.moments.all) {
    if (one.kind != MomentKind::kChecklist) continue;
    Cells row = begin(facts);
    add(row, {text(one.code), flag(one.on.value_or(false)), text(one.stream), when(one),
              u95_of(one), phase_at(facts, one), withheld(one), sources(std::vector{one.source})});
    put(std::move(row));
  }
}

void vital_rows(const CaseFacts& facts, const Put& put) {
  for (const VitalFact& one : facts.vitals) {
    const bool part = one.phase < facts.phases.size();
    if (part && facts.phases[one.phase].level != "phase") continue;
    int64_t entry = 0;
    if (part)
      for (size_t i = 0; i <= one.phase; ++i)
        entry += facts.phases[i].label == facts.phases[one.phase].label &&
                 facts.phases[i].level == "phase";
    const bool given = !part || one.placed;
    const bool any = given && one.values.values > 0;
    Cells row = begin(facts);
    add(row, {one.stream, one.channel, text(one.unit),
              part ? Cell(facts.phases[one.phase].label) : kNull, part ? Cell(entry) : kNull,
              given ? whole(one.values.values) : kNull, given ? whole(one.values.missing) : kNull,
              given ? flag(one.whole) : kNull, any ? Cell(one.values.min) : kNull,
              any ? Cell(one.values.max) : kNull, any ? Cell(one.values.mean) : kNull,
              text(given                            ? ""
                   : facts.phases[one.phase].placed ? kBrokenClock
                                                    : why_withheld(facts)),
              any ? sources(one.values.sources) : kNull});
    put(std::move(row));
  }
}

void forecast_rows(const CaseFacts& facts, const Put& put) {
  for (const ForecastFact& one : facts.twin.scores) {
    Cells row = begin(facts);
    add(row, {text(one.variable), text(one.unit), text(one.model), one.horizon_s,
              whole(one.forecasts), whole(one.scored), real(one.mae), real(one.persistence_mae),
              real(one.bias), real(one.crps), real(one.coverage90), text(one.withheld),
              one.finding_id, sources(one.sources)});
    put(std::move(row));
  }
}

void gap_rows(const CaseFacts& facts, const Put& put) {
  for (const GapFact& one : facts.gaps) {
    Cells row = begin(facts);
    add(row, {text(one.stream), text(one.reason), text(one.origin), one.t0_s, one.t1_s,
              one.missing ? whole(*one.missing) : kNull, sources(std::vector{one.source})});
    put(std::move(row));
  }
}

void clock_rows(const CaseFacts& facts, const Put& put) {
  for (const ClockFact& one : facts.clocks) {
    std::string streams;
    for (const std::string& stream : one.streams) streams += (streams.empty() ? "" : " ") + stream;
    Cells row = begin(facts);
    add(row,
        {whole(one.clock_id), text(streams), flag(one.broken), whole(one.sets), real(one.u95_s)});
    put(std::move(row));
  }
}

void coverage_rows(const CaseFacts& facts, const Put& put) {
  const auto at = [](int64_t ns) {
    return ns == INT64_MIN || ns == INT64_MAX ? kNull : Cell(seconds_of(ns));
  };
  for (const auto& watch : facts.coverage.streams) {
    const auto row = [&](Cell t0, Cell t1, Cell why) {
      Cells cells = begin(facts);
      add(cells, {watch.stream, whole(watch.items), flag(watch.people), std::move(t0),
                  std::move(t1), std::move(why)});
      put(std::move(cells));
    };
    if (watch.lapses.empty()) row(kNull, kNull, kNull);
    for (const auto& lapse : watch.lapses) row(at(lapse.t0_ns), at(lapse.t1_ns), lapse.why);
  }
}

void consent_rows(const CaseFacts& facts, const Put& put) {
  for (const std::string& scope : facts.consent) {
    Cells row = begin(facts);
    add(row, {scope});
    put(std::move(row));
  }
}

}  // namespace casebox::tools::query
