#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "recorder/sim/plan.h"

namespace casebox::recorder::sim {
namespace {

Plan plan_of(uint64_t seed, bool clean = false) {
  Options options;
  options.seed = seed;
  options.clean = clean;
  return make_plan(options).value();
}

TEST(SimPlan, PhasesLastAsLongAsPublished) {
  std::map<Phase, std::vector<double>> logs;
  for (uint64_t seed = 1; seed <= 400; ++seed)
    for (const PhaseSpan& p : plan_of(seed, true).phases)
      logs[p.phase].push_back(std::log(p.end_s - p.start_s));
  for (int i = 0; i < kPhases; ++i) {
    const auto phase = static_cast<Phase>(i);
    auto& values = logs[phase];
    ASSERT_GT(values.size(), 300u) << to_string(phase);
    std::ranges::sort(values);
    const double median = values[values.size() / 2];
    const PhaseModel& model = model_of(phase);
    // Standard error of a median: 1.253 sigma / sqrt(n); the cut at 0.9 of the limit moves it a
    // little.
    EXPECT_NEAR(median, model.mu, 5 * model.sigma / std::sqrt(values.size())) << to_string(phase);
  }
}

TEST(SimPlan, APhaseIsLeftOutOnlyWhenAskedForAndIsThenPlanted) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_FALSE(plan_of(seed).has("phase-missing"));
    Options options;
    options.seed = seed;
    options.faults = {"phase-missing"};
    const Plan plan = make_plan(options).value();
    const auto dissection = std::ranges::find(plan.phases, Phase::kDissection, &PhaseSpan::phase);
    EXPECT_EQ(std::ranges::count(plan.phases, Phase::kPackaging, &PhaseSpan::phase), 0);
    ASSERT_EQ(plan.departures.size(), 1u);
    EXPECT_EQ(plan.departures[0].kind, "missing");
    EXPECT_EQ(plan.departures[0].step, "GallbladderPackaging");
    EXPECT_EQ(plan.departures[0].t_s, dissection->end_s);
    EXPECT_TRUE(plan.departures[0].certain);
  }
}

TEST(SimPlan, LastThreePhasesSwapAndRepeatNowAndThen) {
  int regular = 0, repeated = 0, swapped = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    const Plan plan = plan_of(seed, true);
    if (plan.phases.size() > 7) {
      ++repeated;
    } else if (plan.phases.size() == 7 && plan.phases[4].phase == Phase::kPackaging &&
               plan.phases[5].phase == Phase::kCleaning) {
      ++regular;
    } else {
      ++swapped;
    }
  }
  EXPECT_NEAR(regular / 400.0, .76, .07);
  EXPECT_NEAR(repeated / 400.0, .05, .035);
  EXPECT_NEAR(swapped / 400.0, .19, .065);
}

TEST(SimPlan, DoorsAlarmsAndTeamStepsComeAtPublishedRates) {
  double hours = 0, doors = 0, alarms = 0, debriefs = 0, time_outs = 0;
  constexpr int kSeeds = 300;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Options options;
    options.seed = seed;
    options.faults = {"clock-offset"};  // nothing planted in the team
    const Plan plan = make_plan(options).value();
    hours += plan.duration_s / 3600;
    for (const TimedEvent& e : plan.events) {
      doors += e.event.device().code() == "door" && e.event.device().on();
      alarms += e.event.alarm().active();
      debriefs += e.event.mark().code() == "debrief";
      time_outs += e.event.mark().code() == "time-out";
    }
  }
  EXPECT_NEAR(doors / hours, 34, 3);  // a door that stands open cannot be opened again
  EXPECT_NEAR(hours * 60 / alarms, 2.9, .2);
  EXPECT_NEAR(debriefs / kSeeds, .623, .085);
  EXPECT_EQ(time_outs, kSeeds);
  int missed = 0;
  for (uint64_t seed = 1; seed <= 900; ++seed) {
    Options options;
    options.seed = seed;
    const Plan plan = make_plan(options).value();
    if (plan.has("missing") || plan.has("unobserved") || plan.has("justified")) continue;
    missed += std::ranges::none_of(
        plan.events, [](const TimedEvent& e) { return e.event.mark().code() == "time-out"; });
  }
  EXPECT_GT(missed, 0);
  EXPECT_LT(missed, 14);
}

