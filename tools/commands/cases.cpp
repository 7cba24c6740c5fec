#include <algorithm>
#include <cstdio>

#include "storage/verify/operations.h"
#include "tools/cli/names.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"
#include "tools/documents/case_document.h"
#include "tools/findings/study.h"
#include "tools/query/cohort.h"
#include "tools/store/kept_verdicts.h"

namespace casebox::tools {
namespace {

std::string time_text(const v1::CaseRecord& record, int64_t t_ns) {
  return rfc3339(UtcTime{static_cast<int64_t>(record.start_utc_ns()) + t_ns});
}

/// Every run of a study that came to its end, the first one first.
Json runs_json(const v1::CaseRecord& record) {
  Json out = Json::array();
  for (const v1::EpochRecord& epoch : record.epochs())
    out.push_back({{"epoch", to_string(Epoch{epoch.epoch()})},
                   {"at", time_text(record, epoch.control().first_t_ns())},
                   {"whole", epoch.close().reason() == v1::CloseFrame::REASON_CASE_ENDED}});
  return out;
}

Result<Json> study_json(StoreAccess& access, const Study& study, bool verify) {
  Json out;
  out["study_id"] = to_string(study.study_id);
  out["sealed"] = !study.question;
  const StudyQuestion asked = study.question.value_or(StudyQuestion{});
  out["job"] = study.question ? Json(asked.job) : Json(nullptr);
  out["cohort"] = study.question ? Json(asked.cohort) : Json(nullptr);
  out["options"] = study.question ? Json(asked.options) : Json(nullptr);
  out["runs"] = runs_json(study.record);
  out["verdict"] = nullptr;
  if (verify) {
    CASEBOX_TRY(const verify::Report report, access.verify(study.record, storage::Depth::kLeaves));
    out["verdict"] = verify::to_string(report.verdict);
  }
  out["findings"] = Json::array();
  out["refused_cases"] = 0;
  if (!study.question) return out;
  CASEBOX_TRY(const auto reader, access.read_case(study.study_id, keyring::Purpose::kView));
  CASEBOX_TRY(const StoredFindings stored, read_findings(*reader));
  CASEBOX_TRY(const size_t refused, refused_members(access, stored.in_force));
  out["refused_cases"] = refused;
  if (refused > 0) return out;
  for (const v1::Finding& one : stored.in_force)
    out["findings"].push_back({{"finding_id", to_hex(one.id())},
                               {"kind", one.kind()},
                               {"step", one.step()},
                               {"text", one.text()}});
  return out;
}

/// A row can be gone: what the ledger says is listed.
Result<void> add_lost(StoreAccess& access, std::vector<storage::CaseRow>& rows) {
  CASEBOX_TRY(const auto lost, storage::lost_cases(access.store()));
  for (const CaseId id : lost) rows.emplace_back().record.set_case_id(Bytes(id.view()));
  return ok();
}

Result<int> run_studies(StoreAccess& access, const Args& args) {
  CASEBOX_TRY(const auto all, studies(access));
  Json json = document("cases");
  json["studies"] = Json::array();
  for (const Study& study : all) {
    CASEBOX_TRY(Json one, study_json(access, study, !args.flag("--no-verify")));
    json["studies"].push_back(std::move(one));
  }
  if (args.json()) {
    print(json);
    return 0;
  }
  for (const Json& one : json["studies"]) {
    const auto text = [&](const char* key, const char* none) {
      return one[key].is_null() ? "(sealed)" : one[key] == "" ? none : one[key].get<std::string>();
    };
    std::printf("%s  %-14s %s, %zu runs  %s\n", one["study_id"].get<std::string>().c_str(),
                text("job", "-").c_str(), text("cohort", "every case").c_str(), one["runs"].size(),
                one["verdict"].is_null() ? "-" : one["verdict"].get<std::string>().c_str());
    if (const auto refused = one["refused_cases"].get<uint64_t>(); refused > 0)
      std::printf(
          "  not shown: consent or access keeps %llu of its cases out; analyze --write finds "
          "it anew\n",
          static_cast<unsigned long long>(refused));
    for (const Json& finding : one["findings"])
      std::printf("  %s  %s\n", finding["finding_id"].get<std::string>().substr(0, 12).c_str(),
                  finding["text"].get<std::string>().c_str());
  }
  std::fprintf(stderr, "%zu studies\n", json["studies"].size());
  return 0;
}

Result<int> run_cases(const Args& args) {
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox cases")));
  if (args.flag("--studies")) return run_studies(*access, args);
  CASEBOX_TRY(auto rows, storage::proven_rows(access->store()));
  CASEBOX_CHECK(add_lost(*access, rows));
  storage::sort_rows(rows);
  CASEBOX_TRY(const auto trusted, access->trust_if_any());
  Json json = document("cases");
  json["cases"] = Json::array();
  Progress progress("verify", rows.size(), "cases");
  for (storage::CaseRow& row : rows) {
    v1::CaseRecord& record = row.record;
    std::optional<KeptVerdict> verdict;
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
    if (record.epochs().empty()) {
      // Its row is gone or does not parse: what its frames say of it, if they are here.
      verdict = KeptVerdict{storage::report_lost(id).verdict, access->clock().utc()};
      if (const auto reader = access->read_accounting(id)) {
        record = (*reader)->record();
        verdict->verdict = (*reader)->verdict();
      }
    } else if (args.flag("--verify")) {
      CASEBOX_TRY(const verify::Report report, access->verify(record, storage::Depth::kBytes));
      access->keep_whole(report);
      verdict = KeptVerdict{report.verdict, access->clock().utc()};
    } else if (!args.flag("--no-verify")) {
      CASEBOX_TRY(verdict, verdict_of(*access, row, address(trusted)));
    }
    CASEBOX_TRY(Json one, case_header_json(record, verdict));
    if (args.flag("--alias")) {
      one["alias"] = access->alias_of(id);
    }
    json["cases"].push_back(std::move(one));
    progress.update(json["cases"].size());
  }
  if (args.json()) {
    print(json);
    return 0;
  }
  for (const Json& one : json["cases"])
    std::printf("%s  %-22s %-8s %-30s %9s  %-8s %s%s\n", one["case_id"].get<std::string>().c_str(),
                one["procedure"].get<std::string>().c_str(), one["room"].get<std::string>().c_str(),
                one["start"].is_null() ? "-" : one["start"].get<std::string>().c_str(),
                clock_text(one["duration_s"].get<double>()).c_str(),
                one["state"].get<std::string>().c_str(),
                one["verdict"].is_null() ? "-" : one["verdict"].get<std::string>().c_str(),
                one.contains("alias") ? ("  " + one["alias"].get<std::string>()).c_str() : "");
  const size_t n = json["cases"].size();
  std::fprintf(stderr, "%zu %s\n", n, n == 1 ? "case" : "cases");
  return 0;
}

}  // namespace

const Command kCasesCommand{
    "cases", "List the cases of a store",
    with_store_args(
        {{"--verify", ArgKind::kFlag,
          "Read every byte again for the verdict, instead of taking the one that is kept"},
         {"--no-verify", ArgKind::kFlag, "Leave the verdict out (null)"},
         {"--alias", ArgKind::kFlag, "Show aliases, which are sealed: each look-up is audited"},
         {"--studies", ArgKind::kFlag,
          "List the studies instead: findings over many cases, kept by analyze --write"}}),
    run_cases,
    "Durations are h:mm:ss of recorded time; in JSON, seconds. The verdict is that of `casebox "
    "verify`.\n"
    "Examples:\n"
    "  casebox cases --store S\n"
    "  casebox cases --store S --no-verify --json"};

}  // namespace casebox::tools
