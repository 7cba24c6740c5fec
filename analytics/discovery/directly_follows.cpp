#include "analytics/discovery/directly_follows.h"

#include <algorithm>

#include "analytics/discovery/internal/pair_table.h"

namespace casebox::analytics::discovery {
namespace {

using internal::PairTable;

struct Passages {
  uint64_t count = 0;
  uint32_t cases = 0;
  uint32_t last_case = 0;  // number of the case that was counted last, from 1
};

double seconds_of(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

/// `values` are reordered; q in 0..1.
double quantile(std::span<int64_t> values, double q) {
  const double at = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(at);
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(low), values.end());
  const double here = seconds_of(values[low]);
  const double part = at - static_cast<double>(low);
  if (part == 0) return here;
  const int64_t next =
      *std::min_element(values.begin() + static_cast<ptrdiff_t>(low) + 1, values.end());
  return here + part * (seconds_of(next) - here);
}

Waits waits_of(std::span<int64_t> values) {
  Waits out;
  out.n = values.size();
  __extension__ __int128 sum = 0;  // more than one long wait may not fit 64 bits
  for (const int64_t v : values) {
    sum += v;
    if (v < 0) ++out.overlapping;
  }
  out.mean_s = static_cast<double>(static_cast<long double>(sum) /
                                   static_cast<long double>(values.size()) * 1e-9L);
  out.min_s = quantile(values, 0);
  out.q25_s = quantile(values, 0.25);
  out.median_s = quantile(values, 0.5);
  out.q75_s = quantile(values, 0.75);
  out.max_s = quantile(values, 1);
  return out;
}

std::vector<ActivityCount> counted(const std::vector<uint64_t>& counts,
                                   const std::vector<uint32_t>& rank) {
  std::vector<ActivityCount> out;
  for (ActivityId id = 0; id < counts.size(); ++id)
    if (counts[id] > 0) out.push_back({id, counts[id]});
  std::ranges::sort(out, [&](const ActivityCount& a, const ActivityCount& b) {
    return a.count != b.count ? a.count > b.count : rank[a.activity] < rank[b.activity];
  });
  return out;
}

/// Waits of all arcs, the values of one arc behind those of another.
void add_waits(const EventLog& log, OrderBasis basis, Withheld withheld, DirectlyFollows& out) {
  PairTable<uint32_t> place(log.activities.size());  // index of the arc + 1
  std::vector<size_t> fill(out.arcs.size() + 1, 0);
  for (size_t i = 0; i < out.arcs.size(); ++i) {
    place.at(out.arcs[i].from, out.arcs[i].to) = static_cast<uint32_t>(i + 1);
    fill[i + 1] = fill[i] + out.arcs[i].count;
  }
  std::vector<size_t> begin(fill);
  std::vector<int64_t> values(out.passages);
  std::vector<uint32_t> scratch;
  for (size_t c = 0; c < log.traces.size(); ++c) {
    const auto excluded = timing_excluded(log, c, withheld);
    if (excluded) out.excluded.push_back(*excluded);
    if (excluded && excluded->whole) continue;
    const Trace& trace = log.traces[c];
    const auto order = order_of(trace, basis, scratch);
    for (size_t k = 1; k < order.size(); ++k) {
      const LogEvent& a = trace.events[order[k - 1]];
      const LogEvent& b = trace.events[order[k]];
      if (!has_end(a) || !has_start(b)) continue;
      values[fill[place.at(a.activity, b.activity) - 1]++] = b.t0_ns - a.t1_ns;
    }
  }
  for (size_t i = 0; i < out.arcs.size(); ++i)
    if (fill[i] > begin[i])
      out.arcs[i].waits = waits_of({values.data() + begin[i], fill[i] - begin[i]});
}

}  // namespace

DirectlyFollows count_arcs(const EventLog& log, OrderBasis basis) {
  DirectlyFollows out;
  out.cases = log.traces.size();
  PairTable<Passages> table(log.activities.size());
  std::vector<uint64_t> all(log.activities.size()), starts(all), ends(all);
  std::vector<ActivityId> scratch;
  uint32_t mark = 0;
  for (const Trace& trace : log.traces) {
    ++mark;
    const auto steps = steps_of(trace, basis, scratch);
    if (steps.empty()) continue;
    out.events += steps.size();
    ++starts[steps.front()];
    ++ends[steps.back()];
    ++all[steps.front()];
    for (size_t k = 1; k < steps.size(); ++k) {
      ++all[steps[k]];
      Passages& passages = table.at(steps[k - 1], steps[k]);
      ++passages.count;
      passages.cases += passages.last_case != mark;
      passages.last_case = mark;
    }
  }
  table.each([&](ActivityId from, ActivityId to, const Passages& passages) {
    if (passages.count == 0) return;
    out.arcs.push_back({from, to, passages.count, passages.cases, std::nullopt});
    out.passages += passages.count;
  });
  const std::vector<uint32_t> rank = name_ranks(log.activities);
  std::ranges::sort(out.arcs, [&](const Arc& a, const Arc& b) {
    if (a.count != b.count) return a.count > b.count;
    return std::pair(rank[a.from], rank[a.to]) < std::pair(rank[b.from], rank[b.to]);
  });
  out.activities = counted(all, rank);
  out.starts = counted(starts, rank);
  out.ends = counted(ends, rank);
  return out;
}

DirectlyFollows directly_follows(const EventLog& log, OrderBasis basis, Withheld withheld) {
  DirectlyFollows out = count_arcs(log, basis);
  add_waits(log, basis, withheld, out);
  return out;
}

}  // namespace casebox::analytics::discovery
