#include <gmock/gmock.h>

#include <algorithm>

#include "analytics/conformance/conform.h"

namespace casebox::analytics::conformance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr int64_t kSecond = 1'000'000'000;

/// prepare, (a | b), finish; `team` sees prepare and finish.
v1::Protocol small_protocol() {
  v1::Protocol p;
  p.set_id("small");
  p.set_version("1.0.0");
  for (const char* id : {"prepare", "a", "b", "finish", "free"}) {
    v1::ProtocolStep& step = *p.add_steps();
    step.set_id(id);
    if (*id == 'p' || std::string(id) == "finish") step.add_observed_by("team.marks");
  }
  p.mutable_steps(4)->set_latitude(v1::PROTOCOL_LATITUDE_FREE);
  p.mutable_flow()->add_sequence()->set_step("prepare");
  v1::ProtocolFlow& choice = *p.mutable_flow()->add_sequence();
  choice.add_choice()->set_step("a");
  choice.add_choice()->set_step("b");
  p.mutable_flow()->add_sequence()->set_step("finish");
  return p;
}

class Departures : public testing::Test {
 protected:
  void at(const std::string& activity, double t0, double t1 = -1, double u95 = 0) {
    LogEvent e;
    e.activity = log_.intern(activity);
    e.t0_ns = static_cast<int64_t>(t0 * 1e9);
    e.t1_ns = static_cast<int64_t>((t1 < 0 ? t0 : t1) * 1e9);
    e.u95_ns = static_cast<int64_t>(u95 * 1e9);
    e.source_order = static_cast<uint32_t>(trace_.events.size());
    trace_.events.push_back(e);
  }
  CaseResult run() {
    norm_ = *protocol::compile(protocol_);
    auto result = conform(norm_, log_, trace_, seen_, options_);
    EXPECT_TRUE(result) << result.error().message;
    return *std::move(result);
  }
  static std::vector<std::string> brief(const CaseResult& result) {
    std::vector<std::string> out;
    for (const Departure& d : result.departures) out.push_back(to_string(d.kind) + (" " + d.step));
    return out;
  }

  v1::Protocol protocol_ = small_protocol();
  protocol::Norm norm_;
  EventLog log_;
  Trace trace_;
  Observability seen_;
  Options options_;
};

TEST_F(Departures, ACaseThatFollowsTheNormHasNone) {
  at("prepare", 1);
  at("free", 2);
  at("b", 3);
  at("finish", 4);
  const CaseResult result = run();
  EXPECT_THAT(brief(result), ElementsAre());
  EXPECT_EQ(result.fitness(), 1);
}

TEST_F(Departures, AMissingStepSaysWhereItCouldHaveBeen) {
  at("a", 10);
  at("finish", 20);
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("missing prepare"));
  const Departure& d = result.departures[0];
  EXPECT_EQ(d.certainty, v1::CERTAINTY_CERTAIN);
  EXPECT_FALSE(d.margin);  // no explanation is without it
  EXPECT_EQ(d.t1_ns, 10 * kSecond);
  EXPECT_THAT(d.text, HasSubstr("is not in the log"));
  EXPECT_EQ(result.fitness_num, 4);
  EXPECT_EQ(result.fitness_den, 5);
}

TEST_F(Departures, NotObservedIsNotOmitted) {
  at("a", 10);
  at("finish", 20);
  seen_.case_t0_ns = 0;
  seen_.case_t1_ns = 30 * kSecond;
  seen_.observers = {{"team.marks", true, true, {{4 * kSecond, 6 * kSecond, "off"}}}};
  EXPECT_THAT(brief(run()), ElementsAre("unobserved prepare"));
  // after it had to be done
  seen_.observers = {{"team.marks", true, true, {{12 * kSecond, 16 * kSecond, "off"}}}};
  EXPECT_THAT(brief(run()), ElementsAre("missing prepare"));
  // of what does not show it
  seen_.observers = {{"team.marks", true, true, {}},
                     {"monitor.ecg", false, true, {{4 * kSecond, 6 * kSecond, "off"}}}};
  EXPECT_THAT(brief(run()), ElementsAre("missing prepare"));
  seen_.observers.emplace();
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("unobserved prepare"));
  EXPECT_THAT(result.departures[0].text, HasSubstr("team.marks is no part of this case"));
}

TEST_F(Departures, AStepThatNothingIsSaidToShowIsNotObserved) {
  at("prepare", 1);
  at("finish", 20);
  protocol_.mutable_flow()->mutable_sequence(1)->mutable_choice()->RemoveLast();
  EXPECT_THAT(brief(run()), ElementsAre("missing a"));  // of a log nothing else is known
  seen_.observers = {{"team.marks", true, true, {}}};
  EXPECT_THAT(brief(run()), ElementsAre("unobserved a"));
}

