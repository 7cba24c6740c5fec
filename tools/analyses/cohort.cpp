#include "tools/analyses/cohort.h"

#include <fmt/format.h>

#include "analytics/facts/phases.h"
#include "tools/cli/progress.h"
#include "tools/findings/norms.h"
#include "tools/query/cohort.h"

namespace casebox::tools {

void say_left_out(const std::vector<RefusedCase>& cases) {
  std::map<std::string, size_t> reasons;
  for (const RefusedCase& one : cases) ++reasons[one.reason];
  for (const auto& [reason, n] : reasons)
    fmt::print(stderr, "note: {} {} left out: {}\n", n, n == 1 ? "case is" : "cases are", reason);
}

Result<Chosen> chosen_cases(StoreAccess& access, const Args& args) {
  Chosen out;
  if (!args.has("--case")) {
    CASEBOX_TRY(query::Answer answer, query::ask(access, args.text("--cohort")));
    out.ids = std::move(answer.cases);
    for (query::NotAsked& one : answer.not_asked)
      if (one.why == query::Why::kRefused)
        out.left_out.push_back({one.case_id, std::move(one.reason)});
    return out;
  }
  if (args.has("--cohort"))
    return Error{Code::kInvalidArgument, "--case and --cohort: give one of them"};
  CASEBOX_TRY(const CaseId id, access.resolve_case(args.text("--case")));
  out.ids.push_back(id);
  return out;
}

Result<Cohort> store_cohort(StoreAccess& access, const Args& args) {
  Cohort out;
  out.store = &access;
  out.query = args.text("--cohort");
  CASEBOX_TRY(Chosen chosen, chosen_cases(access, args));
  out.ids = std::move(chosen.ids);
  out.left_out = std::move(chosen.left_out);
  Progress progress("reading phases", out.ids.size(), "cases");
  for (CaseId id : out.ids) {
    CASEBOX_TRY(const auto record, access.store().find_case(id));
    out.rooms.push_back(record ? record->room() : "");
    out.procedures.push_back(record ? record->procedure() : "");
    CASEBOX_TRY(auto reader, access.read_content(id, keyring::Purpose::kAnalysis));
    ++out.verdicts[verify::to_string(reader->verdict())];
    auto phases = analytics::facts::read_phases(*reader, out.log);
    out.durations_s.emplace_back();
    if (phases) {
      out.withheld.push_back(phases->quality.reasons());
      out.moments_withheld.push_back(phases->quality.moment_reasons());
      if (!phases->known)
        for (auto* why : {&out.withheld.back(), &out.moments_withheld.back()})
          why->insert(why->begin(),
                      "no phases are known: nobody labelled any, and it was not "
                      "analysed (casebox analyze)");
      CASEBOX_TRY(const int64_t end_ns, analytics::facts::end_of(*reader));
      out.durations_s.back() = analytics::facts::duration_s(reader->record(), end_ns);
    } else if (phases.error().code == Code::kDenied || phases.error().code == Code::kNotFound) {
      out.log.traces.resize(out.withheld.size());
      out.log.traces.emplace_back().case_key = to_string(id);
      out.withheld.push_back({"no key opens it"});
      out.moments_withheld.push_back(out.withheld.back());
    } else {
      return annotate(std::move(phases).error(), to_string(id));
    }
    progress.update(out.withheld.size());
  }
  return out;
}

Result<Cohort> log_cohort(const Args& args) {
  Cohort out;
  CASEBOX_TRY(out.log, load_log(args.text("--log"), args.list("--columns"), args.text("--dates")));
  for (const std::string& notice : out.log.notices) fmt::print(stderr, "note: {}\n", notice);
  analytics::quality::Options options;
  if (args.flag("--side-by-side")) options.overlap_s = 1e9;
  for (const analytics::Trace& trace : out.log.traces) {
    const auto verdict = analytics::quality::check(out.log, trace, {}, options);
    out.withheld.push_back(verdict.reasons());
    out.moments_withheld.push_back(verdict.moment_reasons());
  }
  return out;
}

}  // namespace casebox::tools
