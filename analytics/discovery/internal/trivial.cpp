#include "analytics/discovery/internal/trivial.h"

#include <algorithm>
#include <boost/math/distributions/hypergeometric.hpp>
#include <set>
#include <unordered_map>
#include <vector>

namespace casebox::analytics::discovery::internal {
namespace {

using Pairs = std::set<std::pair<std::string_view, std::string_view>>;

std::vector<Related>& of(LogSkeleton& skeleton, Relation relation) {
  return skeleton.relations[static_cast<size_t>(relation)];
}

Pairs pairs_of(const std::vector<Related>& list) {
  Pairs out;
  for (const Related& one : list)
    if (one.always()) out.emplace(one.from, one.to);
  return out;
}

/// The probability that `a` and `b` of `all` cases, drawn independently, have at most `both` in
/// common.
double chance(uint64_t a, uint64_t b, uint64_t all, uint64_t both) {
  if (a + b > all + both) return 0;  // they have to meet more often than that
  const boost::math::hypergeometric_distribution<double> common(a, b, all);
  return both >= std::min(a, b) ? 1 : boost::math::cdf(common, both);
}

/// A relation that is transitive, where it holds without exception, reduced to what the rest
/// follows from. Activities that imply each other are a class; of a class the neighbours by name
/// are kept, and its first stands for it outside, where the relation is a strict order and what
/// leads through a third activity follows.
///
/// Lifetime: the list, whose names it holds views of.
class Reduction {
 public:
  explicit Reduction(const std::vector<Related>& list) {
    for (const Related& one : list)
      if (one.always()) {
        id_of(one.from);
        id_of(one.to);
      }
    const size_t n = names_.size();
    words_ = (n + 63) / 64;
    next_.assign(n * words_, 0);
    for (const Related& one : list)
      if (one.always()) set(ids_.at(one.from), ids_.at(one.to));
    class_of_.resize(n);
    for (size_t i = 0; i < n; ++i) {
      class_of_[i] = i;
      for (size_t j = 0; j < n; ++j)
        if (has(i, j) && has(j, i) && names_[j] < names_[class_of_[i]]) class_of_[i] = j;
    }
    paths_.assign(n * words_, 0);  // from a first to firsts, by a step over another first
    for (size_t i = 0; i < n; ++i) {
      if (class_of_[i] != i) continue;
      for (size_t j = 0; j < n; ++j)
        if (class_of_[j] == j && j != i && has(i, j))
          for (size_t w = 0; w < words_; ++w) paths_[i * words_ + w] |= next_[j * words_ + w];
    }
  }

  bool implied(std::string_view from, std::string_view to) const {
    const size_t i = ids_.at(from), j = ids_.at(to);
    if (class_of_[i] == class_of_[j]) return !neighbours(i, j);
    if (class_of_[i] != i || class_of_[j] != j) return true;
    return (paths_[i * words_ + j / 64] >> (j % 64) & 1) != 0;
  }

 private:
  void id_of(std::string_view name) {
    if (ids_.emplace(name, names_.size()).second) names_.push_back(name);
  }
  void set(size_t i, size_t j) { next_[i * words_ + j / 64] |= uint64_t{1} << (j % 64); }
  bool has(size_t i, size_t j) const { return (next_[i * words_ + j / 64] >> (j % 64) & 1) != 0; }
  /// No other of their class lies between them by name.
  bool neighbours(size_t i, size_t j) const {
    const auto [low, high] = std::minmax(names_[i], names_[j]);
    for (size_t k = 0; k < names_.size(); ++k)
      if (class_of_[k] == class_of_[i] && low < names_[k] && names_[k] < high) return false;
    return true;
  }

  std::unordered_map<std::string_view, size_t> ids_;
  std::vector<std::string_view> names_;
  std::vector<size_t> class_of_;
  size_t words_ = 0;
  std::vector<uint64_t> next_, paths_;  // rows of bits
};

/// Occurs equally often in all cases: so often. 0: it does not.
std::map<std::string_view, uint32_t> constant_counts(const LogSkeleton& skeleton) {
  std::map<std::string_view, uint32_t> out;
  if (skeleton.noise > 0) return out;  // what is allowed then need not be all there is
  for (const Occurrences& one : skeleton.occurrences)
    if (one.allowed.size() == 1) out[one.activity] = one.allowed.front();
  return out;
}

}  // namespace

void mark_trivial(const std::map<std::string_view, uint64_t>& cases_with, LogSkeleton& skeleton) {
  const Pairs directly = pairs_of(of(skeleton, Relation::kDirectlyFollows));
  const auto constant = constant_counts(skeleton);
  const auto count = [&](const std::string& name) {
    const auto found = constant.find(name);
    return found == constant.end() ? 0 : found->second;
  };
  const std::vector<Related> none;
  for (const Relation relation :
       {Relation::kEquivalence, Relation::kAlwaysAfter, Relation::kAlwaysBefore,
        Relation::kNeverTogether, Relation::kDirectlyFollows}) {
    std::vector<Related>& list = of(skeleton, relation);
    const bool transitive =
        relation != Relation::kNeverTogether && relation != Relation::kDirectlyFollows;
    const Reduction reduction(transitive ? list : none);
    for (Related& one : list) {
      const uint64_t cases = cases_with.at(one.from);
      if (cases < kFewCases) {
        one.trivial = Trivial::kFewCases;
      } else if (relation == Relation::kNeverTogether) {
        // With pm4py's weights the cases with both are not to be had from `holds`.
        const uint64_t both = skeleton.counting == Counting::kCases ? one.of - one.holds : 0;
        if (chance(cases, cases_with.at(one.to), skeleton.cases, both) > kByChance)
          one.trivial = Trivial::kChance;
      } else if (transitive && one.always()) {
        const bool equal = relation == Relation::kEquivalence && count(one.from) > 0 &&
                           count(one.from) == count(one.to);
        const bool next =
            relation == Relation::kAlwaysAfter && directly.contains({one.from, one.to});
        if (equal || next || reduction.implied(one.from, one.to)) one.trivial = Trivial::kImplied;
      }
    }
  }
}

}  // namespace casebox::analytics::discovery::internal
