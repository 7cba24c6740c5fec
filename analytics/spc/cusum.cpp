#include "analytics/spc/cusum.h"

#include <fmt/format.h>

#include <Eigen/SparseCore>
#include <Eigen/SparseLU>
#include <algorithm>
#include <cmath>
#include <map>

#include "analytics/spc/internal/sums.h"

namespace casebox::analytics::spc {
namespace {

Error invalid(std::string what) { return {Code::kInvalidArgument, std::move(what)}; }

Result<void> check(const RiskMix& mix, double odds_ratio) {
  if (!(odds_ratio > 0) || odds_ratio == 1)
    return invalid("an odds ratio of " + std::to_string(odds_ratio) +
                   " is no change to look for; give one above 0 other than 1");
  if (mix.empty()) return invalid("no cases; give at least one risk");
  for (const RiskShare& one : mix)
    if (!(one.risk > 0 && one.risk < 1))
      return invalid("a risk of " + std::to_string(one.risk) + "; give risks between 0 and 1");
  return {};
}

/// Steps on a grid of `per_unit` states a unit, with their probabilities; each weight is shared
/// between the two grid points around it so that its mean is kept.
std::map<int, double> steps(const RiskMix& mix, double odds_ratio, double per_unit,
                            double true_odds_ratio) {
  std::map<int, double> out;
  const auto add = [&](double weight, double p) {
    const double at = weight * per_unit, low = std::floor(at);
    out[static_cast<int>(low)] += p * (1 - (at - low));
    out[static_cast<int>(low) + 1] += p * (at - low);
  };
  for (const RiskShare& one : mix) {
    const Weights w = weights(one.risk, odds_ratio);
    const double p = true_odds_ratio * one.risk / (1 - one.risk + true_odds_ratio * one.risk);
    add(w.event, one.share * p);
    add(w.none, one.share * (1 - p));
  }
  return out;
}

constexpr double kTolerance = 1e-9;

}  // namespace

Weights weights(double risk, double odds_ratio) {
  const double scale = 1 - risk + odds_ratio * risk;
  return {std::log(odds_ratio / scale), std::log(1 / scale)};
}

RiskMix mix_of(const std::vector<double>& risks) {
  std::map<double, size_t> counts;
  for (const double risk : risks) ++counts[risk];
  RiskMix out;
  for (const auto& [risk, count] : counts)
    out.push_back({static_cast<double>(count) / static_cast<double>(risks.size()), risk});
  return out;
}

Result<double> cusum_run_length(const RiskMix& mix, double odds_ratio, double limit, int states,
                                double true_odds_ratio) {
  if (auto ok = check(mix, odds_ratio); !ok) return ok.error();
  if (!(limit > 0) || states < 2)
    return invalid("a limit of " + std::to_string(limit) + "; give one above 0");
  std::vector<Eigen::Triplet<double>> entries;
  const auto moves = steps(mix, odds_ratio, states / limit, true_odds_ratio);
  for (int from = 0; from < states; ++from) {
    entries.emplace_back(from, from, 1);
    for (const auto& [step, p] : moves)
      if (from + step < states) entries.emplace_back(from, std::max(from + step, 0), -p);
  }
  Eigen::SparseMatrix<double> system(states, states);
  system.setFromTriplets(entries.begin(), entries.end());
  Eigen::SparseLU<Eigen::SparseMatrix<double>> solver(system);
  if (solver.info() != Eigen::Success)
    return Error{Code::kInternal, "the chain of the CUSUM cannot be solved; give fewer states"};
  const Eigen::VectorXd length = solver.solve(Eigen::VectorXd::Ones(states));
  return length[0];
}

Result<double> cusum_limit(const RiskMix& mix, double odds_ratio, double run_length, int states) {
  if (!(run_length > 1)) return invalid("a run length must be above 1");
  constexpr double kFar = 64;  // no run length of use needs a limit near it
  double low = 0, high = 1;
  while (true) {
    auto at = cusum_run_length(mix, odds_ratio, high, states);
    if (!at) return at.error();
    if (*at >= run_length || high >= kFar) break;
    low = high;
    high *= 2;
  }
  while (high - low > 1e-6) {
    const double middle = (low + high) / 2;
    auto at = cusum_run_length(mix, odds_ratio, middle, states);
    if (!at) return at.error();
    (*at >= run_length ? high : low) = middle;
  }
  return high;
}

Result<ExactLimit> exact_cusum_limit(const std::vector<double>& risks, double odds_ratio,
                                     double alpha) {
  if (auto ok = check(mix_of(risks), odds_ratio); !ok) return ok.error();
  if (!(alpha > 0 && alpha < 1)) return invalid("alpha must lie between 0 and 1");
  if (risks.size() > kExactCases)
    return Error{
        Code::kUnsupported,
        fmt::format("{} cases; an exact limit is counted for at most {}: give a run length",
                    risks.size(), kExactCases)};
  std::vector<Weights> w;
  for (const double risk : risks) w.push_back(weights(risk, odds_ratio));
  const std::vector<double> attainable = internal::attainable_sums(w);
  // Passing a higher sum is never more probable.
  size_t low = 0, high = attainable.size() - 1;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (internal::passing(risks, w, attainable[middle] + kTolerance) <= alpha)
      high = middle;
    else
      low = middle + 1;
  }
  const double limit = attainable[high];
  return ExactLimit{limit, internal::passing(risks, w, limit + kTolerance)};
}

