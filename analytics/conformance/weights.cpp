#include "analytics/conformance/weights.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

namespace casebox::analytics::conformance {
namespace {

using Counts = std::vector<uint32_t>;

/// Cases with the same tallies have the same score under any weights.
struct Profile {
  std::vector<Counts> rows;
  uint64_t cases = 0;
};

Range score(const std::vector<Counts>& rows, const std::vector<double>& weights) {
  Range out;
  bool first = true;
  for (const Counts& row : rows) {
    double sum = 0;
    for (size_t v = 0; v < row.size(); ++v) sum += row[v] * weights[v];
    out.least = first ? sum : std::min(out.least, sum);
    out.most = first ? sum : std::max(out.most, sum);
    first = false;
  }
  return out;
}

/// Scores are compared in billionths: sums that are equal on paper must not differ by rounding.
int64_t rank_of(double score) { return std::llround(score * 1e9); }

Spread spread(std::vector<double> values) {
  std::ranges::sort(values);
  const auto at = [&](double q) {
    const double place = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
  };
  if (values.empty()) return {};
  return {at(.5), at(.025), at(.975)};
}

/// Everything under one set of weights.
struct Under {
  std::vector<Range> of;       // by profile
  std::vector<int64_t> ranks;  // of Range::least
  Range total;
  int64_t mean = 0;  // as a rank
};

Under under(const std::vector<Profile>& profiles, uint64_t cases,
            const std::vector<double>& weights) {
  Under out;
  for (const Profile& profile : profiles) {
    const Range range = score(profile.rows, weights);
    out.of.push_back(range);
    out.ranks.push_back(rank_of(range.least));
    out.total.least += range.least * static_cast<double>(profile.cases);
    out.total.most += range.most * static_cast<double>(profile.cases);
  }
  if (cases > 0) out.mean = rank_of(out.total.least / static_cast<double>(cases));
  return out;
}

int side(int64_t rank, int64_t mean) { return rank > mean ? 1 : rank < mean ? -1 : 0; }

/// Counts pairs of cases that stand strictly one way round by `ranks` and strictly the other by
/// another ranking: a Fenwick tree over the other ranks, filled in the order of `ranks`.
class Pairs {
 public:
  Pairs(const std::vector<Profile>& profiles, std::vector<int64_t> ranks)
      : profiles_(profiles), ranks_(std::move(ranks)), order_(profiles.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::ranges::stable_sort(order_, {}, [&](size_t p) { return ranks_[p]; });
  }

  uint64_t ordered() const {
    uint64_t out = 0, before = 0;
    each_level([&](std::span<const size_t> level) {
      uint64_t here = 0;
      for (size_t p : level) here += profiles_[p].cases;
      out += before * here;
      before += here;
    });
    return out;
  }

  uint64_t reversed(const std::vector<int64_t>& other) const {
    std::vector<int64_t> levels = other;
    std::ranges::sort(levels);
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    std::vector<uint64_t> tree(levels.size() + 1);
    uint64_t out = 0, all = 0;
    const auto place = [&](size_t p) {
      return static_cast<size_t>(std::ranges::lower_bound(levels, other[p]) - levels.begin()) + 1;
    };
    each_level([&](std::span<const size_t> level) {
      for (size_t p : level) {
        uint64_t not_above = 0;
        for (size_t i = place(p); i > 0; i -= i & (~i + 1)) not_above += tree[i];
        out += (all - not_above) * profiles_[p].cases;
      }
      for (size_t p : level) {
        all += profiles_[p].cases;
        for (size_t i = place(p); i < tree.size(); i += i & (~i + 1)) tree[i] += profiles_[p].cases;
      }
    });
    return out;
  }

 private:
  /// Calls `visit` with the profiles of each rank, lowest first.
  template <typename Visit>
  void each_level(Visit visit) const {
    for (size_t i = 0; i < order_.size();) {
      size_t end = i;
      while (end < order_.size() && ranks_[order_[end]] == ranks_[order_[i]]) ++end;
      visit(std::span(order_).subspan(i, end - i));
      i = end;
    }
  }