// One that looked away while another watched leaves nothing unwatched; both at once do.
TEST_F(Departures, SeveralObserversWatchTogether) {
  at("a", 10);
  at("finish", 20);
  seen_.case_t0_ns = 0;
  seen_.case_t1_ns = 30 * kSecond;
  protocol_.mutable_steps(0)->add_observed_by("room.video");
  seen_.observers = {{"team.marks", true, true, {{2 * kSecond, 5 * kSecond, "off"}}},
                     {"room.video", false, true, {{6 * kSecond, 9 * kSecond, "lens"}}}};
  const CaseResult watched = run();
  ASSERT_THAT(brief(watched), ElementsAre("missing prepare"));
  EXPECT_THAT(watched.departures[0].text,
              HasSubstr("was neither marked nor left a trace; it belongs between 0:00:00 and "
                        "0:00:10; it would show in team.marks and room.video"));
  (*seen_.observers)[1].lapses[0].t0_ns = 5 * kSecond;
  const CaseResult dark = run();
  ASSERT_THAT(brief(dark), ElementsAre("unobserved prepare"));
  EXPECT_EQ(dark.departures[0].unwatched, "team.marks: off, room.video: lens (0:00:05 to 0:00:05)");
}

// What came before a record, or after it, nobody knows: only where the record is known to hold the
// beginning and begins before the first event can a step be missing there.
TEST_F(Departures, AStepThatBelongsOutsideOfTheRecordIsNotObserved) {
  at("a", 10, -1, 2);
  at("finish", 20);
  seen_.case_t0_ns = 0;
  seen_.case_t1_ns = 30 * kSecond;
  seen_.observers = {{"team.marks",
                      true,
                      true,
                      {{INT64_MIN, -1, "the record begins later"},
                       {30 * kSecond + 1, INT64_MAX, "the record ends earlier"}}}};
  EXPECT_THAT(brief(run()), ElementsAre("missing prepare"));
  seen_.holds_beginning = false;
  EXPECT_THAT(brief(run()), ElementsAre("unobserved prepare"));
  seen_.holds_beginning = true;
  trace_.events[0].u95_ns = 10 * kSecond;  // it may have begun with the record
  EXPECT_THAT(brief(run()), ElementsAre("unobserved prepare"));
  trace_.events.clear();
  at("prepare", 5);
  at("a", 10);
  EXPECT_THAT(brief(run()), ElementsAre("missing finish"));
  seen_.holds_end = false;
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("unobserved finish"));
  EXPECT_EQ(result.departures[0].unwatched, "team.marks: the record ends earlier");
}

TEST_F(Departures, WhatPeopleWouldHaveMarkedWasNotMarkedAndNothingMore) {
  at("a", 10);
  at("finish", 20);
  seen_.case_t0_ns = 0;
  seen_.observers = {{"team.marks", true, true, {}}};
  EXPECT_EQ(run().departures[0].text,
            "prepare was not marked; it belongs between 0:00:00 and 0:00:10; marks are in "
            "team.marks, recorded all that time.");
  seen_.observers = {{"team.marks", false, true, {}}};
  EXPECT_EQ(run().departures[0].text,
            "prepare left no trace; it belongs between 0:00:00 and 0:00:10; it would show in "
            "team.marks, recorded all that time.");
}

TEST_F(Departures, AnObserverThatMissesTheStepTooOftenMakesNothingCertain) {
  at("a", 10);
  at("finish", 20);
  seen_.case_t0_ns = 0;
  seen_.observers = {{"team.marks", true, true, {}}};
  protocol_.mutable_steps(0)->set_detect(.96);
  EXPECT_EQ(run().departures[0].certainty, v1::CERTAINTY_CERTAIN);
  protocol_.mutable_steps(0)->set_detect(.9);
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("missing prepare"));
  EXPECT_EQ(result.departures[0].certainty, v1::CERTAINTY_AMBIGUOUS);
  EXPECT_FALSE(result.departures[0].scored());
  EXPECT_THAT(result.departures[0].text, HasSubstr("found in 90 % of the times"));
}

