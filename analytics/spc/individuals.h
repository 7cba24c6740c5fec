#pragma once

// Charts of one value a case: individuals with moving ranges (XmR), and EWMA.
//
// XmR: centre = mean, sigma = mean moving range / 1.128 (d2 for pairs, as tabulated: NIST/SEMATECH
// e-Handbook 6.3.2.2; Shewhart's constant), limits at 3 sigma, run rules on top. The moving
// ranges have an upper limit of 3.267 times their mean (D4).
// EWMA: z_i = lambda x_i + (1 - lambda) z_(i-1), z_0 = centre; limits
// centre +- L sigma sqrt(lambda / (2 - lambda) (1 - (1 - lambda)^(2i))), exact for each i (Roberts
// 1959; Lucas & Saccucci, Technometrics 32 (1990) 1-12; NIST 6.3.2.4 uses their asymptote).
//
// Both need independent values without strong skew; durations are often skewed: `log_scale` charts
// logarithms and gives centre and limits back in the unit of the values.
//
// Thread safety: pure functions. Errors: none; what cannot be said is in Chart::reasons.

#include <optional>

#include "analytics/spc/chart.h"
#include "analytics/spc/run_rules.h"

namespace casebox::analytics::spc {

struct IndividualsOptions {
  size_t baseline = 0;  // first so many points give the limits; 0: all
  Rules rules = western_electric_rules();
  bool log_scale = false;
};

struct Xmr {
  Chart individuals;
  Chart moving_range;  // one point fewer
};
Xmr xmr(const std::vector<double>& values, const IndividualsOptions& options = {});

struct EwmaOptions {
  size_t baseline = 0;
  double lambda = 0.2;           // in (0, 1]
  double width = 2.962;          // L; with lambda .2 a run length of 500 at the asymptote
  std::optional<double> centre;  // absent: mean of the baseline
  std::optional<double> sigma;   // absent: as XmR
  bool log_scale = false;
};
Chart ewma(const std::vector<double>& values, const EwmaOptions& options = {});

/// Mean number of points to the first false signal of an EWMA with known centre and sigma; with the
/// limits exact for each point, or at their asymptote throughout. By the Markov chain of Lucas &
/// Saccucci (1990) with 201 states: 500 for lambda .2 and L 2.962 at the asymptote.
double ewma_run_length(double lambda, double width, bool exact_limits);

}  // namespace casebox::analytics::spc
