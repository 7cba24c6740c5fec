#include "tools/query/cohort.h"

#include <algorithm>
#include <utility>

#include "storage/verify/operations.h"
#include "tools/cli/progress.h"
#include "tools/query/parser.h"
#include "tools/store/kept_facts.h"

namespace casebox::tools::query {
namespace {

constexpr size_t kOpenedAtOnce = 1024;  // cases under one audit record

}  // namespace

Result<void> for_each_case(StoreAccess& access, keyring::Purpose purpose, const Needs& needs,
                           const std::function<Result<void>(CaseFacts&&)>& visit) {
  CASEBOX_TRY(auto records, storage::proven_operations(access.store()));
  std::sort(records.begin(), records.end(), [](const v1::CaseRecord& a, const v1::CaseRecord& b) {
    return std::make_pair(a.start_utc_ns(), BytesView(a.case_id())) <
           std::make_pair(b.start_utc_ns(), BytesView(b.case_id()));
  });
  CASEBOX_TRY(KeptFacts copies, KeptFacts::of(access));
  std::vector<std::optional<CaseFacts>> kept;
  CASEBOX_TRY(const auto refused, access.refusals(records, purpose));
  Progress progress("query", records.size(), "cases");
  for (size_t i = 0; i < records.size(); ++i) {
    const v1::CaseRecord& record = records[i];
    if (needs.content() && i % kOpenedAtOnce == 0) {
      const size_t n = std::min(kOpenedAtOnce, records.size() - i);
      CASEBOX_TRY(kept, copies.read(std::span(records).subspan(i, n), purpose, needs));
    }
    if (!refused[i].empty()) {
      CASEBOX_TRY(CaseFacts closed, copies.header(record));
      closed.sealed = closed.refused = true;
      closed.sealed_why = refused[i];
      CASEBOX_CHECK(visit(std::move(closed)));
      continue;
    }
    if (needs.content() && kept[i % kOpenedAtOnce]) {
      CASEBOX_CHECK(visit(*std::move(kept[i % kOpenedAtOnce])));
      progress.update(i + 1);
      continue;
    }
    auto one = needs.content() ? copies.read_case(record, purpose, needs) : copies.header(record);
    if (!one && one.error().code == Code::kCorrupt) {
      CASEBOX_TRY(CaseFacts damaged, header_facts(record));
      damaged.sealed = true;
      damaged.sealed_why = one.error().message;
      damaged.verdict = verify::to_string(verify::Verdict::kDamaged);
      damaged.complete = false;
      one = std::move(damaged);
    }
    if (!one) return std::move(one).error();
    CASEBOX_CHECK(visit(std::move(*one)));
    progress.update(i + 1);
  }
  return ok();
}

Result<Answer> ask(StoreAccess& access, const std::string& expression, keyring::Purpose purpose,
                   const Asked& how) {
  CASEBOX_TRY(const auto expr, parse(expression));
  Needs needs = expr->needs();
  needs.verdict = needs.verdict || how.verdicts || how.by == By::kVerdict;
  needs.departures = needs.departures || how.by == By::kNorm;
  std::vector<CaseFacts> facts, refused;
  CASEBOX_CHECK(for_each_case(access, purpose, needs, [&](CaseFacts&& one) -> Result<void> {
    (one.refused ? refused : facts).push_back(std::move(one));
    return ok();
  }));
  std::vector<std::string> notices;
  if (!facts.empty() && !expression.empty()) {
    Vocabulary vocabulary = own_vocabulary();
    for (const v1::Protocol& norm : how.norms) add_norm(norm, vocabulary);
    add_cases(facts, vocabulary);
    CASEBOX_CHECK(check_names(*expr, expression, vocabulary));
    notices = names_to_doubt(*expr, vocabulary);
  }
  Answer answer = evaluate(*expr, facts, how.by);
  answer.notices = std::move(notices);
  answer.scanned += refused.size();
  answer.refused = refused.size();
  for (const CaseFacts& one : refused)
    answer.not_asked.push_back({one.id, Why::kRefused, one.sealed_why});
  return answer;
}

}  // namespace casebox::tools::query
