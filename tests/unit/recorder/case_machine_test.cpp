#include "recorder/case_machine.h"

#include <gmock/gmock.h>

namespace casebox::recorder {
namespace {

using State = CaseMachine::State;
using Kind = Order::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CaseMachineTest : public ::testing::Test {
 protected:
  v1::SignalRule& pressure(google::protobuf::RepeatedPtrField<v1::CaseRule>* rules, double for_s) {
    v1::CaseRule& rule = *rules->Add();
    rule.set_for_s(for_s);
    v1::SignalRule& signal = *rule.add_all();
    signal.set_stream("insufflator.state");
    signal.set_channel("PRESSURE");
    return signal;
  }
  void begin_above(double mmhg, double for_s) {
    pressure(config_.mutable_begin(), for_s).set_above(mmhg);
  }
  void end_below(double mmhg, double for_s) {
    pressure(config_.mutable_end(), for_s).set_below(mmhg);
  }
  CaseMachine& machine() {
    if (!machine_) machine_.emplace(config_, RoomTime{});
    return *machine_;
  }
  static RoomTime at(double s) { return RoomTime{} + from_seconds(s); }
  /// A value ten times a second up to `until`, and what the rules decide meanwhile.
  std::vector<Order> run(double until, std::optional<double> mmhg) {
    std::vector<Order> out;
    for (; now_ < until - 1e-9; now_ += 0.1) {
      if (mmhg) {
        machine().hear("insufflator.state", at(now_));
        machine().value("insufflator.state", "PRESSURE", *mmhg, at(now_));
      }
      if (auto order = machine().step(at(now_))) out.push_back(*order);
      if (machine().state() == State::kEnding) machine().closed();
    }
    return out;
  }
  Result<Order> ask(Kind kind, const std::string& reason = "") {
    Order order;
    order.kind = kind;
    order.t = at(now_);
    order.by = "nurse";
    order.reason = reason;
    return machine().ask(order);
  }

  v1::CasesConfig config_;
  std::optional<CaseMachine> machine_;
  double now_ = 0;
};

TEST_F(CaseMachineTest, ACaseBeginsOnceItsSignalHasHeldForItsTime) {
  begin_above(5, 20);
  EXPECT_TRUE(run(10, 0.0).empty());
  EXPECT_TRUE(run(29, 12.0).empty()) << "19 s are not 20";
  const auto orders = run(40, 12.0);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].kind, Kind::kBegin);
  EXPECT_EQ(orders[0].by, "rule");
  EXPECT_EQ(orders[0].reason, "begin[0]");
  EXPECT_NEAR(orders[0].t.seconds(), 30, 0.11);
  EXPECT_EQ(machine().state(), State::kRecording);
}

TEST_F(CaseMachineTest, ASignalThatBreaksOffBeginsItsTimeAgain) {
  begin_above(5, 20);
  run(15, 12.0);
  run(16, 1.0);
  EXPECT_TRUE(run(35, 12.0).empty());
  EXPECT_EQ(run(37, 12.0).size(), 1u);
}

TEST_F(CaseMachineTest, ADropoutNeitherBeginsNorEndsACase) {
  begin_above(5, 20);
  end_below(2, 10);
  run(10, 12.0);
  EXPECT_TRUE(run(60, std::nullopt).empty()) << "12 mmHg of 50 s ago are nothing";
  ASSERT_EQ(run(90, 12.0).size(), 1u);
  run(94, 1.0);  // known for five seconds more
  EXPECT_EQ(machine().state(), State::kRecording) << "1 mmHg has not lasted";
  EXPECT_TRUE(run(400, std::nullopt).empty()) << "five minutes without a word end nothing";
  EXPECT_EQ(machine().state(), State::kRecording);
  EXPECT_EQ(run(420, 1.0).size(), 1u) << "ten seconds of it do";
}

TEST_F(CaseMachineTest, AnEndRuleCountsOnlyOnceItWasFalseInThatCase) {
  end_below(2, 10);
  ASSERT_TRUE(ask(Kind::kBegin));
  EXPECT_TRUE(run(120, 0.0).empty()) << "the pressure has not risen yet";
  run(150, 12.0);
  const auto orders = run(200, 0.0);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].kind, Kind::kEnd);
  EXPECT_NEAR(orders[0].t.seconds(), 160, 0.21);
}

TEST_F(CaseMachineTest, ACaseThatSomebodyEndedDoesNotBeginAgainByItself) {
  begin_above(5, 10);
  ASSERT_EQ(run(20, 12.0).size(), 1u);
  ASSERT_TRUE(ask(Kind::kEnd));
  machine().closed();
  EXPECT_TRUE(run(200, 12.0).empty()) << "the pressure is still there";
  EXPECT_TRUE(run(205, 0.0).empty());
  EXPECT_TRUE(run(250, 12.0).empty()) << "five seconds of none are too few";
  run(265, 0.0);
  EXPECT_EQ(run(300, 12.0).size(), 1u);
}

TEST_F(CaseMachineTest, AllSignalsOfARuleMustHoldAndAnyRuleSuffices) {
  begin_above(5, 1);
  config_.mutable_begin(0)->add_all()->set_stream("scope.video");
  config_.add_begin()->add_all()->set_stream("monitor.ecg");
  EXPECT_TRUE(run(10, 12.0).empty()) << "the scope does not deliver";
  machine().hear("monitor.ecg", at(now_));
  const auto orders = run(11, 0.0);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].reason, "begin[1]");
}

