#include "tools/report/comparison.h"

#include <algorithm>
#include <cmath>

#include "analytics/timing/robust.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

double percentile(const std::vector<double>& sorted, double p) {
  const double at = p * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(std::floor(at));
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

const PhaseStatistics* Comparison::find(const std::string& phase) const {
  for (const PhaseStatistics& one : phases)
    if (one.phase == phase) return &one;
  return nullptr;
}

Comparison compare(const std::string& procedure, const std::vector<CaseTimes>& others) {
  Comparison out;
  out.procedure = procedure;
  out.cases = others.size();
  std::map<std::string, std::vector<double>> seconds;
  std::map<std::string, std::vector<std::string>> inputs;
  for (const CaseTimes& one : others) {
    if (!one.excluded.empty()) {
      ++out.excluded[one.excluded];
      continue;
    }
    for (const auto& [phase, value] : one.seconds) {
      seconds[phase].push_back(value);
      inputs[phase].push_back(one.case_id);
    }
  }
  std::map<std::string, std::vector<double>> starts;  // first entry of each phase, case by case
  for (const CaseTimes& one : others) {
    std::map<std::string, double> first;
    for (const PhaseSpan& span : one.spans) first.emplace(span.label, span.t0_s);
    for (const auto& [phase, t] : first) starts[phase].push_back(t);
  }
  for (auto& [phase, values] : seconds) {
    PhaseStatistics row;
    row.phase = phase;
    row.n = values.size();
    std::sort(inputs[phase].begin(), inputs[phase].end());
    row.tag = result_tag("timing", phase, inputs[phase]);
    if (row.n >= kMinimumGroup) {
      std::sort(values.begin(), values.end());
      row.median_s = analytics::timing::median(values);
      if (const auto interval = analytics::timing::median_interval(values)) {
        row.low_s = interval->low;
        row.high_s = interval->high;
      }
      row.p10_s = percentile(values, 0.1);
      row.p90_s = percentile(values, 0.9);
    }
    out.phases.push_back(std::move(row));
  }
  std::stable_sort(out.phases.begin(), out.phases.end(), [&](const auto& a, const auto& b) {
    return analytics::timing::median(starts[a.phase]) < analytics::timing::median(starts[b.phase]);
  });
  return out;
}

}  // namespace casebox::tools::report