Result<Chart> ra_cusum(const std::vector<bool>& events, const std::vector<double>& risks,
                       const CusumOptions& options) {
  if (events.size() != risks.size()) return invalid("each case needs one risk");
  Chart chart;
  chart.kind = "racusum";
  if (events.empty()) {
    chart.reasons.push_back("no cases");
    return chart;
  }
  const RiskMix mix = mix_of(risks);
  if (auto ok = check(mix, options.odds_ratio); !ok) return ok.error();
  double limit = 0;
  bool reaching = true;  // signals, not only passing
  FalseAlarms& alarms = chart.false_alarms;
  if (options.limit || options.run_length) {
    if (options.limit && !(*options.limit > 0)) return invalid("a limit must be above 0");
    auto found = options.limit ? Result<double>(*options.limit)
                               : cusum_limit(mix, options.odds_ratio, *options.run_length);
    if (!found) return found.error();
    limit = *found;
  } else {
    auto exact = exact_cusum_limit(risks, options.odds_ratio, options.alpha);
    if (!exact) return exact.error();
    limit = exact->limit;
    reaching = false;
    alarms.within_these_points = exact->false_alarm;
    alarms.basis = fmt::format("exact over all outcomes of these {} cases, risks right, alpha {}",
                               events.size(), options.alpha);
    if (limit <= 0)
      chart.notices.push_back("any event signals: with this alpha no sum above 0 is left to pass");
  }
  if (reaching) {
    auto run = cusum_run_length(mix, options.odds_ratio, limit);
    if (!run) return run.error();
    alarms.average_run_length = *run;
    alarms.within_these_points = internal::reaching(risks, options.odds_ratio, limit, kCusumStates);
    alarms.basis =
        fmt::format("risks right, patient mix as charted: Markov chain of {} states", kCusumStates);
  }
  double sum = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    const Weights w = weights(risks[i], options.odds_ratio);
    sum = std::max(0.0, sum + (events[i] ? w.event : w.none));
    ChartPoint point{sum};
    point.upper = limit;
    if (reaching ? sum >= limit - kTolerance : sum > limit + kTolerance) {
      point.signals.push_back("limit");
      sum = 0;
    }
    chart.points.push_back(point);
  }
  return chart;
}

Chart vlad(const std::vector<bool>& events, const std::vector<double>& risks) {
  Chart chart;
  chart.kind = "vlad";
  chart.display_only = true;
  chart.reasons.push_back("for display only: a VLAD has no limits");
  double sum = 0;
  for (size_t i = 0; i < events.size() && i < risks.size(); ++i) {
    sum += risks[i] - (events[i] ? 1 : 0);
    chart.points.push_back({sum});
  }
  return chart;
}

}  // namespace casebox::analytics::spc
