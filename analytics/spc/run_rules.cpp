#include "analytics/spc/run_rules.h"

#include <Eigen/SparseCore>
#include <Eigen/SparseLU>
#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <deque>
#include <map>
#include <random>

#include "analytics/spc/internal/draws.h"

namespace casebox::analytics::spc {
namespace {

struct Shape {
  size_t window;  // points looked at
  size_t needed;  // of which have the property
  double beyond;  // sigma
};

bool has(const Rules& rules, Rule rule) {
  return std::find(rules.begin(), rules.end(), rule) != rules.end();
}

/// Points i - window + 1 .. i of which `needed` lie beyond on the side of point i, i among them.
bool on_one_side(const std::vector<double>& z, size_t i, const Shape& shape) {
  for (const double side : {1.0, -1.0}) {
    if (side * z[i] <= shape.beyond) continue;
    size_t count = 0;
    for (size_t k = 0; k < shape.window && k <= i; ++k) count += side * z[i - k] > shape.beyond;
    if (count >= shape.needed) return true;
  }
  return false;
}

bool steady(const std::vector<double>& z, size_t i) {
  if (i < 5) return false;
  bool rising = true, falling = true;
  for (size_t k = i - 4; k <= i; ++k) {
    rising = rising && z[k] > z[k - 1];
    falling = falling && z[k] < z[k - 1];
  }
  return rising || falling;
}

bool alternating(const std::vector<double>& z, size_t i) {
  if (i < 13) return false;
  for (size_t k = i - 11; k <= i; ++k)
    if ((z[k] - z[k - 1]) * (z[k - 1] - z[k - 2]) >= 0) return false;
  return true;
}

bool all_of_last(const std::vector<double>& z, size_t i, size_t count, bool within) {
  if (i + 1 < count) return false;
  for (size_t k = 0; k < count; ++k)
    if ((std::abs(z[i - k]) < 1) != within || std::abs(z[i - k]) == 1) return false;
  return true;
}

bool holds(const std::vector<double>& z, size_t i, Rule rule) {
  switch (rule) {
    case Rule::kOne: return std::abs(z[i]) > 3;
    case Rule::kTwo: return on_one_side(z, i, {9, 9, 0});
    case Rule::kThree: return steady(z, i);
    case Rule::kFour: return alternating(z, i);
    case Rule::kFive: return on_one_side(z, i, {3, 2, 2});
    case Rule::kSix: return on_one_side(z, i, {5, 4, 1});
    case Rule::kSeven: return all_of_last(z, i, 15, true);
    case Rule::kEight: return all_of_last(z, i, 8, false);
    case Rule::kEightOnASide: return on_one_side(z, i, {8, 8, 0});
  }
  return false;
}

bool zones_suffice(const Rules& rules) {
  return std::none_of(rules.begin(), rules.end(), [](Rule rule) {
    return rule == Rule::kThree || rule == Rule::kFour || rule == Rule::kSeven ||
           rule == Rule::kEight;
  });
}

// One value inside each zone, from below -3 sigma to above 3 sigma.
constexpr std::array<double, 8> kZone = {-3.5, -2.5, -1.5, -.5, .5, 1.5, 2.5, 3.5};
constexpr size_t kHistory =
    8;  // the longest pattern but one looks at nine points, this one included

/// What of a history the zone rules can still see, made as short as it can be: how long the run on
/// one side is, which of the last four points lie beyond 1 sigma, which of the last two beyond 2.
std::vector<int> canonical(std::vector<int> history) {
  if (history.size() > kHistory) history.erase(history.begin());
  const auto up = [](int zone) { return zone > 3; };
  size_t run = 0;
  while (run < history.size() && up(history[history.size() - 1 - run]) == up(history.back())) ++run;
  const size_t keep = std::max(run, std::min<size_t>(history.size(), 4));
  history.erase(history.begin(), history.end() - static_cast<std::ptrdiff_t>(keep));
  for (size_t i = 0; i < history.size(); ++i) {
    const size_t age = history.size() - i;  // 1: the last
    int& zone = history[i];
    if (age > 4) zone = up(zone) ? 4 : 3;
    if (age > 2) zone = std::clamp(zone, 2, 5);
    if (age <= 2) zone = std::clamp(zone, 1, 6);
    // Before the run the side of an inner point is no longer asked for, as long as it ends the run.
    if (age > run && (zone == 3 || zone == 4)) zone = up(history.back()) ? 3 : 4;
  }
  return history;
}

double zone_run_length(const Rules& rules) {
  const boost::math::normal normal;
  std::array<double, 8> p{};
  for (size_t i = 0; i < 8; ++i) {
    const double low = i == 0 ? 0 : boost::math::cdf(normal, static_cast<double>(i) - 4);
    const double high = i == 7 ? 1 : boost::math::cdf(normal, static_cast<double>(i) - 3);
    p[i] = high - low;
  }
  std::map<std::vector<int>, int> number{{{}, 0}};
  std::deque<std::vector<int>> open{{}};
  std::vector<Eigen::Triplet<double>> entries;
  while (!open.empty()) {
    const std::vector<int> from = open.front();
    open.pop_front();
    const int row = number.at(from);
    entries.emplace_back(row, row, 1);
    for (int zone = 0; zone < 8; ++zone) {
      std::vector<int> next = from;
      next.push_back(zone);
      std::vector<double> z;
      for (int value : next) z.push_back(kZone[static_cast<size_t>(value)]);
      if (std::any_of(rules.begin(), rules.end(),
                      [&](Rule rule) { return holds(z, z.size() - 1, rule); }))
        continue;
      next = canonical(std::move(next));
      const auto [place, fresh] = number.emplace(next, static_cast<int>(number.size()));
      if (fresh) open.push_back(next);
      entries.emplace_back(row, place->second, -p[static_cast<size_t>(zone)]);
    }
  }
  const auto n = static_cast<Eigen::Index>(number.size());
  Eigen::SparseMatrix<double> system(n, n);
  system.setFromTriplets(entries.begin(), entries.end());
  Eigen::SparseLU<Eigen::SparseMatrix<double>> solver(system);
  const Eigen::VectorXd steps = solver.solve(Eigen::VectorXd::Ones(n));
  return steps[0];
}

double simulated_run_length(const Rules& rules) {
  constexpr int kRuns = 4000;
  constexpr size_t kLookBack = 15;
  std::mt19937_64 random(1984);
  const boost::math::normal normal;
  double total = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> z;
    for (bool signal = false; !signal; ++total) {
      if (z.size() == kLookBack) z.erase(z.begin());
      z.push_back(boost::math::quantile(normal, internal::unit_draw(random)));
      signal = std::any_of(rules.begin(), rules.end(),
                           [&](Rule rule) { return holds(z, z.size() - 1, rule); });
    }
  }
  return total / kRuns;
}

}  // namespace

