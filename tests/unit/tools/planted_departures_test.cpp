// The cholecystectomy protocol against what the simulator plants. The event log is made of the plan
// itself, so only the norm and the method are judged here; recordings are judged end to end
// elsewhere.

#include <gmock/gmock.h>

#include <algorithm>

#include "analytics/conformance/conform.h"
#include "recorder/sim/plan.h"
#include "tools/findings/norms.h"

namespace casebox::tools {
namespace {

using analytics::EventLog;
using analytics::LogEvent;
using analytics::Trace;
using analytics::conformance::CaseResult;
using analytics::conformance::Observability;

struct Simulated {
  EventLog log;
  Trace trace;
  Observability seen;
  recorder::sim::Plan plan;
};

int64_t ns(double s) { return static_cast<int64_t>(s * 1e9); }

void add(Simulated& out, const std::string& activity, double t0, double t1) {
  LogEvent e;
  e.activity = out.log.intern(activity);
  e.t0_ns = ns(t0);
  e.t1_ns = ns(t1);
  e.u95_ns = 10'000'000;
  e.source_order = static_cast<uint32_t>(out.trace.events.size());
  out.trace.events.push_back(e);
}

Simulated simulate(uint64_t seed, const std::set<std::string>& faults, bool clean = false) {
  recorder::sim::Options options;
  options.seed = seed;
  options.video = false;
  options.faults = faults;
  options.clean = clean;
  Simulated out;
  auto plan = recorder::sim::make_plan(options);
  EXPECT_TRUE(plan) << plan.error().message;
  out.plan = *std::move(plan);
  out.seen.observers = {{"team.marks", true, true, {}}, {"instrument.use", false, true, {}}};
  for (auto& observer : *out.seen.observers)
    for (const auto& d : out.plan.dropouts)
      if (d.stream == observer.stream)
        observer.lapses.push_back({ns(d.start_s), ns(d.end_s), "dropout"});
  out.seen.case_t0_ns = 0;
  out.seen.case_t1_ns = ns(out.plan.duration_s);
  for (const auto& p : out.plan.phases)
    add(out, recorder::sim::to_string(p.phase), p.start_s, p.end_s);
  for (const auto& e : out.plan.events) {
    if (!e.event.has_mark()) continue;
    const bool lost = std::ranges::any_of(out.plan.dropouts, [&](const auto& d) {
      return d.stream == e.stream && e.t_s >= d.start_s && e.t_s <= d.end_s;
    });
    const v1::TeamMark& mark = e.event.mark();
    if (lost || mark.code().starts_with("phase.")) continue;
    if (mark.code() == "reason")
      out.seen.reasons.push_back({mark.label(), mark.reason(), ns(e.t_s)});
    else
      add(out, mark.code() == "step.done" ? mark.label() : mark.code(), e.t_s, e.t_s);
  }
  return out;
}

CaseResult judge(const Simulated& simulated) {
  static const NormFile model = *load_norm("lap-cholecystectomy");
  auto result = analytics::conformance::conform(model.norm, simulated.log, simulated.trace,
                                                simulated.seen, {});
  EXPECT_TRUE(result) << result.error().message;
  return *std::move(result);
}

bool found(const CaseResult& result, const recorder::sim::Departure& planted) {
  return std::ranges::any_of(result.departures, [&](const auto& d) {
    const bool certain = d.certainty != v1::CERTAINTY_AMBIGUOUS;
    return to_string(d.kind) == planted.kind && d.step == planted.step &&
           certain == planted.certain;
  });
}

TEST(PlantedDepartures, ACleanCaseHasNone) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const CaseResult result = judge(simulate(seed, {}, true));
    EXPECT_EQ(result.cost, 0) << "seed " << seed;
    EXPECT_TRUE(result.departures.empty())
        << "seed " << seed << ": " << result.departures.front().text;
  }
}

TEST(PlantedDepartures, OfEveryKindAreFoundAndNothingElseIsCertain) {
  size_t planted = 0, recalled = 0, claimed = 0, right = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Simulated simulated = simulate(seed, {});
    const CaseResult result = judge(simulated);
    for (const auto& d : simulated.plan.departures) {
      ++planted;
      recalled += found(result, d);
    }
    for (const auto& d : result.departures) {
      if (d.certainty != v1::CERTAINTY_CERTAIN) continue;
      ++claimed;
      right += std::ranges::any_of(simulated.plan.departures, [&](const auto& p) {
        return p.kind == to_string(d.kind) && p.step == d.step && p.certain;
      });
    }
  }
  RecordProperty("planted", static_cast<int>(planted));
  EXPECT_GT(planted, 200u);
  EXPECT_GE(static_cast<double>(recalled), .95 * static_cast<double>(planted))
      << recalled << " of " << planted;
  EXPECT_GE(static_cast<double>(right), .98 * static_cast<double>(claimed))
      << right << " of " << claimed;
}

TEST(PlantedDepartures, OneKindAtATime) {
  for (const char* kind :
       {"missing", "extra", "order", "time", "unobserved", "justified", "ambiguous"}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const Simulated simulated = simulate(seed, {kind});
      const CaseResult result = judge(simulated);
      for (const auto& d : simulated.plan.departures)
        EXPECT_TRUE(found(result, d)) << kind << " " << d.step << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace casebox::tools