// Of a recorded case, an event without a bound; of a log, one of which the order alone is told.
TEST_F(Departures, AnOrderOnAClockThatCannotBeUsedIsNotCertain) {
  at("a", 10);
  at("finish", 20);
  at("prepare", 30);
  trace_.events[2].timed = false;
  EXPECT_THAT(brief(run()), ElementsAre("order prepare"));
  EXPECT_EQ(run().departures[0].certainty, v1::CERTAINTY_CERTAIN);
  seen_.observers = {{"team.marks", true, true, {}}};
  EXPECT_EQ(run().departures[0].certainty, v1::CERTAINTY_AMBIGUOUS);
}

// A step can have been done as late as the event after it can have begun.
TEST_F(Departures, AGapWithinTheUncertaintyOfAStepsPlaceLeavesItUnobserved) {
  at("a", 10, -1, 3);
  at("finish", 20);
  seen_.case_t0_ns = 0;
  seen_.case_t1_ns = 60 * kSecond;
  seen_.observers = {{"team.marks", true, true, {{12 * kSecond, 16 * kSecond, "off"}}}};
  EXPECT_THAT(brief(run()), ElementsAre("unobserved prepare"));
  trace_.events[0].u95_ns = kSecond;
  EXPECT_THAT(brief(run()), ElementsAre("missing prepare"));
  trace_.events[0].u95_ns = -1;  // no bound is known
  EXPECT_THAT(brief(run()), ElementsAre("unobserved prepare"));
}

TEST_F(Departures, AMissingStepThatMayHaveBeenDoneUnseenIsNotCertainAndNotScored) {
  at("prepare", 1);
  at("finish", 20);
  seen_.unfound = {{"a", .3}, {"prepare", .9}};
  protocol_.mutable_flow()->mutable_sequence(1)->mutable_choice()->RemoveLast();
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("missing a"));
  const Departure& d = result.departures[0];
  EXPECT_EQ(d.certainty, v1::CERTAINTY_AMBIGUOUS);
  EXPECT_EQ(d.done_unseen, .3);
  EXPECT_THAT(d.text, HasSubstr("was not found; it belongs between 0:00:01 and 0:00:20"));
  EXPECT_THAT(d.text, HasSubstr("a probability of 30 % that it was done"));
  EXPECT_EQ(result.cost, 1);
  EXPECT_EQ(result.scored_cost, 0);
  EXPECT_FALSE(d.scored());
}

TEST_F(Departures, AMissingStepThatWasHardlyDoneUnseenIsCertain) {
  at("prepare", 1);
  at("finish", 20);
  seen_.unfound = {{"a", .019, true}};
  protocol_.mutable_flow()->mutable_sequence(1)->mutable_choice()->RemoveLast();
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("missing a"));
  EXPECT_EQ(result.departures[0].certainty, v1::CERTAINTY_CERTAIN);
  EXPECT_FALSE(result.departures[0].done_unseen);
  EXPECT_EQ(result.scored_cost, 1);
}

TEST_F(Departures, AReasonAndAGapComeBeforeDoubt) {
  at("a", 10);
  at("finish", 20);
  seen_.case_t0_ns = 0;
  seen_.unfound = {{"prepare", .5}};
  seen_.observers.emplace();
  const CaseResult blind = run();
  ASSERT_THAT(brief(blind), ElementsAre("unobserved prepare"));
  EXPECT_EQ(blind.departures[0].certainty, v1::CERTAINTY_UNOBSERVED);
  EXPECT_FALSE(blind.departures[0].done_unseen);
  seen_.reasons.push_back({"prepare", "emergency", 5 * kSecond});
  const CaseResult justified = run();
  ASSERT_THAT(brief(justified), ElementsAre("justified prepare"));
  EXPECT_EQ(justified.departures[0].certainty, v1::CERTAINTY_JUSTIFIED);
}

TEST_F(Departures, ARecordedReasonJustifiesAndIsNotScored) {
  at("prepare", 1);
  at("a", 10);
  at("stent", 15);
  at("finish", 20);
  const CaseResult before = run();
  EXPECT_THAT(brief(before), ElementsAre("extra stent"));
  EXPECT_EQ(before.scored_cost, 1);
  seen_.reasons.push_back({"stent", "leak", 16 * kSecond});
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("justified stent"));
  EXPECT_EQ(result.departures[0].deviation, Kind::kExtra);
  EXPECT_EQ(result.departures[0].certainty, v1::CERTAINTY_JUSTIFIED);
  EXPECT_THAT(result.departures[0].text, HasSubstr("leak"));
  EXPECT_EQ(result.cost, 1);
  EXPECT_EQ(result.scored_cost, 0);
}