TEST(SimPlan, EveryKindOfDepartureAppearsOverSeedsAndIsTold) {
  std::set<std::string> kinds;
  bool ambiguous = false;
  for (uint64_t seed = 1; seed <= 40; ++seed)
    for (const Departure& d : plan_of(seed).departures) {
      kinds.insert(d.kind);
      ambiguous = ambiguous || !d.certain;
      EXPECT_EQ(d.kind == "justified", !d.reason.empty());
    }
  EXPECT_EQ(kinds, (std::set<std::string>{"missing", "extra", "order", "time", "unobserved",
                                          "justified"}));
  EXPECT_TRUE(ambiguous);
}

TEST(SimPlan, CleanPlantsNothing) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Plan plan = plan_of(seed, true);
    EXPECT_TRUE(plan.departures.empty());
    EXPECT_TRUE(plan.dropouts.empty());
    EXPECT_TRUE(plan.transports.empty());
    EXPECT_EQ(plan.late_share, 0);
    for (const DeviceClock& clock : plan.clocks) {
      EXPECT_EQ(clock.read_ns(1'000'000'000'000), 1'000'000'000'000);
      EXPECT_FALSE(clock.broken);
    }
    for (const PhaseSpan& p : plan.phases)
      EXPECT_LT(p.end_s - p.start_s, model_of(p.phase).limit_s);
  }
}

TEST(SimPlan, PlantedDeparturesAreInTheMarks) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const Plan plan = plan_of(seed);
    for (const Departure& d : plan.departures) {
      const auto marks = std::ranges::count_if(plan.events, [&](const TimedEvent& e) {
        const v1::TeamMark& m = e.event.mark();
        return m.code() == d.step || (m.code() == "step.done" && m.label() == d.step);
      });
      if (d.kind == "missing") {
        EXPECT_EQ(marks, 0) << d.step;
      }
      if (d.kind == "extra" || d.kind == "order" || d.kind == "unobserved") {
        EXPECT_EQ(marks, 1) << d.step;
      }
      if (d.kind == "time") {
        const auto phase = std::ranges::find_if(
            plan.phases, [&](const PhaseSpan& p) { return to_string(p.phase) == d.step; });
        EXPECT_GT(phase->end_s - phase->start_s, 1.25 * model_of(phase->phase).limit_s);
      }
    }
  }
}

TEST(SimPlan, DeviceClocksAreWrongByTwentyFourMinutesOnAverage) {
  double sum = 0, n = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed)
    for (const DeviceClock& clock : plan_of(seed).clocks) {
      if (clock.id >= 12) continue;
      sum += std::abs(clock.offset_s);
      ++n;
      EXPECT_GE(std::abs(clock.drift_ppm), 23);
      EXPECT_LE(std::abs(clock.drift_ppm), 80);
    }
  EXPECT_NEAR(sum / n / 60, 24, 3);
}

TEST(SimPlan, DevicesChangeNearEachPhaseBoundaryButNotAtIt) {
  static constexpr Tool kFirst[] = {Tool::kGrasper,    Tool::kHook,        Tool::kClipper,
                                    Tool::kHook,       Tool::kSpecimenBag, Tool::kIrrigator,
                                    Tool::kSpecimenBag};
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Plan plan = plan_of(seed);
    for (const PhaseSpan& p : plan.phases) {
      double delay = 1e9;
      for (const Span& use : plan.tools[static_cast<size_t>(kFirst[static_cast<int>(p.phase)])])
        if (use.on_s >= p.start_s) delay = std::min(delay, use.on_s - p.start_s);
      EXPECT_LT(delay, 5.01) << seed << " " << to_string(p.phase);
      EXPECT_GT(delay, 0.05) << seed << " " << to_string(p.phase);
    }
    EXPECT_GT(plan.pressure_target[1].t_s, plan.phases[0].start_s);
    EXPECT_LT(plan.pressure_target[1].t_s, plan.phases[0].end_s);
  }
}

TEST(SimPlan, RefusesWhatItDoesNotKnow) {
  Options options;
  options.procedure = "hip-replacement";
  EXPECT_EQ(make_plan(options).error().code, Code::kInvalidArgument);
  options = {};
  options.faults = {"meteorite"};
  EXPECT_EQ(make_plan(options).error().code, Code::kInvalidArgument);
  options = {};
  options.duration_scale = 0;
  EXPECT_EQ(make_plan(options).error().code, Code::kInvalidArgument);
}

TEST(SimPlan, PhaseMarksCanBeSwitchedOff) {
  Options options;
  options.phase_marks = false;
  for (const TimedEvent& e : make_plan(options).value().events)
    EXPECT_FALSE(e.event.mark().code().starts_with("phase."));
}

}  // namespace
}  // namespace casebox::recorder::sim