  const std::vector<Profile>& profiles_;
  std::vector<int64_t> ranks_;
  std::vector<size_t> order_;
};

}  // namespace

Values values_of(const protocol::Norm& norm) {
  Values out;
  for (const v1::ProtocolValue& value : norm.source.values()) {
    out.ids.push_back(value.id());
    out.weights.push_back(value.weight());
  }
  return out;
}

Tally tally(const protocol::Norm& norm, const CaseResult& result) {
  Tally out;
  std::map<std::string, size_t> index;
  for (int v = 0; v < norm.source.values_size(); ++v)
    index.emplace(norm.source.values(v).id(), static_cast<size_t>(v));
  const auto unjudged = [](const Departure& d) { return d.certainty == v1::CERTAINTY_UNSPECIFIED; };
  out.judged = result.exact && std::ranges::none_of(result.departures, unjudged);
  if (!out.judged) return out;
  out.listed = result.explanations_complete;

  // Row by row: the departures of that explanation; those of rules and limits are in each.
  const uint32_t rows = out.listed ? std::max(result.explanations, 1u) : 2;
  std::vector<Counts> counts(rows, Counts(index.size()));
  std::vector<uint32_t> all(rows), without(rows);
  for (const Departure& d : result.departures) {
    if (!d.scored()) continue;
    const bool certain = d.certainty == v1::CERTAINTY_CERTAIN;
    for (uint32_t row = 0; row < rows; ++row) {
      const bool has =
          certain ||
          (out.listed ? std::ranges::find(d.explanations, row) != d.explanations.end() : row == 1);
      if (!has) continue;
      ++all[row];
      if (const auto it = index.find(d.value); it != index.end())
        ++counts[row][it->second];
      else
        ++without[row];
    }
  }
  out.scored = std::ranges::max(all);
  out.without_value = std::ranges::max(without);
  std::ranges::sort(counts);
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  out.counts = std::move(counts);
  return out;
}

std::vector<double> scaled_weights(const Values& values) {
  std::vector<double> out = values.weights;
  const double sum = std::accumulate(out.begin(), out.end(), 0.0);
  if (!(sum > 0) || !std::isfinite(sum)) return {};
  for (double& weight : out) weight *= static_cast<double>(out.size()) / sum;
  return out;
}

std::vector<std::vector<double>> random_weights(const std::vector<double>& declared,
                                                const WeightOptions& options) {
  // Groups of equal declared weight, heaviest first, without those of none.
  std::map<double, std::vector<size_t>, std::greater<>> groups;
  size_t weighing = 0;
  for (size_t v = 0; v < declared.size(); ++v) {
    if (!(declared[v] > 0)) continue;
    groups[declared[v]].push_back(v);
    ++weighing;
  }
  std::vector<std::vector<double>> out;
  std::mt19937_64 random(options.seed);
  for (uint32_t draw = 0; draw < options.draws; ++draw) {
    // A uniform point of the simplex: the gaps between sorted uniform numbers.
    std::vector<double> cuts{0, 1};
    for (size_t i = 1; i < weighing; ++i)
      cuts.push_back(static_cast<double>(random() >> 11) * 0x1p-53);
    std::ranges::sort(cuts);
    std::vector<double> parts;
    for (size_t i = 0; i < weighing; ++i) parts.push_back(cuts[i + 1] - cuts[i]);
    std::ranges::sort(parts, std::greater());
    std::vector<double> weights(declared.size());
    size_t next = 0;
    for (const auto& [weight, members] : groups) {
      double sum = 0;
      for (size_t i = 0; i < members.size(); ++i) sum += parts[next++];
      const double each = sum / static_cast<double>(members.size());
      for (size_t v : members) weights[v] = each * static_cast<double>(declared.size());
    }
    out.push_back(std::move(weights));
  }
  return out;
}

Weighing weigh(const protocol::Norm& norm, std::span<const CaseResult> results,
               const WeightOptions& options) {
  std::vector<Tally> tallies;
  for (const CaseResult& result : results) tallies.push_back(tally(norm, result));
  return weigh(values_of(norm), tallies, options);
}

Weighing weigh(const Values& values, std::span<const Tally> tallies, const WeightOptions& options) {
  Weighing out;
  const std::vector<double> declared = scaled_weights(values);
  if (declared.empty()) {
    out.reason = values.ids.empty() ? "the norm declares no values"
                                    : "none of the norm's values has a weight above 0";
    return out;
  }
  out.values = values;
  out.declared = declared;

  std::map<std::vector<Counts>, size_t> ids;
  std::vector<Profile> profiles;
  std::vector<size_t> profile_of(tallies.size());
  uint64_t judged = 0;
  for (size_t i = 0; i < tallies.size(); ++i) {
    const Tally& t = tallies[i];
    WeighedCase weighed;
    weighed.judged = t.judged;
    weighed.listed = t.listed;
    weighed.scored = t.scored;
    weighed.without_value = t.without_value;
    out.cases.push_back(weighed);
    if (!t.judged) {
      ++out.not_judged;
      continue;
    }
    ++judged;
    const auto [it, added] = ids.try_emplace(t.counts, profiles.size());
    if (added) profiles.push_back({it->first, 0});
    ++profiles[it->second].cases;
    profile_of[i] = it->second;
  }
  if (judged == 0) {
    out.reason = "no case's departures are known for certain";
    return out;
  }

  const Under base = under(profiles, judged, declared);
  const Under equal = under(profiles, judged, std::vector<double>(declared.size(), 1));
  const Pairs pairs(profiles, base.ranks);
  out.pairs = pairs.ordered();
  out.reversed_equal = pairs.reversed(equal.ranks);
  out.order_kept = out.reversed_equal == 0;
  std::vector<std::vector<double>> draws(profiles.size());
  std::vector<uint64_t> kept(profiles.size());
  std::vector<double> totals, reversed;
  for (const std::vector<double>& weights : random_weights(declared, options)) {
    const Under u = under(profiles, judged, weights);
    for (size_t p = 0; p < profiles.size(); ++p) {
      draws[p].push_back(u.of[p].least);
      kept[p] += side(u.ranks[p], u.mean) == side(base.ranks[p], base.mean);
    }
    totals.push_back(u.total.least);
    const uint64_t other_way = pairs.reversed(u.ranks);
    out.order_kept = out.order_kept && other_way == 0;
    reversed.push_back(
        out.pairs == 0 ? 0 : static_cast<double>(other_way) / static_cast<double>(out.pairs));
  }
  out.reversed = spread(std::move(reversed));
  out.total = {base.total, equal.total, spread(std::move(totals))};
  std::vector<Spread> spreads;
  for (std::vector<double>& of : draws) spreads.push_back(spread(std::move(of)));
  for (size_t i = 0; i < tallies.size(); ++i) {
    WeighedCase& c = out.cases[i];
    if (!c.judged) continue;
    const size_t p = profile_of[i];
    c.declared = base.of[p];
    c.equal = equal.of[p];
    c.random = spreads[p];
    c.side = side(base.ranks[p], base.mean);
    c.side_kept_equal = side(equal.ranks[p], equal.mean) == c.side;
    if (options.draws > 0)
      c.side_kept = static_cast<double>(kept[p]) / static_cast<double>(options.draws);
  }
  return out;
}

}  // namespace casebox::analytics::conformance
