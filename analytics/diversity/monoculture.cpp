#include "analytics/diversity/monoculture.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>

namespace casebox::analytics::diversity {

const char* to_string(Alert alert) {
  switch (alert) {
    case Alert::kAlert: return "alert";
    case Alert::kNoAlert: return "no_alert";
    case Alert::kCannotSay: return "cannot_say";
  }
  return "";
}

Monoculture check_monoculture(const Counts& counts, const MonocultureOptions& options) {
  Monoculture out;
  const uint64_t n = sample_size(counts);
  out.coverage = sample_coverage(counts);
  if (n > 0) {
    using boost::math::binomial;
    const double cases = static_cast<double>(n);
    const double most = *std::max_element(counts.begin(), counts.end());
    const double tail = (1 - options.level) / 2;
    out.share = most / cases;
    out.low = binomial::find_lower_bound_on_p(cases, most, tail);
    out.high = binomial::find_upper_bound_on_p(cases, most, tail);
  }
  if (n < options.minimum_cases) {
    out.reason = fmt::format("{} cases; at least {} are needed", n, options.minimum_cases);
  } else if (out.coverage < options.minimum_coverage) {
    out.reason = fmt::format(
        "the variants seen cover {:.0f} % of practice; at least {:.0f} % are needed to call one of "
        "them dominant",
        100 * out.coverage, 100 * options.minimum_coverage);
  } else if (out.low > options.threshold) {
    out.alert = Alert::kAlert;
    out.reason = fmt::format(
        "one pathway has {:.0f} % of cases (interval {:.0f} to {:.0f} %), all "
        "of it above {:.0f} %",
        100 * out.share, 100 * out.low, 100 * out.high, 100 * options.threshold);
  } else {
    out.alert = Alert::kNoAlert;
    out.reason = fmt::format(
        "the most frequent pathway has {:.0f} % of cases (interval {:.0f} to "
        "{:.0f} %), not surely above {:.0f} %",
        100 * out.share, 100 * out.low, 100 * out.high, 100 * options.threshold);
  }
  return out;
}

}  // namespace casebox::analytics::diversity
