#include "tools/analyses/as_study.h"

#include <algorithm>
#include <map>

namespace casebox::tools {
namespace {

/// The arguments of the question's options. Only text that canonical_options wrote gets here, but
/// it comes out of a store.
Result<Args> args_of(const CohortAnalysis& analysis, const StudyQuestion& question) {
  Args out;
  for (const Arg& arg : analysis.args)
    if (!arg.fallback.empty()) out.fallbacks[arg.name] = arg.fallback;
  if (!question.cohort.empty()) out.values["--cohort"] = {question.cohort};
  if (question.options.empty()) return out;
  const Json options = Json::parse(question.options, nullptr, false);
  const Error strange{Code::kUnsupported, "study " + question.job +
                                              ": its options are in a form that this program does "
                                              "not know; use the one that wrote it"};
  if (!options.is_object()) return strange;
  for (const auto& [name, values] : options.items()) {
    if (!values.is_array()) return strange;
    std::vector<std::string>& list = out.values[name];
    for (const Json& value : values) {
      if (!value.is_string()) return strange;
      list.push_back(value.get<std::string>());
    }
  }
  return out;
}

}  // namespace

std::string canonical_options(const CohortAnalysis& analysis, const Args& args) {
  std::map<std::string, std::vector<std::string>> out;  // sorted by name
  const auto put = [&](const std::string& name, const std::string& fallback) {
    const auto given = args.values.find(name);
    if (given == args.values.end() || given->second == std::vector<std::string>{fallback}) return;
    out[name] = given->second;
  };
  put("--protocol", "");
  for (const Arg& arg : analysis.args)
    if (std::ranges::find(analysis.shown_only, arg.name) == analysis.shown_only.end())
      put(arg.name, arg.fallback);
  return out.empty() ? "" : to_text(Json(out));
}

Result<StudyQuestion> study_question(const CohortAnalysis& analysis, const Args& args) {
  if (args.has("--log") || args.has("--case"))
    return Error{Code::kInvalidArgument,
                 "analyze " + analysis.name +
                     " --write: keeps what was found over a cohort of a store; give --store and "
                     "perhaps --cohort, not --log or --case"};
  return canonical({analysis.name, args.text("--cohort"), canonical_options(analysis, args)});
}

StudyAnswer study_answer(const Cohort& cohort, const CohortResult& result) {
  StudyAnswer out;
  out.run = result.run;
  if (out.run.job_version().empty()) out.run.set_job_version("1");
  if (out.run.order_basis().empty())
    out.run.set_order_basis(analytics::to_string(analytics::OrderBasis::kStart));
  for (size_t i = 0; i < cohort.ids.size(); ++i) {
    StudyMember& member = out.cohort.emplace_back();
    member.case_id = cohort.ids[i];
    member.withheld = cohort.withheld[i];
    for (const analytics::LogEvent& event : cohort.log.traces[i].events)
      member.frames.insert(member.frames.end(), event.sources.begin(), event.sources.end());
    if (i < result.frames.size())
      member.frames.insert(member.frames.end(), result.frames[i].begin(), result.frames[i].end());
  }
  out.drafts = result.findings;
  return out;
}

Result<StudyAnswer> ask_again(StoreAccess& access, const StudyQuestion& question) {
  const CohortAnalysis* analysis = find_cohort_analysis(question.job);
  if (analysis == nullptr)
    return Error{Code::kNotFound, "study " + question.job +
                                      ": this program has no such analysis; use the one that wrote "
                                      "it"};
  CASEBOX_TRY(const Args args, args_of(*analysis, question));
  CASEBOX_TRY(const Cohort cohort, store_cohort(access, args));
  CASEBOX_TRY(const CohortResult result, analysis->run(args, cohort));
  return study_answer(cohort, result);
}

}  // namespace casebox::tools
