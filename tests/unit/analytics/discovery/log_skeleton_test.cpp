#include "analytics/discovery/log_skeleton.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "analytics/readers/xes_reader.h"
#include "tests/support/test_data.h"
#include "tests/unit/analytics/discovery/logs.h"

namespace casebox::analytics::discovery {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Names = std::set<std::string>;

/// A log with what the functions take.
struct Read {
  explicit Read(EventLog l) : log(std::move(l)) {
    sequences = sequences_of(log, OrderBasis::kStart);
    variants = variants_of(sequences, log.activities);
  }
  LogSkeleton skeleton(double noise = 0, Counting counting = Counting::kCases) const {
    return discover_skeleton(sequences, variants, log.activities, noise, counting).value();
  }
  SkeletonCheck check(const LogSkeleton& skeleton) const {
    return check_skeleton(skeleton, sequences, variants, log.activities).value();
  }

  EventLog log;
  Sequences sequences;
  Variants variants;
};

Names names(const LogSkeleton& skeleton, Relation relation) {
  Names out;
  for (const Related& one : skeleton.relations[static_cast<size_t>(relation)])
    out.insert(one.from + one.to);
  return out;
}

TEST(LogSkeleton, FindsWhatAlwaysHolds) {
  const Read log(log_of({"a b c c", "a b d", "b a b d a"}));
  const LogSkeleton skeleton = log.skeleton();
  EXPECT_EQ(names(skeleton, Relation::kEquivalence), (Names{"ab", "ba"}));
  EXPECT_EQ(names(skeleton, Relation::kAlwaysAfter), (Names{}));
  EXPECT_EQ(names(skeleton, Relation::kAlwaysBefore), (Names{"ca", "cb", "da", "db"}));
  EXPECT_EQ(names(skeleton, Relation::kNeverTogether), (Names{"cd", "dc"}));
  EXPECT_EQ(names(skeleton, Relation::kDirectlyFollows), (Names{}));
  ASSERT_EQ(skeleton.occurrences.size(), 4u);
  EXPECT_THAT(skeleton.occurrences[0].allowed, ElementsAre(1, 2));
  EXPECT_THAT(skeleton.occurrences[2].allowed, ElementsAre(0, 2));
}

TEST(LogSkeleton, EveryOccurrenceHasToBeFollowed) {
  const Read log(log_of({"a b a b", "a c b"}));
  EXPECT_EQ(names(log.skeleton(), Relation::kAlwaysAfter), (Names{"ab", "cb"}));
  const Read broken(log_of({"a b a b", "a c b a"}));
  EXPECT_EQ(names(broken.skeleton(), Relation::kAlwaysAfter), (Names{"ca", "cb"}));
  EXPECT_EQ(names(broken.skeleton(), Relation::kDirectlyFollows), (Names{"cb"}));
}

TEST(LogSkeleton, NoiseLetsAFewCasesDepart) {
  std::vector<std::string> cases(9, "a b");
  cases.push_back("b");
  const Read log(log_of(cases));
  EXPECT_THAT(names(log.skeleton(0.05), Relation::kEquivalence), ElementsAre("ab"));
  const LogSkeleton skeleton = log.skeleton(0.1);
  EXPECT_THAT(names(skeleton, Relation::kEquivalence), ElementsAre("ab", "ba"));
  const Related& one = skeleton.relations[0][1];
  EXPECT_EQ(one.holds, 9u);
  EXPECT_EQ(one.of, 10u);
  EXPECT_THAT(skeleton.occurrences[0].allowed, ElementsAre(1));
  const SkeletonCheck check = log.check(skeleton);
  EXPECT_EQ(check.fitting_cases, 9u);
  // Without a before it, or as often as it; and a does not occur.
  EXPECT_EQ(check.departures, 3u);
}

TEST(LogSkeleton, JudgesAnotherLogByName) {
  const Read log(log_of({"a b c", "a b c"}));
  const LogSkeleton skeleton = log.skeleton();
  const Read other(log_of({"x a"}));
  const SkeletonCheck check = other.check(skeleton);
  std::set<std::string> found;
  for (const SkeletonDeparture& one : check.of_variant.at(0))
    found.insert(one.occurrence ? one.from + std::to_string(one.times)
                                : to_string(one.relation) + (" " + one.from + one.to));
  EXPECT_THAT(found, ElementsAre("always_after ab", "always_after ac", "b0", "c0",
                                 "directly_follows ab", "equivalence ab", "equivalence ac", "x1"));
  EXPECT_EQ(check.departures, found.size());
  EXPECT_EQ(check.fitting_cases, 0u);
}

/// Pairs that say something.
Names telling(const LogSkeleton& skeleton, Relation relation) {
  Names out;
  for (const Related& one : skeleton.relations[static_cast<size_t>(relation)])
    if (one.trivial == Trivial::kNot) out.insert(one.from + one.to);
  return out;
}

Trivial why(const LogSkeleton& skeleton, Relation relation, const std::string& pair) {
  for (const Related& one : skeleton.relations[static_cast<size_t>(relation)])
    if (one.from + one.to == pair) return one.trivial;
  ADD_FAILURE() << to_string(relation) << " " << pair << " does not hold";
  return Trivial::kNot;
}

TEST(LogSkeleton, WhatFollowsFromTheRestSaysLittle) {
  const LogSkeleton skeleton =
      Read(log_of({"a b c d", "a b x c d", "a b c d", "a b c d", "a b x c d"})).skeleton();
  EXPECT_EQ(names(skeleton, Relation::kAlwaysBefore).size(), 8u);
  EXPECT_EQ(telling(skeleton, Relation::kAlwaysBefore), (Names{"ba", "cb", "dc"}));
  EXPECT_EQ(why(skeleton, Relation::kAlwaysBefore, "da"), Trivial::kImplied);
  EXPECT_EQ(why(skeleton, Relation::kAlwaysBefore, "xb"), Trivial::kFewCases);
  // a is directly followed by b, c by d: only b to c is not said by that.
  EXPECT_EQ(telling(skeleton, Relation::kAlwaysAfter), (Names{"bc"}));
  // All four occur once in every case.
  EXPECT_EQ(telling(skeleton, Relation::kEquivalence), (Names{}));
  EXPECT_EQ(why(skeleton, Relation::kEquivalence, "ad"), Trivial::kImplied);
}

TEST(LogSkeleton, EquallyOftenIsToldOfNeighboursOnly) {
  const LogSkeleton skeleton =
      Read(log_of({"a b c", "a a b b c c", "a b c", "a b c", "a b c"})).skeleton();
  EXPECT_EQ(names(skeleton, Relation::kEquivalence).size(), 6u);
  EXPECT_EQ(telling(skeleton, Relation::kEquivalence), (Names{"ab", "ba", "bc", "cb"}));
}

TEST(LogSkeleton, NeverTogetherHasToBeMoreThanChance) {
  std::vector<std::string> often(10, "a"), rarely(15, "c");
  often.insert(often.end(), 10, "b");
  EXPECT_EQ(telling(Read(log_of(often)).skeleton(), Relation::kNeverTogether), (Names{"ab", "ba"}));
  // 6 and 6 of 27: C(21,6) / C(27,6) = .183 of such logs would show it.
  for (const char* steps : {"a c", "b c"}) rarely.insert(rarely.end(), 6, steps);
  const LogSkeleton skeleton = Read(log_of(rarely)).skeleton();
  EXPECT_EQ(why(skeleton, Relation::kNeverTogether, "ab"), Trivial::kChance);
}

// Nothing is lost by leaving out what is implied: the rest and its closure are all that holds.
RC_GTEST_PROP(LogSkeleton, TheRestImpliesWhatIsImplied, ()) {
  const LogSkeleton skeleton = Read(any_log(12, 6)).skeleton();
  std::map<std::string, uint32_t> constant;
  for (const Occurrences& one : skeleton.occurrences)
    if (one.allowed.size() == 1) constant[one.activity] = one.allowed[0];
  for (const Relation relation :
       {Relation::kEquivalence, Relation::kAlwaysAfter, Relation::kAlwaysBefore}) {
    std::set<std::pair<std::string, std::string>> known;
    for (const Related& one : skeleton.relations[static_cast<size_t>(relation)])
      if (one.trivial != Trivial::kImplied) known.emplace(one.from, one.to);
    if (relation == Relation::kAlwaysAfter)
      for (const Related& one : skeleton.relations[static_cast<size_t>(Relation::kDirectlyFollows)])
        known.emplace(one.from, one.to);
    if (relation == Relation::kEquivalence)
      for (const auto& [x, n] : constant)
        for (const auto& [y, m] : constant)
          if (n == m) known.emplace(x, y);
    for (int round = 0; round < 5; ++round)
      for (const auto& [x, y] : std::set(known))
        for (const auto& [y2, z] : std::set(known))
          if (y == y2) known.emplace(x, z);
    for (const Related& one : skeleton.relations[static_cast<size_t>(relation)])
      RC_ASSERT(known.contains({one.from, one.to}));
  }
}

TEST(LogSkeleton, RefusesWhatItCannotTell) {
  const Read log(log_of({"a"}));
  EXPECT_FALSE(discover_skeleton(log.sequences, log.variants, log.log.activities, 1));
  EventLog wide;
  for (size_t i = 0; i <= kMaxActivities; ++i) wide.intern(std::to_string(i));
  const Read read(std::move(wide));
  const auto refused = discover_skeleton(read.sequences, read.variants, read.log.activities);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("choose a coarser activity"));
}