const char* to_string(Rule rule) {
  switch (rule) {
    case Rule::kOne: return "nelson-1";
    case Rule::kTwo: return "nelson-2";
    case Rule::kThree: return "nelson-3";
    case Rule::kFour: return "nelson-4";
    case Rule::kFive: return "nelson-5";
    case Rule::kSix: return "nelson-6";
    case Rule::kSeven: return "nelson-7";
    case Rule::kEight: return "nelson-8";
    case Rule::kEightOnASide: return "western-electric-4";
  }
  return "";
}

std::string signal_words(const std::string& signal) {
  static const std::map<std::string, std::string> kWords = {
      {"nelson-1", "beyond 3 sigma"},
      {"nelson-2", "nine in a row on one side of the centre"},
      {"nelson-3", "six in a row rising or falling"},
      {"nelson-4", "fourteen in a row up and down in turn"},
      {"nelson-5", "two of three beyond 2 sigma on one side"},
      {"nelson-6", "four of five beyond 1 sigma on one side"},
      {"nelson-7", "fifteen in a row within 1 sigma"},
      {"nelson-8", "eight in a row beyond 1 sigma"},
      {"western-electric-4", "eight in a row on one side of the centre"},
      {"limit", "beyond its limit"}};
  const auto found = kWords.find(signal);
  return found == kWords.end() ? signal : found->second;
}

Rules shewhart_rules() { return {Rule::kOne}; }

Rules western_electric_rules() {
  return {Rule::kOne, Rule::kFive, Rule::kSix, Rule::kEightOnASide};
}

Rules nelson_rules() {
  return {Rule::kOne,  Rule::kTwo, Rule::kThree, Rule::kFour,
          Rule::kFive, Rule::kSix, Rule::kSeven, Rule::kEight};
}

std::vector<Rules> apply_rules(const std::vector<double>& z, const Rules& rules) {
  std::vector<Rules> out(z.size());
  for (size_t i = 0; i < z.size(); ++i)
    for (const Rule rule : rules)
      if (holds(z, i, rule)) out[i].push_back(rule);
  return out;
}

RunLength in_control_run_length(const Rules& rules) {
  if (rules.empty()) return {};
  if (has(rules, Rule::kOne) && rules.size() == 1)
    return {.5 / boost::math::cdf(boost::math::normal(), -3.0), true};
  if (rules == western_electric_rules()) {
    static const double length = zone_run_length(rules);  // asked for by every chart
    return {length, true};
  }
  if (zones_suffice(rules)) return {zone_run_length(rules), true};
  return {simulated_run_length(rules), false};
}

}  // namespace casebox::analytics::spc