// finish too early, a too late, or a not counted and b left out: all the same cost.
TEST_F(Departures, TwoStepsExchangedAreAmbiguousBecauseEitherMayHaveMoved) {
  at("prepare", 1);
  at("finish", 10);
  at("a", 20);
  const CaseResult result = run();
  EXPECT_THAT(brief(result),
              UnorderedElementsAre("order finish", "order a", "extra a", "missing b"));
  for (const Departure& d : result.departures) {
    EXPECT_EQ(d.certainty, v1::CERTAINTY_AMBIGUOUS) << d.text;
    EXPECT_EQ(d.margin, 0);
  }
  EXPECT_EQ(result.explanations, 3u);
}

TEST_F(Departures, AStepMovedPastTwoOthersIsCertain) {
  at("a", 10);
  at("finish", 20);
  at("prepare", 30);
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("order prepare"));
  EXPECT_EQ(result.departures[0].certainty, v1::CERTAINTY_CERTAIN);
  EXPECT_EQ(result.departures[0].margin, 2);  // else a and finish both moved
}

TEST_F(Departures, OrderWithinTheClocksUncertaintyIsMarked) {
  at("a", 10, -1, 5);
  at("prepare", 12, -1, 5);
  at("finish", 60);
  const CaseResult close = run();
  ASSERT_FALSE(close.departures.empty());
  for (const Departure& d : close.departures) EXPECT_TRUE(d.order_sensitive) << d.text;
  trace_.events[1].u95_ns = trace_.events[0].u95_ns = kSecond / 2;
  for (const Departure& d : run().departures) EXPECT_FALSE(d.order_sensitive) << d.text;
}

TEST_F(Departures, AToleranceIsAddedToEachEventsUncertainty) {
  at("a", 10);
  at("prepare", 12);
  at("finish", 60);
  for (const Departure& d : run().departures) EXPECT_FALSE(d.order_sensitive) << d.text;
  options_.tolerance_ns = kSecond - 1;
  for (const Departure& d : run().departures) EXPECT_FALSE(d.order_sensitive) << d.text;
  options_.tolerance_ns = kSecond;
  const CaseResult result = run();
  ASSERT_FALSE(result.departures.empty());
  for (const Departure& d : result.departures) EXPECT_TRUE(d.order_sensitive) << d.text;
}

TEST_F(Departures, AClockWithoutABoundLeavesEveryOrderOpen) {
  at("a", 10, -1, -1);
  at("prepare", 500, -1, -1);
  at("finish", 900, -1, -1);
  const CaseResult result = run();
  ASSERT_FALSE(result.departures.empty());
  for (const Departure& d : result.departures) EXPECT_TRUE(d.order_sensitive) << d.text;
}

TEST_F(Departures, ExchangesThatAreNotTriedAreCounted) {
  for (int i = 0; i < 20; ++i) at(i % 2 ? "a" : "b", i, -1, 100);
  options_.max_swaps = 3;
  EXPECT_THAT(run().notices, testing::Contains(HasSubstr("more than 3 pairs of events")));
  // The alignment itself needs fewer states than 64 times those of an exchange.
  options_.max_swaps = 64;
  options_.budget = 200;
  const CaseResult result = run();
  ASSERT_TRUE(result.exact);
  EXPECT_THAT(result.notices, testing::Contains(HasSubstr("exchanges of events were not tried")));
  for (const Departure& d : result.departures) EXPECT_FALSE(d.order_sensitive) << d.text;
}

TEST_F(Departures, AMarginIsALeastValueWhenTheBudgetEnds) {
  at("a", 10);
  at("finish", 20);
  at("prepare", 30);
  ASSERT_TRUE(run().departures[0].margin_exact);
  uint64_t budget = 6;  // enough for the shortest run of the norm
  options_.budget = budget;
  while (!run().exact) options_.budget = ++budget;
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("order prepare"));
  EXPECT_FALSE(result.departures[0].margin_exact);
  EXPECT_EQ(result.departures[0].margin, 1);  // of 2, which needs more searching
}

class Limits : public Departures {
 protected:
  void SetUp() override {
    v1::ProtocolCheck& check = *protocol_.add_checks();
    check.set_id("a-time");
    check.mutable_not_longer_than()->set_step("a");
    check.mutable_not_longer_than()->set_limit_s(10);
    at("prepare", 1);
    at("a", 2, 15, .5);
    at("finish", 20);
  }
};

TEST_F(Limits, ALimitExceededBeyondTheClocksUncertaintyIsADeparture) {
  const CaseResult result = run();
  ASSERT_THAT(brief(result), ElementsAre("time a"));
  EXPECT_EQ(result.departures[0].t0_ns, 12 * kSecond);
  EXPECT_EQ(result.departures[0].excess_ns, 3 * kSecond);
  EXPECT_EQ(result.departures[0].check, "a-time");
  EXPECT_EQ(result.cost, 0);  // time is no move
}

