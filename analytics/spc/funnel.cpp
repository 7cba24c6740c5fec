#include "analytics/spc/funnel.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <cmath>

namespace casebox::analytics::spc {
namespace {

constexpr size_t kMinimumGroups = 3;
constexpr size_t kEnoughGroups = 10;

/// The count, interpolated, below which probability `p` lies.
template <typename Distribution>
double interpolated(const Distribution& d, double p, double guess, double most) {
  double r = std::clamp(std::floor(guess), 0.0, most);
  while (r > 0 && boost::math::cdf(d, r - 1) > p) --r;
  while (r < most && boost::math::cdf(d, r) <= p) ++r;
  const double at = boost::math::cdf(d, r);
  const double before = r > 0 ? boost::math::cdf(d, r - 1) : 0;
  return r - (at - p) / (at - before);
}

double limit(const FunnelOptions& options, double target, double size, double p) {
  const double mean = target * size;
  const double spread = boost::math::quantile(boost::math::normal(), p);
  if (options.of == FunnelOf::kShares) {
    const double guess = mean + spread * std::sqrt(mean * (1 - target));
    const double r = interpolated(boost::math::binomial(size, target), p, guess, size);
    return std::clamp(r / size, 0.0, 1.0);
  }
  const double guess = mean + spread * std::sqrt(mean);
  return std::max(0.0, interpolated(boost::math::poisson(mean), p, guess, 1e15) / size);
}

double deviation(const FunnelOptions& options, double target, double size) {
  return std::sqrt(target * (options.of == FunnelOf::kShares ? 1 - target : 1) / size);
}

std::vector<double> winsorised(const std::vector<FunnelGroup>& groups, double share) {
  std::vector<double> z;
  for (const FunnelGroup& one : groups) z.push_back(one.z);
  std::sort(z.begin(), z.end());
  const auto cut =
      std::min(static_cast<size_t>(share * static_cast<double>(z.size())), (z.size() - 1) / 2);
  for (size_t i = 0; i < cut; ++i) {
    z[i] = z[cut];
    z[z.size() - 1 - i] = z[z.size() - 1 - cut];
  }
  return z;
}

void set_limits(Funnel& out, const FunnelOptions& options) {
  const double target = *out.target;
  const boost::math::normal normal;
  const double z95 = boost::math::quantile(normal, .975),
               z998 = boost::math::quantile(normal, .999);
  for (FunnelGroup& one : out.groups) {
    const double size = one.group.size;
    if (out.applied == Dispersion::kNone) {
      one.low95 = limit(options, target, size, .025);
      one.high95 = limit(options, target, size, .975);
      one.low998 = limit(options, target, size, .001);
      one.high998 = limit(options, target, size, .999);
    } else {
      const double s = deviation(options, target, size);
      const double wide = out.applied == Dispersion::kMultiplicative
                              ? s * std::sqrt(*out.phi)
                              : std::sqrt(s * s + *out.tau * *out.tau);
      const double most = options.of == FunnelOf::kShares ? 1 : INFINITY;
      one.low95 = std::max(0.0, target - z95 * wide);
      one.high95 = std::min(most, target + z95 * wide);
      one.low998 = std::max(0.0, target - z998 * wide);
      one.high998 = std::min(most, target + z998 * wide);
    }
    if (one.value < one.low998 || one.value > one.high998)
      one.outside = "99.8";
    else if (one.value < one.low95 || one.value > one.high95)
      one.outside = "95";
  }
}

void measure_dispersion(Funnel& out, const FunnelOptions& options) {
  const std::vector<double> z = winsorised(out.groups, options.winsorise);
  const auto count = static_cast<double>(z.size());
  double squares = 0;
  for (const double one : z) squares += one * one;
  out.phi = squares / count;
  double w = 0, w2 = 0;
  for (const FunnelGroup& one : out.groups) {
    const double s = deviation(options, *out.target, one.group.size);
    w += 1 / (s * s);
    w2 += 1 / (s * s * s * s);
  }
  const double tau2 = (squares - (count - 1)) / (w - w2 / w);
  out.tau = std::sqrt(std::max(0.0, tau2));
  if (z.size() < kEnoughGroups)
    out.notices.push_back(
        fmt::format("{} groups: over-dispersion cannot be told from chance well "
                    "below {}; limits are not widened for it",
                    z.size(), kEnoughGroups));
  const double chance = 1 + 2 * std::sqrt(2 / count);
  if (options.dispersion == Dispersion::kNone) {
    if (*out.phi > chance)
      out.notices.push_back(
          "the groups differ by more than chance: limits without widening flag "
          "many of them for no reason of their own");
    return;
  }
  if (!options.always_widen && (*out.phi <= chance || z.size() < kEnoughGroups)) return;
  if (options.dispersion == Dispersion::kMultiplicative && *out.phi > 1)
    out.applied = Dispersion::kMultiplicative;
  if (options.dispersion == Dispersion::kAdditive && tau2 > 0) out.applied = Dispersion::kAdditive;
}

}  // namespace

const char* to_string(Dispersion dispersion) {
  switch (dispersion) {
    case Dispersion::kNone: return "none";
    case Dispersion::kMultiplicative: return "multiplicative";
    case Dispersion::kAdditive: return "additive";
  }
  return "";
}

Funnel funnel(const std::vector<Group>& groups, const FunnelOptions& options) {
  Funnel out;
  double events = 0, size = 0;
  for (const Group& group : groups) {
    if (!(group.size > 0)) {
      out.notices.push_back("group " + group.name + " has no cases and is left out");
      continue;
    }
    out.groups.push_back({group, group.events / group.size});
    events += group.events;
    size += group.size;
  }
  if (!options.target && out.groups.size() < kMinimumGroups) {
    out.reasons.push_back(
        fmt::format("{} groups; without a target from outside at least {} are needed",
                    out.groups.size(), kMinimumGroups));
    return out;
  }
  if (out.groups.empty()) {
    out.reasons.push_back("no group has cases");
    return out;
  }
  const double target = options.target ? *options.target : events / size;
  if (!(target > 0) || (options.of == FunnelOf::kShares && !(target < 1))) {
    out.reasons.push_back(
        "the event happened never or always: there is no spread to set limits by");
    return out;
  }
  out.target = target;
  for (FunnelGroup& one : out.groups)
    one.z = (one.value - target) / deviation(options, target, one.group.size);
  measure_dispersion(out, options);
  set_limits(out, options);
  const auto count = static_cast<double>(out.groups.size());
  out.expected_outside_95 = .05 * count;
  out.expected_outside_998 = .002 * count;
  return out;
}

}  // namespace casebox::analytics::spc
