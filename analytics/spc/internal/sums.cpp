#include "analytics/spc/internal/sums.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace casebox::analytics::spc::internal {
namespace {

constexpr double kSame = 1e-9;

struct Mass {
  double sum = 0;
  double p = 0;
};

/// One case further: both outcomes of every sum, ascending, equal ones joined.
std::vector<Mass> advance(const std::vector<Mass>& from, const Weights& w, double risk) {
  std::vector<Mass> with, without, out;
  for (const Mass& m : from) {
    with.push_back({std::max(0.0, m.sum + w.event), m.p * risk});
    without.push_back({std::max(0.0, m.sum + w.none), m.p * (1 - risk)});
  }
  std::vector<Mass> merged;
  std::merge(with.begin(), with.end(), without.begin(), without.end(), std::back_inserter(merged),
             [](const Mass& a, const Mass& b) { return a.sum < b.sum; });
  for (const Mass& m : merged)
    if (!out.empty() && m.sum - out.back().sum < kSame)
      out.back().p += m.p;
    else
      out.push_back(m);
  return out;
}

}  // namespace

std::vector<double> attainable_sums(const std::vector<Weights>& weights) {
  std::vector<Mass> now{{0, 1}};
  std::vector<double> all{0};
  for (const Weights& w : weights) {
    now = advance(now, w, .5);
    std::vector<double> next;
    next.reserve(all.size() + now.size());
    size_t i = 0;
    for (const Mass& m : now) {
      while (i < all.size() && all[i] <= m.sum) next.push_back(all[i++]);
      next.push_back(m.sum);
    }
    next.insert(next.end(), all.begin() + static_cast<std::ptrdiff_t>(i), all.end());
    next.erase(
        std::unique(next.begin(), next.end(), [](double a, double b) { return b - a < kSame; }),
        next.end());
    all = std::move(next);
  }
  return all;
}

double passing(const std::vector<double>& risks, const std::vector<Weights>& weights,
               double limit) {
  std::vector<Mass> now{{0, 1}};
  double passed = 0;
  for (size_t i = 0; i < risks.size(); ++i) {
    now = advance(now, weights[i], risks[i]);
    while (!now.empty() && now.back().sum > limit) {
      passed += now.back().p;
      now.pop_back();
    }
  }
  return passed;
}

double reaching(const std::vector<double>& risks, double odds_ratio, double limit, int states) {
  std::vector<double> now(static_cast<size_t>(states), 0);
  now[0] = 1;
  double reached = 0;
  const double per_unit = states / limit;
  for (const double risk : risks) {
    std::vector<double> next(now.size(), 0);
    const Weights w = weights(risk, odds_ratio);
    const auto move = [&](double weight, double p) {
      const double at = weight * per_unit, low = std::floor(at);
      for (const auto& [step, share] : {std::pair{static_cast<int>(low), 1 - (at - low)},
                                        std::pair{static_cast<int>(low) + 1, at - low}})
        for (int from = 0; from < states; ++from) {
          const double mass = now[static_cast<size_t>(from)] * p * share;
          if (from + step >= states)
            reached += mass;
          else
            next[static_cast<size_t>(std::max(from + step, 0))] += mass;
        }
    };
    move(w.event, risk);
    move(w.none, 1 - risk);
    now = std::move(next);
  }
  return reached;
}

}  // namespace casebox::analytics::spc::internal
