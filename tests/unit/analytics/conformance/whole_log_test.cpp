#include "analytics/conformance/whole_log.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

namespace casebox::analytics::conformance {
namespace {

/// Steps a to h: a, then b to g in any order, then h.
protocol::Norm wide_norm() {
  v1::Protocol p;
  p.set_id("wide");
  p.set_version("1.0.0");
  for (char c = 'a'; c <= 'h'; ++c) p.add_steps()->set_id(std::string(1, c));
  p.mutable_flow()->add_sequence()->set_step("a");
  v1::ProtocolFlow& middle = *p.mutable_flow()->add_sequence();
  for (char c = 'b'; c <= 'g'; ++c) middle.add_any_order()->set_step(std::string(1, c));
  p.mutable_flow()->add_sequence()->set_step("h");
  return *protocol::compile(p);
}

EventLog random_log(uint64_t seed, size_t cases) {
  std::mt19937_64 random(seed);
  EventLog log;
  for (size_t i = 0; i < cases; ++i) {
    Trace trace;
    trace.case_key = std::to_string(i);
    for (auto n = random() % 10; n > 0; --n) {
      LogEvent e;
      e.activity = log.intern(std::string(1, static_cast<char>('a' + random() % 9)));
      e.source_order = static_cast<uint32_t>(trace.events.size());
      e.t0_ns = e.t1_ns = static_cast<int64_t>(trace.events.size()) * 1'000'000'000;
      e.u95_ns = static_cast<int64_t>(random() % 3) * 400'000'000;
      trace.events.push_back(e);
    }
    log.traces.push_back(std::move(trace));
  }
  return log;
}

/// All of a result that a document shows.
std::string text_of(const CaseResult& r) {
  std::string out = r.case_key + " " + std::to_string(r.cost) + " " +
                    std::to_string(r.lower_bound) + " " + std::to_string(r.exact) + " " +
                    std::to_string(r.explanations) + "\n";
  for (const Departure& d : r.departures)
    out += d.text + "|" + std::to_string(d.certainty) + "|" +
           (d.margin ? std::to_string(*d.margin) : "-") + "|" + std::to_string(d.margin_exact) +
           "|" + std::to_string(d.order_sensitive) + "|" + testing::PrintToString(d.explanations) +
           "\n";
  for (const Move& m : r.alignment)
    out += (m.event ? std::to_string(*m.event) : "-") + "/" +
           (m.step ? std::to_string(*m.step) : "-") + " ";
  for (const std::string& notice : r.notices) out += notice + "\n";
  return out;
}

std::vector<std::string> texts(const LogResult& result) {
  std::vector<std::string> out;
  for (const CaseResult& r : result.cases) out.push_back(text_of(r));
  return out;
}

class WholeLog : public testing::TestWithParam<Options> {};

TEST_P(WholeLog, IsTheSameForAnyNumberOfThreadsAndAnyOrderOfCases) {
  const protocol::Norm norm = wide_norm();
  EventLog log = random_log(3, 80);
  const auto one = conform_log(norm, log, GetParam(), 1);
  ASSERT_TRUE(one) << one.error().message;
  const std::vector<std::string> expected = texts(*one);
  for (const unsigned threads : {2u, 4u}) {
    const auto many = conform_log(norm, log, GetParam(), threads);
    ASSERT_TRUE(many);
    EXPECT_EQ(texts(*many), expected) << threads;
    EXPECT_EQ(many->totals.fitness_sum, one->totals.fitness_sum);
    EXPECT_EQ(many->variants, one->variants);
  }
  std::mt19937_64 random(5);
  for (int round = 0; round < 3; ++round) {
    std::ranges::shuffle(log.traces, random);
    const auto other = conform_log(norm, log, GetParam(), 2);
    ASSERT_TRUE(other);
    EXPECT_EQ(other->totals.fitness_sum, one->totals.fitness_sum);
    for (const CaseResult& r : other->cases)
      EXPECT_EQ(text_of(r), expected[static_cast<size_t>(std::stoi(r.case_key))]);
  }
}

Options lazily(uint64_t budget) {
  Options options;
  options.max_markings = 10;  // the others are found by the search
  options.budget = budget;
  return options;
}

INSTANTIATE_TEST_SUITE_P(Known, WholeLog, testing::Values(Options{}));
INSTANTIATE_TEST_SUITE_P(FoundOnTheWay, WholeLog, testing::Values(lazily(1'000'000)));
INSTANTIATE_TEST_SUITE_P(WithinABudgetThatEnds, WholeLog, testing::Values(lazily(300)));

TEST(WholeLogTotals, AreSumsOverCases) {
  const protocol::Norm norm = wide_norm();
  const EventLog log = random_log(4, 30);
  const auto result = conform_log(norm, log, {}, 2);
  ASSERT_TRUE(result);
  int64_t cost = 0, den = 0;
  double fitness = 0;
  for (size_t i = 0; i < log.traces.size(); ++i) {
    const auto alone = conform(norm, log, log.traces[i], {}, {});
    ASSERT_TRUE(alone);
    EXPECT_EQ(text_of(*alone), text_of(result->cases[i]));
    cost += alone->cost;
    den += alone->fitness_den;
    fitness += alone->fitness();
  }
  EXPECT_EQ(result->totals.cost, cost);
  EXPECT_NEAR(result->fitness_mean(), fitness / 30, 1e-12);
  EXPECT_NEAR(result->fitness_pooled(), 1 - static_cast<double>(cost) / static_cast<double>(den),
              1e-12);
  EXPECT_EQ(result->shortest_model_cost, 8);
}

TEST(WholeLogTotals, OfNoCasesAreThoseOfAPerfectLog) {
  const auto result = conform_log(wide_norm(), {}, {}, 4);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->fitness_mean(), 1);
  EXPECT_EQ(result->variants, 0u);
}

}  // namespace
}  // namespace casebox::analytics::conformance
