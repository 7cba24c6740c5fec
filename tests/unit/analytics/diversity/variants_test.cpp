#include "analytics/diversity/variants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "analytics/diversity/monoculture.h"
#include "analytics/readers/xes_reader.h"
#include "tests/support/test_data.h"

namespace casebox::analytics::diversity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void add(EventLog& log, const std::string& key, const std::string& letters) {
  Trace& trace = log.traces.emplace_back();
  trace.case_key = key;
  for (const char letter : letters) {
    LogEvent event;
    event.activity = log.intern(std::string(1, letter));
    event.t0_ns = event.t1_ns = static_cast<int64_t>(trace.events.size());
    event.source_order = static_cast<uint32_t>(trace.events.size());
    trace.events.push_back(event);
  }
}

TEST(Variants, AreCountedAndOrderedByFrequencyAndLabels) {
  EventLog log;
  for (const char* letters : {"zb", "ab", "cab", "zb", "ab", ""}) add(log, letters, letters);
  const Variants variants = find_variants(log, OrderBasis::kStart);
  EXPECT_THAT(variants.counts, ElementsAre(2, 2, 1, 1));
  EXPECT_THAT(variants.of_trace, ElementsAre(1, 0, 3, 1, 0, 2));
  EventLog turned;
  for (const char* letters : {"", "ab", "zb", "cab", "ab", "zb"}) add(turned, letters, letters);
  const Variants again = find_variants(turned, OrderBasis::kStart);
  EXPECT_EQ(again.counts, variants.counts);
  EXPECT_THAT(again.of_trace, ElementsAre(2, 0, 1, 3, 0, 1));
}

TEST(Variants, OfTheReceiptLogHaveItsHillNumbers) {
  CASEBOX_TEST_DATA(file, "process_logs/public_logs/08_receipt.xes.gz");
  const auto log = readers::read_xes(file);
  ASSERT_TRUE(log) << log.error().message;
  const Hill hill = hill_numbers(find_variants(*log, OrderBasis::kSource).counts);
  EXPECT_EQ(hill.q0, 116);
  EXPECT_NEAR(hill.q1, 9.24662426, 5e-9);
  EXPECT_NEAR(hill.q2, 3.67331059, 5e-9);
}

TEST(EditSimilarity, CountsTheEditsOverTheLongerLength) {
  EXPECT_DOUBLE_EQ(edit_similarity({1, 2, 3}, {1, 2, 3}), 1);
  EXPECT_DOUBLE_EQ(edit_similarity({1, 2, 3}, {1, 3}), 1 - 1.0 / 3);
  EXPECT_DOUBLE_EQ(edit_similarity({1, 2, 3}, {4, 5, 6, 7}), 0);
  EXPECT_DOUBLE_EQ(edit_similarity({11, 9, 20, 20, 5, 14}, {19, 9, 20, 20, 9, 14, 7}),
                   1 - 3.0 / 7);  // kitten, sitting
  EXPECT_DOUBLE_EQ(edit_similarity({}, {}), 1);
  EXPECT_DOUBLE_EQ(edit_similarity({}, {1}), 0);
}

TEST(SimilaritySensitiveDiversity, IsTheHillNumberWhenNothingIsAlike) {
  const Counts counts = {5, 3, 2};
  Similarity none{3, {1, 0, 0, 0, 1, 0, 0, 0, 1}};
  const Hill plain = hill_numbers(counts), sensitive = similarity_sensitive(counts, none);
  EXPECT_NEAR(sensitive.q0, plain.q0, 1e-12);
  EXPECT_NEAR(sensitive.q1, plain.q1, 1e-12);
  EXPECT_NEAR(sensitive.q2, plain.q2, 1e-12);
}

TEST(SimilaritySensitiveDiversity, CountsVariantsThatAreTheSameOnce) {
  const Similarity same{3, {1, 1, 0, 1, 1, 0, 0, 0, 1}};
  const Hill joined = hill_numbers({8, 2}), sensitive = similarity_sensitive({5, 3, 2}, same);
  EXPECT_NEAR(sensitive.q0, joined.q0, 1e-12);
  EXPECT_NEAR(sensitive.q1, joined.q1, 1e-12);
  EXPECT_NEAR(sensitive.q2, joined.q2, 1e-12);
}

// Two equally frequent variants, similarity s: every order gives 2 / (1 + s) (Leinster & Cobbold).
TEST(SimilaritySensitiveDiversity, OfTwoVariantsFollowsTheirLikeness) {
  const Similarity half{2, {1, .5, .5, 1}};
  const Hill hill = similarity_sensitive({4, 4}, half);
  EXPECT_NEAR(hill.q0, 2 / 1.5, 1e-12);
  EXPECT_NEAR(hill.q1, 2 / 1.5, 1e-12);
  EXPECT_NEAR(hill.q2, 2 / 1.5, 1e-12);
}

RC_GTEST_PROP(SimilaritySensitiveDiversity, LiesBetweenOneAndTheHillNumber, ()) {
  const auto words = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(
      rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c'))));
  EventLog log;
  for (const std::string& word : words) add(log, word, word);
  const Variants variants = find_variants(log, OrderBasis::kStart);
  const auto similarity = edit_similarities(variants.sequences);
  const Hill sensitive = similarity_sensitive(variants.counts, *similarity);
  RC_ASSERT(sensitive.q1 >= 1 - 1e-9);
  RC_ASSERT(sensitive.q1 <= hill_numbers(variants.counts).q1 + 1e-9);
}

TEST(EditSimilarity, IsNotComputedForTooManyVariants) {
  EXPECT_FALSE(edit_similarities({{1}, {2}, {3}}, 2));
}

TEST(Monoculture, AlertsWhenTheWholeIntervalLiesAboveTheThreshold) {
  const Monoculture found = check_monoculture({95, 3, 2});
  EXPECT_EQ(found.alert, Alert::kAlert);
  EXPECT_NEAR(found.share, .95, 1e-12);
  // Clopper-Pearson of 95 in 100.
  EXPECT_NEAR(found.low, .88717, 1e-5);
  EXPECT_NEAR(found.high, .98357, 1e-5);
}

TEST(Monoculture, DoesNotAlertWhenTheIntervalReachesBelowTheThreshold) {
  const Monoculture found = check_monoculture({84, 16});
  EXPECT_EQ(found.alert, Alert::kNoAlert);
  EXPECT_LT(found.low, .8);
  EXPECT_THAT(found.reason, HasSubstr("not surely above 80 %"));
}

TEST(Monoculture, SaysNothingOfFewCasesOrLittleCoverage) {
  EXPECT_EQ(check_monoculture({19}).alert, Alert::kCannotSay);
  Counts thin = {85};
  thin.insert(thin.end(), 15, 1);
  const Monoculture found = check_monoculture(thin);
  EXPECT_EQ(found.alert, Alert::kCannotSay);
  EXPECT_THAT(found.reason, HasSubstr("cover"));
  EXPECT_EQ(check_monoculture({}).alert, Alert::kCannotSay);
}

}  // namespace
}  // namespace casebox::analytics::diversity
