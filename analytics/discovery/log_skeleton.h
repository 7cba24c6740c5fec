#pragma once

// The log skeleton: what always, or nearly always, holds between activities (Verbeek & Medeiros de
// Carvalho, Log skeletons: a classification approach to process discovery, 2018,
// arXiv:1806.08247), and where a log departs from it. Protocols' own checks are another matter
// (analytics/conformance): these relations are found in the log, nobody agreed on them.
//
// Relations of x to y, each told of the cases in which x occurs:
//   equivalence       y occurs as often as x
//   always_after      every x is followed, at some time, by a y
//   always_before     every x is preceded, at some time, by a y
//   never_together    y does not occur
//   directly_follows  what comes right after every x is y
// and of each activity how often it may occur in a case. With noise e a relation is kept that holds
// in at least the share 1 - e of those cases; occurrences are kept, the most usual first (of
// equally usual ones the smaller), until they cover 1 - e of all cases.
//
// Much of what holds says little. Such a relation stays (a log is checked against all of them) and
// is marked, the first that applies:
//   few cases  its first activity occurs in fewer than kFewCases cases
//   chance     never_together of two that would so rarely meet in one case anyway, were they spread
//              over the cases independently, that one log in twenty or more shows it (lower tail of
//              the hypergeometric distribution, Fisher's exact test)
//   implied    it follows from others that hold without exception: from directly_follows, from both
//              occurring equally often in every case, or through a third activity (transitive
//              reduction: Aho, Garey & Ullman, SIAM J. Comput. 1, 1972)
//
// Counting::kPm4py instead weighs as pm4py 2.7 does over data frames: equivalence and directly
// follows by occurrences, never_together by occurrences of x less the cases with both, always_after
// and always_before by the share of all pairs of positions that begin with x, occurrences until
// they cover 1 - e of the number of events; and a case departs only if not even one x fits. Meant
// for comparing the two; without noise only always_after and always_before differ.
//
// Thread safety: pure functions. Errors: kInvalidArgument for more than kMaxActivities activities,
// noise outside [0, 1). Order of results: by names.

#include <cstdint>
#include <string>
#include <vector>

#include "analytics/discovery/sequences.h"
#include "analytics/discovery/variants.h"
#include "proto/base/result.h"

namespace casebox::analytics::discovery {

inline constexpr size_t kMaxActivities = 2048;

enum class Relation : uint8_t {
  kEquivalence,
  kAlwaysAfter,
  kAlwaysBefore,
  kNeverTogether,
  kDirectlyFollows
};
inline constexpr size_t kRelations = 5;
/// "equivalence", "always_after", ...
const char* to_string(Relation relation);

enum class Counting { kCases, kPm4py };

/// Why a relation says little.
enum class Trivial : uint8_t { kNot, kFewCases, kChance, kImplied };
/// "few_cases", "chance", "implied"; "" for kNot.
const char* to_string(Trivial trivial);

inline constexpr uint64_t kFewCases = 5;
inline constexpr double kByChance = 0.05;

struct Related {
  std::string from;
  std::string to;
  uint64_t holds = 0;  // of `of`
  uint64_t of = 0;     // cases with `from`; with kPm4py what it weighs by
  Trivial trivial = Trivial::kNot;
  bool always() const { return holds == of; }
};

struct Occurrences {
  std::string activity;
  std::vector<uint32_t> allowed;  // per case, ascending
};

struct LogSkeleton {
  Counting counting = Counting::kCases;
  double noise = 0;
  size_t cases = 0;
  std::vector<Related> relations[kRelations];
  std::vector<Occurrences> occurrences;
};

/// `activities` are the names behind the ids of `sequences`.
Result<LogSkeleton> discover_skeleton(const Sequences& sequences, const Variants& variants,
                                      const std::vector<std::string>& activities, double noise = 0,
                                      Counting counting = Counting::kCases);

/// A relation that does not hold in a variant, or an activity that occurs too often or too rarely.
struct SkeletonDeparture {
  bool occurrence = false;  // true: `from` occurs `times`, which is not allowed; `to` is empty
  Relation relation = Relation::kEquivalence;
  std::string from;
  std::string to;
  uint32_t times = 0;
};

struct SkeletonCheck {
  std::vector<std::vector<SkeletonDeparture>> of_variant;  // each case of it has these
  uint64_t departures = 0;                                 // over all cases
  uint64_t judged = 0;  // relations and occurrences that were looked at, over all cases
  size_t fitting_cases = 0;
};

/// Compares a log, the skeleton's own or another, with a skeleton; activities by name. An activity
/// that the skeleton does not know departs by its occurrence.
Result<SkeletonCheck> check_skeleton(const LogSkeleton& skeleton, const Sequences& sequences,
                                     const Variants& variants,
                                     const std::vector<std::string>& activities);

}  // namespace casebox::analytics::discovery
