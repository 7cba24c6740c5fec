#include "analytics/discovery/temporal_profile.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "analytics/discovery/internal/moments.h"
#include "analytics/discovery/internal/pair_table.h"
#include "analytics/discovery/internal/time_pairs.h"
#include "analytics/discovery/sequences.h"

namespace casebox::analytics::discovery {
namespace {

using internal::Moments;
using internal::PairTable;
using internal::TimePairs;
using Mark = TimePairs::Mark;

/// begin(trace index), and from(mark)(to) over all that may be timed; names what may not.
template <typename Begin, typename From>
void each_time(const EventLog& log, PairRule rule, Withheld withheld,
               std::vector<Excluded>& excluded, Begin begin, From from) {
  TimePairs pairs(log.activities.size());
  for (size_t c = 0; c < log.traces.size(); ++c) {
    if (auto left_out = timing_excluded(log, c, withheld)) {
      excluded.push_back(std::move(*left_out));
      if (excluded.back().whole) continue;
    }
    pairs.read(log.traces[c]);
    begin(c);
    rule == PairRule::kNext ? pairs.each_next(from) : pairs.each(from);
  }
}

/// What a profile says about a pair of this log's activities.
struct Norm {
  uint32_t pair = 0;  // + 1; 0: nothing
  double mean_ns = 0;
  double sd_ns = 0;
};

PairTable<Norm> norms_of(const EventLog& log, const TemporalProfile& profile) {
  std::map<std::string_view, ActivityId> ids;
  for (ActivityId id = 0; id < log.activities.size(); ++id) ids[log.activities[id]] = id;
  PairTable<Norm> out(log.activities.size());
  for (uint32_t i = 0; i < profile.pairs.size(); ++i) {
    const ProfilePair& pair = profile.pairs[i];
    const auto from = ids.find(pair.from), to = ids.find(pair.to);
    if (!pair.sd_s || from == ids.end() || to == ids.end()) continue;
    out.at(from->second, to->second) = {i + 1, pair.mean_s * 1e9, *pair.sd_s * 1e9};
  }
  return out;
}

}  // namespace

TemporalProfile temporal_profile(const EventLog& log, PairRule rule, Withheld withheld) {
  TemporalProfile out;
  out.rule = rule;
  PairTable<Moments> table(log.activities.size());
  each_time(
      log, rule, withheld, out.excluded, [&](size_t) { ++out.cases; },
      [&](const Mark& from) {
        return [&table, &from, row = table.row(from.activity)](const Mark& to) {
          Moments& moments =
              row != nullptr ? row[to.activity] : table.at(from.activity, to.activity);
          moments.add(to.t0_ns - from.t1_ns);
        };
      });
  table.each([&](ActivityId from, ActivityId to, const Moments& moments) {
    if (moments.n() == 0) return;
    out.times += moments.n();
    ProfilePair pair{log.activities[from], log.activities[to], moments.n()};
    pair.mean_s = static_cast<double>(moments.mean_ns() * 1e-9L);
    if (pair.n > 1) pair.sd_s = static_cast<double>(moments.sd_ns() * 1e-9L);
    out.pairs.push_back(std::move(pair));
  });
  std::ranges::sort(out.pairs, [](const ProfilePair& a, const ProfilePair& b) {
    return a.n != b.n ? a.n > b.n : std::tie(a.from, a.to) < std::tie(b.from, b.to);
  });
  return out;
}

ProfileCheck check_times(const EventLog& log, const TemporalProfile& profile, double zeta,
                         Withheld withheld) {
  // Means are rounded to a double, times are whole nanoseconds: less than this is no difference.
  const auto slack = [](double mean_ns) { return 0.5 + 1e-15 * mean_ns; };
  ProfileCheck out;
  const PairTable<Norm> norms = norms_of(log, profile);
  size_t trace = 0, last = SIZE_MAX;
  const auto look = [&](const Mark& from, const Mark& to) {
    ++out.times;
    const Norm norm = norms.get(from.activity, to.activity);
    if (norm.pair == 0) {
      ++out.not_judged;
      return;
    }
    const auto took = static_cast<double>(to.t0_ns - from.t1_ns);
    const double off = std::abs(took - norm.mean_ns);
    const double excess = off - zeta * norm.sd_ns;
    if (excess <= slack(norm.mean_ns)) return;
    TimeDeviation found;
    found.trace = trace;
    found.from_event = from.event;
    found.to_event = to.event;
    found.pair = norm.pair - 1;
    found.took_s = took * 1e-9;
    if (norm.sd_ns > 0) found.z = off / norm.sd_ns;
    const auto ua = static_cast<double>(from.u95_ns), ub = static_cast<double>(to.u95_ns);
    found.within_clocks = excess <= std::hypot(ua, ub);
    out.deviations.push_back(found);
    out.deviating_cases += last != trace;
    last = trace;
  };
  each_time(
      log, profile.rule, withheld, out.excluded,
      [&](size_t c) {
        trace = c;
        ++out.cases;
      },
      [&](const Mark& from) { return [&look, &from](const Mark& to) { look(from, to); }; });
  std::ranges::sort(out.deviations, {}, [](const TimeDeviation& d) {
    return std::tie(d.trace, d.from_event, d.to_event);
  });
  return out;
}

}  // namespace casebox::analytics::discovery
