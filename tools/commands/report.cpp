#include <cstdio>

#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/cli/output.h"
#include "tools/commands/commands.h"
#include "tools/query/cohort.h"
#include "tools/report/briefing.h"
#include "tools/report/committee.h"
#include "tools/report/liability.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

struct Made {
  std::string html;
  size_t cases = 0;
  std::string case_id;  // of a report about one case
  std::vector<report::Copy> copies;
  std::vector<report::LeftOutCase> left_out;
};

/// A briefing that nobody asked for is no refusal of the patient's: it is said as it always was.
Result<void> may_be_briefed(const storage::CaseReader& reader, const std::string& case_id) {
  const auto readable = reader.readable();
  const access::Scopes back = reader.consent().withdrawn;
  if (!readable && readable.error().code == Code::kRefused &&
      !back.contains(access::Scope::kRecord) && !back.contains(access::Scope::kPatientBriefing)) {
    CaseView view;
    view.case_id = case_id;
    view.readable = true;
    for (const v1::ConsentScope scope : analytics::scopes_in_force(reader.consent()))
      view.consent.push_back(dashed(name_of(scope)));
    CASEBOX_CHECK(report::briefing_allowed(view));
  }
  return readable || readable.error().code != Code::kRefused ? ok() : readable;
}

Result<Made> of_one_case(StoreAccess& access, const Args& args, const std::string& kind) {
  CASEBOX_TRY(const CaseId id, access.resolve_case(args.text("CASE")));
  Made made{{}, 1, to_string(id), {}, {}};
  const auto purpose =
      kind == "briefing" ? keyring::Purpose::kBriefing : keyring::Purpose::kLiability;
  if (kind == "briefing") {
    // Consent first: without it nothing more of the case is read.
    CASEBOX_TRY(const auto reader, access.read_case(id, purpose));
    CASEBOX_CHECK(may_be_briefed(*reader, made.case_id));
  }
  CASEBOX_TRY(const auto evidence, report::gather_evidence(access, id, purpose));
  if (evidence.view.details_closed)
    std::fprintf(stderr,
                 "note: the identity in the case (alias and details) is not open to this reader "
                 "and is left out\n");
  if (kind == "liability") {
    made.html = report::liability(evidence);
  } else {
    CASEBOX_TRY(made.html, report::briefing(evidence, args.text("--contact")));
  }
  return made;
}

Result<Made> of_cohort(StoreAccess& access, const Args& args) {
  std::vector<CaseId> ids;
  if (args.has("CASE")) {
    CASEBOX_TRY(const CaseId id, access.resolve_case(args.text("CASE")));
    CASEBOX_CHECK(access.read_content(id, keyring::Purpose::kReport));
    ids.push_back(id);
  } else if (args.text("--cohort").find_first_not_of(' ') == std::string::npos) {
    // All cases: none has to be opened to know that.
    CASEBOX_TRY(const auto records, access.store().operations());
    for (const v1::CaseRecord& record : records) {
      CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
      ids.push_back(id);
    }
  } else {
    CASEBOX_TRY(auto answer, query::ask(access, args.text("--cohort"), keyring::Purpose::kReport));
    ids = std::move(answer.cases);
    for (const query::NotAsked& one : answer.not_asked)
      if (one.why == query::Why::kRefused) ids.push_back(one.case_id);
  }
  const std::string expression = args.has("CASE") ? "one case" : args.text("--cohort");
  CASEBOX_TRY(const auto cohort, report::gather_cohort(access, expression, ids));
  return Made{report::committee(cohort), cohort.cases.size(), "", cohort.copies, cohort.left_out};
}

Result<int> run_report(const Args& args) {
  const std::string kind = args.text("KIND");
  if (kind != "liability" && kind != "committee" && kind != "briefing")
    return Error{Code::kInvalidArgument,
                 "report: '" + kind + "' is unknown; write liability, committee or briefing"};
  if (args.has("CASE") == args.has("--cohort"))
    return Error{Code::kInvalidArgument,
                 "report: give either a CASE or a cohort with --cohort EXPR"};
  if (kind != "committee" && args.has("--cohort"))
    return Error{Code::kInvalidArgument,
                 "report: a " + kind + " report is about one case; give CASE instead of --cohort"};
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox report")));
  CASEBOX_TRY(const Made made,
              kind == "committee" ? of_cohort(*access, args) : of_one_case(*access, args, kind));
  CASEBOX_TRY(auto out, Output::open(args.text("--out")));
  if (std::fwrite(made.html.data(), 1, made.html.size(), out.file()) != made.html.size())
    return Error{Code::kIo, args.text("--out") + ": cannot be written; check space and rights"};
  CASEBOX_CHECK(out.finish());
  if (args.json()) {
    Json json = document("report");
    json["kind"] = kind;
    json["case_id"] = made.case_id.empty() ? Json(nullptr) : Json(made.case_id);
    json["cases"] = made.cases;
    json["copies"] = Json::array();
    for (const report::Copy& copy : made.copies)
      json["copies"].push_back({{"case_id", copy.case_id}, {"of", copy.of}});
    json["left_out"] = Json::array();
    for (const report::LeftOutCase& one : made.left_out)
      json["left_out"].push_back({{"case_id", one.case_id}, {"reason", one.reason}});
    json["out"] = args.text("--out");
    json["bytes"] = made.html.size();
    print(json);
    return 0;
  }
  for (const report::Copy& copy : made.copies)
    std::fprintf(stderr, "%s is a copy of %s and counts nowhere\n", copy.case_id.c_str(),
                 copy.of.c_str());
  if (!made.left_out.empty())
    std::fprintf(stderr, "%zu cases are left out: %s\n", made.left_out.size(),
                 made.left_out.front().reason.c_str());
  std::fprintf(stderr, "%s (%zu bytes)\n", args.text("--out").c_str(), made.html.size());
  return 0;
}

}  // namespace

const Command kReportCommand{
    "report", "Write a report as one HTML file",
    with_store_args({{"KIND", ArgKind::kText, "liability, committee or briefing", "", true},
                     {"CASE", ArgKind::kText, "Case id, id prefix or alias"},
                     {"--cohort", ArgKind::kText, "committee: the cases, as in `casebox query`"},
                     {"--out", ArgKind::kText, "The HTML file to write", "", true},
                     {"--contact", ArgKind::kText, "briefing: to whom the patient may speak",
                      "the patient office of this hospital"}}),
    run_report,
    "The file needs nothing from outside and prints on A4; a browser makes the PDF. A committee "
    "report shows\n"
    "no group under 11 cases. A briefing is refused unless the case's consent includes "
    "patient-briefing.\n"
    "Examples:\n"
    "  casebox report liability 3fa9 --store S --out liability.html\n"
    "  casebox report committee --cohort 'procedure = \"gastric-bypass\"' --store S --out "
    "committee.html"};

}  // namespace casebox::tools
