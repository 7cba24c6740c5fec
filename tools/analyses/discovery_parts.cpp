#include "tools/analyses/discovery_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analytics/quality/gate.h"
#include "tools/findings/norms.h"

namespace casebox::tools {

using analytics::discovery::Excluded;

// A case that no key opens is an empty trace with that reason (cohort.h).
Readable::Readable(const Cohort& cohort) : cohort_(cohort) {
  const auto& traces = cohort.log.traces;
  const auto unread = [&](size_t i) {
    return cohort.from_store() && traces[i].events.empty() && !cohort.moments_withheld[i].empty();
  };
  for (size_t i = 0; i < traces.size(); ++i) {
    if (!unread(i)) {
      withheld_.push_back(cohort.moments_withheld[i]);
      continue;
    }
    if (!kept_) {
      kept_.emplace();
      kept_->activities = cohort.log.activities;
      kept_->traces.assign(traces.begin(), traces.begin() + static_cast<ptrdiff_t>(i));
    }
    unread_.push_back({traces[i].case_key, cohort.moments_withheld[i].front(), true});
  }
  if (!kept_) return;
  for (size_t i = kept_->traces.size() + 1; i < traces.size(); ++i)
    if (!unread(i)) kept_->traces.push_back(traces[i]);
}

Arg order_arg() {
  return {"--order", ArgKind::kText,
          "dfg, variants, skeleton, diversity: what orders intervals: start, end or source",
          "start"};
}

Arg top_arg() {
  return {"--top", ArgKind::kInteger,
          "dfg, variants, profile, skeleton: rows shown to people; --json has them all", "25"};
}

Arg reference_arg() {
  return {"--reference", ArgKind::kText,
          "profile, skeleton: learn from this log, and judge the cases by it"};
}

Result<analytics::OrderBasis> order_of(const Args& args) {
  return parse_order(args.text("--order"));
}

size_t rows_shown(const Args& args, size_t all) {
  return std::min(all, static_cast<size_t>(std::max<int64_t>(0, args.integer("--top"))));
}

Result<std::optional<Reference>> reference_of(const Args& args) {
  if (!args.has("--reference")) return std::optional<Reference>();
  if (args.flag("--write"))
    return Error{Code::kInvalidArgument,
                 "--reference with --write: a study keeps what its own cases say; leave one out"};
  Reference out;
  CASEBOX_TRY(out.log,
              load_log(args.text("--reference"), args.list("--columns"), args.text("--dates")));
  for (const std::string& notice : out.log.notices)
    fmt::print(stderr, "note: --reference: {}\n", notice);
  for (const analytics::Trace& trace : out.log.traces)
    out.withheld.push_back(analytics::quality::check(out.log, trace, {}, {}).moment_reasons());
  return std::optional<Reference>(std::move(out));
}

std::string span_text(double seconds) {
  const char* sign = seconds < 0 ? "-" : "";
  const double s = std::abs(seconds);
  if (s < 59.95) return fmt::format("{}{:.1f} s", sign, s);
  if (s < 3599.5) {
    const auto whole = static_cast<int64_t>(std::llround(s));
    return fmt::format("{}{} min {:02} s", sign, whole / 60, whole % 60);
  }
  if (s < 2 * 86400) {
    const auto minutes = static_cast<int64_t>(std::llround(s / 60));
    return fmt::format("{}{} h {:02} min", sign, minutes / 60, minutes % 60);
  }
  return fmt::format("{}{:.1f} d", sign, s / 86400);
}

std::string share_text(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f} %", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

Json excluded_json(const std::vector<Excluded>& unread, const std::vector<Excluded>& excluded) {
  Json out = Json::array();
  for (const auto* list : {&unread, &excluded})
    for (const Excluded& one : *list)
      out.push_back({{"case_id", one.case_id},
                     {"phase", nullptr},
                     {"reason", one.reason},
                     {"whole", one.whole}});
  return out;
}

std::string excluded_text(const std::vector<Excluded>& unread,
                          const std::vector<Excluded>& excluded, size_t most) {
  std::string out;
  size_t shown = 0;
  for (const auto* list : {&unread, &excluded})
    for (const Excluded& one : *list) {
      if (shown++ == most) {
        out += fmt::format("left out: {} more cases; --json names them\n",
                           unread.size() + excluded.size() - most);
        return out;
      }
      const char* what = list == &unread ? "left out" : "times left out";
      out += fmt::format("{}: {}: {}\n", what, one.case_id, one.reason);
    }
  return out;
}

}  // namespace casebox::tools
