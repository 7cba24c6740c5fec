#include "tools/report/practice.h"

#include <algorithm>
#include <map>

#include "analytics/diversity/hill.h"
#include "analytics/diversity/variants.h"
#include "analytics/spc/funnel.h"
#include "analytics/spc/individuals.h"
#include "analytics/timing/robust.h"
#include "tools/cli/names.h"
#include "tools/report/charts_svg.h"
#include "tools/report/sections.h"
#include "tools/report/timeline_svg.h"

namespace casebox::tools::report {
namespace {

namespace spc = analytics::spc;
namespace diversity = analytics::diversity;

// As `casebox analyze diversity` has them without options, so that both give the same intervals.
constexpr double kLevel = 0.95;
constexpr size_t kReplicates = 200;
constexpr uint64_t kSeed = 1;

std::string of_limits(const spc::Chart& chart) {
  if (!chart.centre)
    return chart.reasons.empty() ? "" : "No limits: " + chart.reasons.front() + ".";
  std::string out = "Centre line and limits are estimated from these points";
  if (const auto& run = chart.false_alarms.average_run_length)
    out +=
        "; if nothing changed, a false signal would come about every " + fixed(*run, 0) + " points";
  return out + ". A signal says that a point is unlike the others, neither why nor through whom.";
}

}  // namespace

BoardTable durations_over_time(const std::string& section, const Cases& cases) {
  BoardTable out;
  out.section = section;
  out.caption = "How long operations took, from the oldest to the newest";
  out.columns = {{"Operations"}, {"Signal"}, {"Median of 11", true}};
  out.none = "Too few dated operations for one group of 11.";
  Cases dated;
  for (const CohortCase* one : cases)
    if (one->start_utc_ns) dated.push_back(one);
  std::ranges::sort(dated, {}, [](const CohortCase* one) {
    return std::pair(*one->start_utc_ns, std::string_view(one->case_id));
  });
  // The oldest that fill no group are left out, as `casebox analyze spc --subgroup` does.
  std::vector<double> seconds;
  for (size_t i = dated.size() % kMinimumGroup; i < dated.size(); ++i)
    seconds.push_back(dated[i]->duration_s);
  const spc::Chart chart =
      spc::xmr(analytics::timing::medians_of(seconds, kMinimumGroup), {.log_scale = true})
          .individuals;
  for (size_t i = 0; i < chart.points.size(); ++i) {
    std::string signals;
    for (const std::string& one : chart.points[i].signals)
      signals += (signals.empty() ? "" : ", ") + spc::signal_words(one);
    const std::string told = !chart.centre ? "no limits" : signals.empty() ? "none" : signals;
    out.rows.push_back(
        {{"Group " + std::to_string(i + 1), told, length_text(chart.points[i].value)}, ""});
  }
  if (out.rows.empty()) return out;
  out.picture = control_svg(chart, "Groups of 11 operations that follow one another",
                            {"Median duration (min:s)", axis_text});
  out.notes = {"A point is the median of 11 operations, never one of them. " + of_limits(chart)};
  for (const std::string& notice : chart.notices) out.notes.push_back(capital(notice) + ".");
  return out;
}

BoardTable rooms_compared(const std::string& section, const Cases& cases,
                          const std::function<bool(const Cases&)>& shown) {
  BoardTable out;
  out.section = section;
  out.caption = "Operations with a certain departure, by room";
  out.columns = {{"Room"}, {"Operations", true}, {"With one", true}, {"Beside chance"}};
  out.none = "No room has 11 operations that were compared and may be counted.";
  std::map<std::string, std::pair<Cases, Cases>> rooms;  // all, and those with a departure
  for (const CohortCase* one : cases) {
    if (one->room.empty()) continue;
    auto& [all, with] = rooms[one->room];
    all.push_back(one);
    const bool certain = std::ranges::any_of(one->departures, [](const CohortDeparture& d) {
      return d.scored && d.certainty == "certain";
    });
    if (certain) with.push_back(one);
  }
  std::vector<spc::Group> groups;
  bool left_out = false;
  for (const auto& [room, sets] : rooms) {
    const auto& [all, with] = sets;
    if (all.size() >= kMinimumGroup && shown(all) && shown(with))
      groups.push_back({room, static_cast<unsigned>(with.size()), static_cast<double>(all.size())});
    else
      left_out = true;
  }
  const spc::Funnel funnel = spc::funnel(groups);
  for (const spc::FunnelGroup& group : funnel.groups)
    out.rows.push_back(
        {{group.group.name, fixed(group.group.size, 0), std::to_string(group.group.events),
          !funnel.target          ? "no limits"
          : group.outside.empty() ? "within the limits"
                                  : "outside " + group.outside + " % limits"},
         ""});
  if (left_out)
    out.notes.push_back(
        "Rooms with fewer than 11 operations, or whose numbers would let so few be "
        "computed, are left out, of the limits too.");
  if (!out.rows.empty() && !funnel.reasons.empty())
    out.notes.push_back("No limits: " + funnel.reasons.front() + ".");
  if (!funnel.target) return out;
  out.picture = funnel_svg(funnel, "Operations compared", "With a certain departure");
  out.notes.push_back(
      "Difficulty is not known, so rooms are not adjusted for it; a room outside the "
      "limits is a question, not an answer.");
  for (const std::string& notice : funnel.notices) out.notes.push_back(capital(notice) + ".");
  return out;
}

BoardTable ways_of_doing(const std::string& section, const Cases& cases) {
  BoardTable out;
  out.section = section;
  out.caption = "Ways of doing it: orders of phases";
  out.columns = {{"Counted"}, {"Ways", true}, {"95 % interval", true}};
  out.none = "Phases are known of fewer than 11 operations.";
  analytics::EventLog log;
  for (const CohortCase* one : cases) {
    if (one->times.spans.empty()) continue;
    analytics::Trace& trace = log.traces.emplace_back();
    for (const PhaseSpan& span : one->times.spans) {
      analytics::LogEvent& event = trace.events.emplace_back();
      event.activity = log.intern(span.label);
      event.t0_ns = from_seconds(span.t0_s).ns;
      event.t1_ns = from_seconds(span.t1_s).ns;
      event.source_order = static_cast<uint32_t>(trace.events.size());
    }
  }
  if (log.traces.size() < kMinimumGroup) return out;
  const diversity::Counts counts =
      diversity::find_variants(log, analytics::OrderBasis::kStart).counts;
  const diversity::Hill hill = diversity::hill_numbers(counts);
  const auto interval =
      diversity::hill_interval(counts, diversity::sample_size(counts), kLevel, kReplicates, kSeed);
  std::vector<Ranged> ranges;
  const auto put = [&](const char* what, const char* name, double diversity::Hill::*q) {
    const double low = interval ? interval->low.*q : hill.*q;
    const double high = interval ? interval->high.*q : hill.*q;
    out.rows.push_back({{what, fixed(hill.*q, 1),
                         interval ? fixed(low, 1) + " to " + fixed(high, 1) : "cannot be given"},
                        ""});
    ranges.push_back({name, low, hill.*q, high});
  };
  put("Each once (q 0)", "q 0", &diversity::Hill::q0);
  put("By how often it occurs (q 1)", "q 1", &diversity::Hill::q1);
  put("The frequent ones (q 2)", "q 2", &diversity::Hill::q2);
  out.picture = ranges_svg(ranges, {"Ways, as many as if all were equally frequent",
                                    [](double v) { return fixed(v, 0); }});
  out.notes = {"Of all practice, the ways seen here make about " +
               fixed(100 * diversity::sample_coverage(counts), 0) +
               " %. How differently an operation is done is neither good nor bad by itself."};
  return out;
}

}  // namespace casebox::tools::report
