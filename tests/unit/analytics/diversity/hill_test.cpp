#include "analytics/diversity/hill.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace casebox::analytics::diversity {
namespace {

// Spiders under girdled trees, the example of Chao et al. 2014 and of iNEXT: 168 individuals of 26
// species; the figures are those iNEXT prints.
const Counts kSpiders = {46, 22, 17, 15, 15, 9, 8, 6, 6, 4, 2, 2, 2,
                         2,  1,  1,  1,  1,  1, 1, 1, 1, 1, 1, 1, 1};

TEST(HillNumbers, AgreeWithThePublishedSpiders) {
  const Hill hill = hill_numbers(kSpiders);
  EXPECT_EQ(hill.q0, 26);
  EXPECT_NEAR(hill.q1, 12.060, 5e-4);
  EXPECT_NEAR(hill.q2, 7.840, 5e-4);
  EXPECT_NEAR(sample_coverage(kSpiders), .9289, 5e-5);
}

TEST(HillNumbers, ExtrapolateTowardsTheEstimateOfTheWhole) {
  const auto twice = hill_at(kSpiders, 336);
  ASSERT_TRUE(twice);
  // iNEXT's asymptotes: 43.893, 13.826, 8.175.
  const double f0 = 43.893 - 26;
  EXPECT_NEAR(twice->q0, 26 + f0 * (1 - std::pow(1 - 12 / (168 * f0 + 12), 168)), 1e-3);
  EXPECT_NEAR(twice->q1, std::sqrt(12.060 * 13.826), 1e-3);
  EXPECT_NEAR(twice->q2, 1 / (1 / 336.0 + 335 / 336.0 / 8.175), 1e-3);
  EXPECT_FALSE(hill_at(kSpiders, 337));
  EXPECT_FALSE(hill_at(kSpiders, 0));
  EXPECT_FALSE(hill_at({1}, 2));
}

/// Mean over all subsets of `size` cases.
struct Mean {
  double q0 = 0, q2_inverse = 0, entropy = 0, coverage = 0;
};
Mean over_all_subsets(const Counts& counts, unsigned size) {
  std::vector<size_t> cases;
  for (size_t v = 0; v < counts.size(); ++v) cases.insert(cases.end(), counts[v], v);
  Mean out;
  double subsets = 0;
  for (unsigned bits = 0; bits < 1u << cases.size(); ++bits) {
    if (static_cast<unsigned>(__builtin_popcount(bits)) != size) continue;
    std::vector<double> seen(counts.size(), 0);
    for (size_t i = 0; i < cases.size(); ++i) seen[cases[i]] += bits >> i & 1;
    ++subsets;
    for (size_t v = 0; v < counts.size(); ++v) {
      if (seen[v] == 0) continue;
      const double p = seen[v] / size;
      ++out.q0;
      out.q2_inverse += p * p;
      out.entropy -= p * std::log(p);
    }
  }
  return {out.q0 / subsets, out.q2_inverse / subsets, out.entropy / subsets, 0};
}

TEST(HillNumbers, RarefyToTheMeanOfAllSmallerSamples) {
  const Counts counts = {5, 3, 2, 1, 1};
  for (unsigned size = 1; size < 12; ++size) {
    const auto hill = hill_at(counts, size);
    const Mean mean = over_all_subsets(counts, size);
    ASSERT_TRUE(hill);
    EXPECT_NEAR(hill->q0, mean.q0, 1e-9) << size;
    EXPECT_NEAR(hill->q1, std::exp(mean.entropy), 1e-9) << size;
    EXPECT_NEAR(hill->q2, 1 / mean.q2_inverse, 1e-9) << size;
  }
}

TEST(HillNumbers, OfNothingAreNothing) {
  EXPECT_EQ(hill_numbers({}).q0, 0);
  EXPECT_EQ(sample_coverage({}), 0);
  EXPECT_EQ(sample_coverage({1}), 0);
  EXPECT_EQ(sample_coverage({9}), 1);
  EXPECT_FALSE(size_for_coverage({}, .5));
  EXPECT_FALSE(hill_interval({}, 1, .95, 100, 1));
}

TEST(Coverage, IsReachedAtTheSizeThatItAsksFor) {
  const auto size = size_for_coverage(kSpiders, .8);
  ASSERT_TRUE(size);
  EXPECT_GE(*coverage_at(kSpiders, *size), .8);
  EXPECT_LT(*coverage_at(kSpiders, *size - 1), .8);
  EXPECT_FALSE(size_for_coverage(kSpiders, .999));
}

Counts any_counts() {
  Counts out;
  for (const int v :
       *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 30))))
    out.push_back(static_cast<uint32_t>(v));
  return out;
}

RC_GTEST_PROP(HillNumbers, AreOrderedAndGrowWithTheSample, ()) {
  const Counts counts = any_counts();
  const auto n = sample_size(counts);
  Hill last;
  double covered = 0;
  for (uint64_t size = 1; size <= (n > 1 ? 2 * n : 1); size += 1 + n / 10) {
    const Hill hill = *hill_at(counts, size);
    const double coverage = *coverage_at(counts, size);
    // Beyond the sample the orders are estimated each by itself.
    if (size <= n) {
      RC_ASSERT(hill.q0 >= hill.q1 - 1e-9);
      RC_ASSERT(hill.q1 >= hill.q2 - 1e-9);
    }
    RC_ASSERT(hill.q0 >= last.q0 - 1e-9);
    RC_ASSERT(hill.q2 >= last.q2 - 1e-9);
    RC_ASSERT(coverage >= covered - 1e-9);
    RC_ASSERT(coverage <= 1 + 1e-9);
    last = hill;
    covered = coverage;
  }
}

RC_GTEST_PROP(HillNumbers, DoNotDependOnTheOrderOfVariants, ()) {
  Counts counts = any_counts();
  const Hill a = hill_numbers(counts);
  const auto x = hill_interval(counts, sample_size(counts), .95, 20, 3);
  std::reverse(counts.begin(), counts.end());
  const auto y = hill_interval(counts, sample_size(counts), .95, 20, 3);
  RC_ASSERT(a.q1 == hill_numbers(counts).q1);
  RC_ASSERT(x->low.q1 == y->low.q1);
  RC_ASSERT(x->high.q0 == y->high.q0);
}

TEST(HillInterval, HoldsTheEstimateAndIsTheSameForASeed) {
  const auto a = hill_interval(kSpiders, 168, .95, 200, 7);
  const auto b = hill_interval(kSpiders, 168, .95, 200, 7);
  ASSERT_TRUE(a);
  EXPECT_LT(a->low.q1, 12.06);
  EXPECT_GT(a->high.q1, 12.06);
  EXPECT_EQ(a->low.q1, b->low.q1);
  EXPECT_NE(a->low.q1, hill_interval(kSpiders, 168, .95, 200, 8)->low.q1);
  // iNEXT's 95 % interval of Shannon diversity at n is about 9.9 to 14.2.
  EXPECT_NEAR(a->high.q1 - a->low.q1, 4.3, 1.2);
}

}  // namespace
}  // namespace casebox::analytics::diversity
