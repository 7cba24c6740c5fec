#include "analytics/discovery/variants.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "analytics/discovery/internal/sequence_table.h"
#include "analytics/readers/xes_reader.h"
#include "tests/support/test_data.h"
#include "tests/unit/analytics/discovery/logs.h"

namespace casebox::analytics::discovery {
namespace {

using testing::ElementsAre;

std::string text_of(const EventLog& log, std::span<const ActivityId> steps) {
  std::string out;
  for (const ActivityId step : steps) out += log.activities[step];
  return out;
}

TEST(Variants, AreOrderedByCountAndThenBySequence) {
  const EventLog log = log_of({"c b", "b a", "a b", "c b", "a", ""});
  const Sequences sequences = sequences_of(log, OrderBasis::kSource);
  const Variants variants = variants_of(sequences, log.activities);
  std::vector<std::string> order;
  for (const Variant& variant : variants.variants)
    order.push_back(std::to_string(variant.count) + text_of(log, sequences.of(variant.example)));
  EXPECT_THAT(order, ElementsAre("2cb", "1", "1a", "1ab", "1ba"));
  EXPECT_THAT(variants.cases_of(0), ElementsAre(0, 3));
  EXPECT_THAT(variants.of_case, ElementsAre(0, 4, 3, 0, 2, 1));
}

TEST(Variants, OfEmptyCasesAreOneAndOfNoCasesNone) {
  const EventLog empty = log_of({"", ""});
  const Variants one = variants_of(sequences_of(empty, OrderBasis::kStart), empty.activities);
  ASSERT_EQ(one.variants.size(), 1u);
  EXPECT_EQ(one.variants[0].count, 2u);
  const EventLog none;
  EXPECT_TRUE(variants_of(sequences_of(none, OrderBasis::kStart), {}).variants.empty());
}

TEST(Variants, DependOnWhichEndOrdersTheEvents) {
  EventLog log;
  for (int i = 0; i < 2; ++i) {
    Trace& trace = log.traces.emplace_back();
    add_event(log, trace, "a", 0, i == 0 ? 90 : 10);
    add_event(log, trace, "b", 5, 20);
  }
  const auto count = [&](OrderBasis basis) {
    return variants_of(sequences_of(log, basis), log.activities).variants.size();
  };
  EXPECT_EQ(count(OrderBasis::kStart), 1u);
  EXPECT_EQ(count(OrderBasis::kEnd), 2u);
}

TEST(Variants, ReceiptHasThePublishedNumber) {
  CASEBOX_TEST_DATA(file, "process_logs/public_logs/08_receipt.xes.gz");
  const auto log = readers::read_xes(file);
  ASSERT_TRUE(log) << log.error().message;
  const Variants variants = variants_of(sequences_of(*log, OrderBasis::kStart), log->activities);
  EXPECT_EQ(variants.variants.size(), 116u);
}

RC_GTEST_PROP(Variants, AreTheDistinctSequences, ()) {
  const EventLog log = any_log(40, 4);
  const Sequences sequences = sequences_of(log, OrderBasis::kStart);
  std::map<std::string, std::vector<uint32_t>> expected;
  for (uint32_t c = 0; c < sequences.cases(); ++c)
    expected[text_of(log, sequences.of(c))].push_back(c);
  const Variants variants = variants_of(sequences, log.activities);
  RC_ASSERT(variants.variants.size() == expected.size());
  for (size_t v = 0; v < variants.variants.size(); ++v) {
    const auto cases = variants.cases_of(v);
    const std::string text = text_of(log, sequences.of(variants.variants[v].example));
    RC_ASSERT(std::vector<uint32_t>(cases.begin(), cases.end()) == expected.at(text));
    RC_ASSERT(variants.variants[v].count == cases.size());
  }
}

TEST(Variants, SequencesOfTheSameHashAreKeptApart) {
  const EventLog log = log_of({"a b", "b a", "a b"});
  const Sequences sequences = sequences_of(log, OrderBasis::kSource);
  internal::SequenceTable table(sequences, [](std::span<const ActivityId>) { return uint64_t{7}; });
  std::vector<size_t> found;
  EXPECT_EQ(table.variant_of(0, found), 0u);
  EXPECT_EQ(table.variant_of(1, found), 1u);
  EXPECT_EQ(table.variant_of(2, found), 0u);
}

// More sequences than the table begins with.
TEST(Variants, ThousandsAreKeptApart) {
  EventLog log;
  for (int a = 0; a < 20; ++a) log.intern(std::to_string(a));
  for (uint32_t c = 0; c < 8000; ++c) {
    Trace& trace = log.traces.emplace_back();
    for (uint32_t rest = c % 4000, i = 0; i < 3; ++i, rest /= 20)
      add_event(log, trace, log.activities[rest % 20], i, i);
  }
  const Variants variants = variants_of(sequences_of(log, OrderBasis::kSource), log.activities);
  ASSERT_EQ(variants.variants.size(), 4000u);
  for (const Variant& variant : variants.variants) EXPECT_EQ(variant.count, 2u);
}

}  // namespace
}  // namespace casebox::analytics::discovery