TEST_F(Limits, NothingIsClaimedWithinTheUncertainty) {
  trace_.events[1].u95_ns = 2 * kSecond;
  const CaseResult result = run();
  EXPECT_THAT(brief(result), ElementsAre());
  EXPECT_THAT(result.notices, ElementsAre(HasSubstr("no claim")));
}

TEST_F(Limits, NothingIsClaimedOfABrokenClock) {
  trace_.events[1].u95_ns = -1;
  EXPECT_THAT(brief(run()), ElementsAre());
  trace_.events[1].u95_ns = 0;
  trace_.events[1].timed = false;
  EXPECT_THAT(brief(run()), ElementsAre());
  trace_.events[1].timed = true;
  seen_.clocks_trusted = false;
  const CaseResult result = run();
  EXPECT_THAT(brief(result), ElementsAre());
  EXPECT_THAT(result.notices, ElementsAre(HasSubstr("no timing claim")));
}

TEST_F(Limits, AreScaled) {
  options_.limit_scale = 2;
  EXPECT_THAT(brief(run()), ElementsAre());
}

TEST_F(Departures, RulesAreJudgedOnTheOrderOfEvents) {
  const auto with = [&](auto set) {
    protocol_ = small_protocol();
    protocol_.clear_flow();
    protocol_.mutable_steps(4)->clear_latitude();
    set(*protocol_.add_checks());
    return brief(run());
  };
  at("finish", 1);
  at("a", 2);
  at("a", 3);
  EXPECT_THAT(with([](auto& c) { c.mutable_existence()->set_step("prepare"); }),
              ElementsAre("missing prepare"));
  EXPECT_THAT(with([](auto& c) { c.mutable_absence()->set_step("a"); }),
              ElementsAre("extra a", "extra a"));
  EXPECT_THAT(with([](auto& c) {
                c.mutable_at_most()->set_step("a");
                c.mutable_at_most()->set_count(1);
              }),
              ElementsAre("extra a"));
  EXPECT_THAT(with([](auto& c) {
                c.mutable_precedence()->set_first("a");
                c.mutable_precedence()->set_then("finish");
              }),
              ElementsAre("order a"));
  EXPECT_THAT(with([](auto& c) {
                c.mutable_precedence()->set_first("prepare");
                c.mutable_precedence()->set_then("finish");
              }),
              ElementsAre("missing prepare"));
  EXPECT_THAT(with([](auto& c) {
                c.mutable_response()->set_first("a");
                c.mutable_response()->set_then("finish");
              }),
              ElementsAre("order finish"));
  EXPECT_THAT(with([](auto& c) {
                c.mutable_not_together()->set_first("a");
                c.mutable_not_together()->set_then("finish");
              }),
              ElementsAre("extra a"));
  EXPECT_THAT(with([](auto& c) {
                c.mutable_within()->set_first("finish");
                c.mutable_within()->set_then("a");
                c.mutable_within()->set_limit_s(.5);
              }),
              ElementsAre("time a"));
}

TEST_F(Departures, ABudgetThatEndsGivesBounds) {
  for (int i = 0; i < 6; ++i) at(i % 2 ? "a" : "finish", i);
  const CaseResult exact = run();
  options_.budget = 6;
  const CaseResult bounded = run();
  EXPECT_FALSE(bounded.exact);
  EXPECT_LE(bounded.lower_bound, exact.cost);
  EXPECT_GE(bounded.cost, exact.cost);
  EXPECT_THAT(bounded.notices, testing::Contains(HasSubstr("budget")));
}

TEST_F(Departures, ACaseThatFollowsTheNormNeedsNoBudget) {
  options_.budget = 1;
  at("prepare", 1);
  at("a", 2);
  at("finish", 3);
  const CaseResult result = run();
  EXPECT_TRUE(result.exact);
  EXPECT_EQ(result.cost, 0);
  EXPECT_EQ(result.alignment.size(), 3u);
  EXPECT_TRUE(result.explanations_complete);
  at("a", 4);
  EXPECT_FALSE(run().exact);
}

TEST_F(Departures, ANormWhoseEndCannotBeReachedIsRefused) {
  norm_ = *protocol::compile(protocol_);
  norm_.net.finals[0].assign(norm_.net.places.size(), 9);
  const auto created = Conformer::create(norm_, {});
  ASSERT_FALSE(created);
  EXPECT_THAT(created.error().message, HasSubstr("end cannot be reached"));
}

}  // namespace
}  // namespace casebox::analytics::conformance
