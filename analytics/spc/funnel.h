#pragma once

// Funnel plot: shares or rates of groups of different size beside limits that narrow with size
// (Spiegelhalter, Statistics in Medicine 24 (2005) 1185-1202). Groups are rooms, sites or periods,
// never persons; they come back in the order given and are not ranked.
//
// Limits are exact binomial or Poisson, interpolated between counts (his appendix A.1.1). When
// groups differ by more than chance (over-dispersion, his section 4 and Qual Saf Health Care 14
// (2005) 347-351), the limits are normal ones widened by
//   multiplicative: sqrt(phi), phi = mean of squared z-scores after winsorising;
//   additive: tau^2 by the method of moments from the same winsorised z-scores.
// Winsorised: the lowest and highest floor(share x groups) z-scores are set to the next. Widened
// only if phi exceeds 1 + 2 sqrt(2 / groups); below ten groups over-dispersion cannot be told
// from chance well, and the result says so.
//
// Thread safety: pure functions. Errors: none; what cannot be said is in Funnel::reasons.

#include <optional>
#include <string>
#include <vector>

namespace casebox::analytics::spc {

struct Group {
  std::string name;
  unsigned events = 0;
  double size = 0;  // cases (a share) or exposure (a rate)
};

enum class FunnelOf { kShares, kRates };
enum class Dispersion { kNone, kMultiplicative, kAdditive };
const char* to_string(Dispersion dispersion);

struct FunnelOptions {
  FunnelOf of = FunnelOf::kShares;
  Dispersion dispersion = Dispersion::kMultiplicative;
  double winsorise = 0.1;        // share of groups at each end
  std::optional<double> target;  // absent: pooled over the groups
  bool always_widen = false;     // even when phi is not beyond chance or groups are few
};

struct FunnelGroup {
  Group group;
  double value = 0;
  double z = 0;  // naive, against the target
  double low95 = 0, high95 = 0, low998 = 0, high998 = 0;
  std::string outside;  // "", "95", "99.8"
};

struct Funnel {
  std::vector<FunnelGroup> groups;
  std::optional<double> target, phi, tau;
  Dispersion applied = Dispersion::kNone;
  double expected_outside_95 = 0;  // groups, by chance alone
  double expected_outside_998 = 0;
  std::vector<std::string> reasons, notices;
};

Funnel funnel(const std::vector<Group>& groups, const FunnelOptions& options = {});

}  // namespace casebox::analytics::spc