TEST_F(CaseMachineTest, ARuleForAStreamThatNeverComesSaysWhatItWaitsFor) {
  begin_above(5, 20);
  EXPECT_TRUE(run(60, std::nullopt).empty());
  const auto rules = machine().rules();
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_FALSE(rules[0].holds);
  EXPECT_THAT(rules[0].unknown, ElementsAre("insufflator.state/PRESSURE"));
}

TEST_F(CaseMachineTest, AStreamThatIsAbsentEndsACaseOnlyWhereThatIsAskedFor) {
  v1::SignalRule& signal = *config_.add_end()->add_all();
  signal.set_stream("insufflator.state");
  signal.set_absent(true);
  config_.mutable_end(0)->set_for_s(30);
  ASSERT_TRUE(ask(Kind::kBegin));
  EXPECT_TRUE(run(40, 1.0).empty());
  const auto orders = run(90, std::nullopt);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_NEAR(orders[0].t.seconds(), 40 + kSignalStale.seconds() + 30, 0.3);
}

TEST_F(CaseMachineTest, AStateThatADeviceToldHoldsUntilItTellsAnother) {
  begin_above(5, 20);
  machine().value("insufflator.state", "PRESSURE", 9, at(0), true);
  EXPECT_EQ(run(60, std::nullopt).size(), 1u);
  machine().lose("insufflator.state");
  machine().step(at(now_));
  EXPECT_FALSE(machine().rules()[0].holds) << "its source is away";
}

TEST_F(CaseMachineTest, OrdersThatMakeNoSenseAreRefusedAndChangeNothing) {
  EXPECT_THAT(ask(Kind::kEnd).error().message, HasSubstr("no case is being recorded"));
  EXPECT_THAT(ask(Kind::kPause, "privacy").error().message, HasSubstr("no case"));
  EXPECT_THAT(ask(Kind::kResume).error().message, HasSubstr("not paused"));
  EXPECT_EQ(machine().state(), State::kIdle);
  ASSERT_TRUE(ask(Kind::kBegin));
  EXPECT_THAT(ask(Kind::kBegin).error().message, HasSubstr("end it before"));
  ASSERT_TRUE(ask(Kind::kPause, "privacy"));
  EXPECT_THAT(ask(Kind::kPause, "privacy").error().message, HasSubstr("paused already"));
  EXPECT_EQ(machine().state(), State::kPaused);
  ASSERT_TRUE(ask(Kind::kResume));
  ASSERT_TRUE(ask(Kind::kEnd));
  EXPECT_THAT(ask(Kind::kBegin).error().message, HasSubstr("being closed"));
  machine().closed();
  EXPECT_EQ(machine().state(), State::kIdle);
}

TEST_F(CaseMachineTest, ACaseThatIsPausedStillEndsByItsRules) {
  end_below(2, 10);
  ASSERT_TRUE(ask(Kind::kBegin));
  run(20, 12.0);
  ASSERT_TRUE(ask(Kind::kPause, "privacy"));
  const auto orders = run(60, 0.0);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].kind, Kind::kEnd);
}

TEST_F(CaseMachineTest, ACaseThatGoesOnIsOpenAndEndsByRulesThatCountAnew) {
  begin_above(5, 1);
  end_below(2, 10);
  machine().go_on(at(0), true);
  EXPECT_EQ(machine().state(), State::kPaused);
  ASSERT_TRUE(ask(Kind::kResume));
  EXPECT_TRUE(run(60, 0.0).empty()) << "it may have been cut off before the pressure rose";
  run(70, 12.0);
  EXPECT_EQ(run(90, 0.0).size(), 1u);
}

TEST_F(CaseMachineTest, MistakesInRulesAreToldWithTheirPlace) {
  begin_above(5, 20);
  EXPECT_TRUE(check_cases(config_));
  const auto mistake = [&](auto change) {
    v1::CasesConfig config = config_;
    change(config);
    const auto checked = check_cases(config);
    return checked ? std::string("none") : checked.error().message;
  };
  EXPECT_THAT(mistake([](auto& c) { c.mutable_begin(0)->clear_all(); }),
              HasSubstr("'cases.begin[0].all' is empty"));
  EXPECT_THAT(mistake([](auto& c) { c.mutable_begin(0)->mutable_all(0)->clear_channel(); }),
              HasSubstr("'cases.begin[0]': a channel and 'above' or 'below' go together"));
  EXPECT_THAT(mistake([](auto& c) { c.mutable_begin(0)->mutable_all(0)->set_below(1); }),
              HasSubstr("no value lies above 'above' and below 'below'"));
  EXPECT_THAT(mistake([](auto& c) { c.mutable_begin(0)->set_for_s(-1); }), HasSubstr("for_s"));
  EXPECT_THAT(mistake([](auto& c) { c.mutable_begin(0)->mutable_all(0)->clear_stream(); }),
              HasSubstr("names no stream"));
  EXPECT_THAT(mistake([](auto& c) { c.set_ring_s(99'999); }), HasSubstr("ring_s"));
}

}  // namespace
}  // namespace casebox::recorder
