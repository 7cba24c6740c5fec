#include "analytics/conformance/recorded_text.h"

#include <gtest/gtest.h>

namespace casebox::analytics::conformance {
namespace {

Recorded sample() {
  Recorded out;
  out.procedure = "lap-cholecystectomy";
  Observability& seen = out.seen;
  seen.observers = {{"team.marks", true, true, {{INT64_MIN, 11, "the record begins later"}}},
                    {"instrument use", false, false, {{5, 7, ""}, {9, INT64_MAX, "a;b\n%41"}}}};
  seen.holds_beginning = true;
  seen.holds_end = false;
  seen.reasons = {{"critical-view", "adhesions", 300}};
  seen.unfound = {{"ClippingCutting", .1, true}, {"x", 0, false}};
  seen.clocks_trusted = false;
  seen.case_t0_ns = -3;
  seen.case_t1_ns = 812'000'000'000;
  seen.limit_scale = .2;
  return out;
}

TEST(RecordedText, IsAsItsHeaderSays) {
  Recorded small;
  small.seen.observers = {{"team.marks", true, true, {}}};
  small.seen.case_t0_ns = 0;
  small.seen.case_t1_ns = 8;
  EXPECT_EQ(recorded_text(small),
            "recorded 1\nprocedure %\nspan 0 8\nholds 1 1\nclocks 1\nscale 1\n"
            "observer team.marks people gave");
}

TEST(RecordedText, ComesBackAsItWas) {
  const std::string text = recorded_text(sample());
  const auto back = parse_recorded(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(recorded_text(*back), text);
  const Observability &a = sample().seen, &b = back->seen;
  EXPECT_EQ(back->procedure, "lap-cholecystectomy");
  ASSERT_EQ(b.observers->size(), 2u);
  EXPECT_EQ(b.observers->at(0).lapses.at(0).t0_ns, INT64_MIN);
  EXPECT_EQ(b.observers->at(1).stream, "instrument use");
  EXPECT_FALSE(b.observers->at(1).gave);
  EXPECT_EQ(b.observers->at(1).lapses.at(1).why, "a;b\n%41");
  EXPECT_EQ(b.observers->at(1).lapses.at(0).why, "");
  EXPECT_EQ(b.holds_end, a.holds_end);
  EXPECT_EQ(b.clocks_trusted, a.clocks_trusted);
  EXPECT_EQ(b.case_t0_ns, a.case_t0_ns);
  EXPECT_EQ(b.case_t1_ns, a.case_t1_ns);
  EXPECT_EQ(b.limit_scale, a.limit_scale);
  EXPECT_EQ(b.reasons.at(0).code, "adhesions");
  EXPECT_EQ(b.unfound.at(0).probability, .1);
  EXPECT_TRUE(b.unfound.at(0).sure);
}

TEST(RecordedText, OfAnotherFormIsRefused) {
  const std::string good = recorded_text(sample());
  for (const std::string& bad :
       {std::string(), std::string("recorded 2\nspan 0 1"), good + "\n", good + "\nlapse 1",
        good + "\nwhatever 1", good + "\nunfound x 1.5 sure", good + "\nscale 0",
        good + "\nscale nan", std::string("recorded 1\nlapse 0 1 x"), "x" + good})
    EXPECT_FALSE(parse_recorded(bad)) << bad;
}

}  // namespace
}  // namespace casebox::analytics::conformance
