#include "tools/report/cells.h"

#include <algorithm>
#include <cmath>

#include "tools/cli/names.h"

namespace casebox::tools::report {

bool Cell::shown() const {
  const size_t rest = total - n;
  return n >= kMinimumGroup && (rest == 0 || rest >= kMinimumGroup);
}

std::string Cell::text() const {
  if (shown()) return std::to_string(n);
  if (n < kMinimumGroup) return "under " + std::to_string(kMinimumGroup);
  return "over " + std::to_string(total - kMinimumGroup);
}

std::string Cell::share() const {
  if (!shown() || total == 0) return "";
  const double z = 1.959963985, m = static_cast<double>(total), p = static_cast<double>(n) / m;
  const double middle = (p + z * z / (2 * m)) / (1 + z * z / m);
  const double half = z / (1 + z * z / m) * std::sqrt(p * (1 - p) / m + z * z / (4 * m * m));
  const auto percent = [](double x) { return fixed(100 * std::fmax(0, std::fmin(1, x)), 0); };
  return percent(p) + " % (" + percent(middle - half) + " to " + percent(middle + half) + " %)";
}

std::vector<bool> shown_parts(const std::vector<size_t>& counts) {
  std::vector<size_t> order(counts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return counts[a] < counts[b]; });
  std::vector<bool> shown(counts.size(), true);
  size_t withheld = 0, sum = 0;
  for (size_t i : order) {
    const bool small = counts[i] < kMinimumGroup;
    const bool told = sum > 0 && (withheld == 1 || sum < kMinimumGroup);
    if (!small && !told) break;
    shown[i] = false;
    ++withheld;
    sum += counts[i];
  }
  return shown;
}

}  // namespace casebox::tools::report