TEST(LogSkeleton, ReceiptHasThePublishedRelations) {
  CASEBOX_TEST_DATA(file, "process_logs/public_logs/08_receipt.xes.gz");
  auto read = readers::read_xes(file);
  ASSERT_TRUE(read) << read.error().message;
  const Read log(std::move(*read));
  for (const Counting counting : {Counting::kCases, Counting::kPm4py}) {
    const LogSkeleton skeleton = log.skeleton(0, counting);
    EXPECT_EQ(names(skeleton, Relation::kEquivalence).size(), 70u);
    EXPECT_EQ(names(skeleton, Relation::kNeverTogether).size(), 248u);
    EXPECT_EQ(names(skeleton, Relation::kDirectlyFollows).size(), 4u);
    EXPECT_EQ(log.check(skeleton).departures, 0u);
  }
  const LogSkeleton noisy = log.skeleton(0.1, Counting::kPm4py);
  const SkeletonCheck check = log.check(noisy);
  EXPECT_EQ(check.departures, 3370u);
  EXPECT_EQ(check.judged, 212626u);
  EXPECT_EQ(check.fitting_cases, 1032u);
}

// Against the definitions, read one case after the other.
RC_GTEST_PROP(LogSkeleton, HoldsWhatEveryCaseHolds, ()) {
  const Read log(any_log(5, 7));
  const auto every = [&](auto holds) {
    Names out;
    for (ActivityId x = 0; x < 5; ++x)
      for (ActivityId y = 0; y < 5; ++y) {
        bool met = false, always = x != y, y_met = false;
        for (size_t c = 0; c < log.sequences.cases(); ++c) {
          const auto s = log.sequences.of(c);
          y_met = y_met || std::ranges::count(s, y) > 0;
          if (std::ranges::count(s, x) == 0) continue;
          met = true;
          always = always && holds(s, x, y);
        }
        if (met && y_met && always) out.insert(log.log.activities[x] + log.log.activities[y]);
      }
    return out;
  };
  using Steps = std::span<const ActivityId>;
  const LogSkeleton skeleton = log.skeleton();
  RC_ASSERT(names(skeleton, Relation::kEquivalence) ==
            every([](Steps s, ActivityId x, ActivityId y) {
              return std::ranges::count(s, x) == std::ranges::count(s, y);
            }));
  RC_ASSERT(names(skeleton, Relation::kAlwaysAfter) ==
            every([](Steps s, ActivityId x, ActivityId y) {
              for (size_t i = 0; i < s.size(); ++i)
                if (s[i] == x && std::ranges::count(s.subspan(i), y) == 0) return false;
              return true;
            }));
  RC_ASSERT(names(skeleton, Relation::kAlwaysBefore) ==
            every([](Steps s, ActivityId x, ActivityId y) {
              for (size_t i = 0; i < s.size(); ++i)
                if (s[i] == x && std::ranges::count(s.first(i), y) == 0) return false;
              return true;
            }));
  RC_ASSERT(names(skeleton, Relation::kNeverTogether) ==
            every([](Steps s, ActivityId, ActivityId y) { return std::ranges::count(s, y) == 0; }));
  RC_ASSERT(names(skeleton, Relation::kDirectlyFollows) ==
            every([](Steps s, ActivityId x, ActivityId y) {
              for (size_t i = 0; i < s.size(); ++i)
                if (s[i] == x && (i + 1 == s.size() || s[i + 1] != y)) return false;
              return true;
            }));
  const SkeletonCheck check = log.check(skeleton);
  RC_ASSERT(check.departures == 0u);
  RC_ASSERT(check.fitting_cases == log.sequences.cases());
}

}  // namespace
}  // namespace casebox::analytics::discovery
