#include "analytics/conformance/tally_text.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

namespace casebox::analytics::conformance {
namespace {

using testing::HasSubstr;

Tally listed(uint32_t scored, uint32_t without, std::vector<std::vector<uint32_t>> counts) {
  Tally out;
  out.scored = scored;
  out.without_value = without;
  out.counts = std::move(counts);
  return out;
}

TEST(TallyText, IsAsThePageOfItsHeaderSays) {
  EXPECT_EQ(values_text({{"patient-safety", "shared-plan"}, {5, 2.5}}),
            "patient-safety=5 shared-plan=2.5");
  Tally tally = listed(4, 1, {{1, 1}, {2, 0}});
  EXPECT_EQ(tally_text(tally), "listed 4 1 1,1;2,0");
  tally.listed = false;
  EXPECT_EQ(tally_text(tally), "bounds 4 1 1,1;2,0");
  tally.judged = false;
  EXPECT_EQ(tally_text(tally), "unknown");
}

TEST(TallyText, AnyIdComesBackAsItWas) {
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  const Values values{{"a b", "100%", "x=y;z,", "%41", every, "\xC3\xA9"},
                      {1, 0, .1, 1e-9, 3e300, 7}};
  const auto back = parse_values(values_text(values));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, values);
}

TEST(TallyText, AnyTallyComesBackAsItWas) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    const size_t values = 1 + random() % 5;
    Tally tally;
    tally.judged = random() % 8 != 0;
    if (tally.judged) {
      tally.listed = random() % 4 != 0;
      tally.scored = static_cast<uint32_t>(random() % 9);
      tally.without_value = static_cast<uint32_t>(random() % 3);
      for (auto rows = 1 + random() % 4; rows > 0; --rows) {
        auto& row = tally.counts.emplace_back(values);
        for (uint32_t& n : row) n = static_cast<uint32_t>(random() % 4);
      }
      std::ranges::sort(tally.counts);
      tally.counts.erase(std::unique(tally.counts.begin(), tally.counts.end()), tally.counts.end());
    }
    const std::string text = tally_text(tally);
    const auto back = parse_tally(text, values);
    ASSERT_TRUE(back) << text << ": " << back.error().message;
    EXPECT_EQ(*back, tally) << text;
  }
}

TEST(TallyText, WhatIsNotOfThisFormIsRefusedAndNotGuessed) {
  for (const char* text :
       {" ", "a", "a=", "=", "a=x", "a=-1", "a=inf", "a=nan", "a=01", "a=1.0", "a=1 ", " a=1",
        "a=1  b=1", "a b=1", "%zz=1", "%6=1", "%61=1", "a%=1", "a=1\n"}) {
    const auto refused = parse_values(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_THAT(refused.error().message, HasSubstr("; use the one that wrote"));
  }
  for (const char* text :
       {"", "known", "unknown ", "listed", "listed 1 0", "listed 1 0 ", "listed 1 0 1",
        "listed 1 0 1,2,3", "listed 1 0 1,2;", "listed 1 0 1,,2", "listed 1 0 1,-2",
        "listed 1 0 2,0;1,1", "listed 1 0 1,1;1,1", "listed x 0 1,1", "listed 1 0 1,4294967296",
        "exact 1 0 1,1", "listed 1 0 1,1 x", "listed 01 0 1,1"}) {
    const auto refused = parse_tally(text, 2);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  }
  EXPECT_FALSE(parse_tally("listed 0 0 ", 0));
}

}  // namespace
}  // namespace casebox::analytics::conformance
