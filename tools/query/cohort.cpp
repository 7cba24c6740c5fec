#include "tools/query/cohort.h"

#include <algorithm>
#include <utility>

#include "storage/verify/operations.h"
#include "tools/cli/progress.h"
#include "tools/query/parser.h"

namespace casebox::tools::query {

Result<void> for_each_case(StoreAccess& access, keyring::Purpose purpose, const Needs& needs,
                           const std::function<Result<void>(CaseFacts&&)>& visit) {
  CASEBOX_TRY(auto records, storage::proven_operations(access.store()));
  std::sort(records.begin(), records.end(), [](const v1::CaseRecord& a, const v1::CaseRecord& b) {
    return std::make_pair(a.start_utc_ns(), BytesView(a.case_id())) <
           std::make_pair(b.start_utc_ns(), BytesView(b.case_id()));
  });
  Progress progress("query", records.size(), "cases");
  uint64_t done = 0;
  for (const v1::CaseRecord& record : records) {
    auto one = read_facts(access, record, purpose, needs);
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
    progress.update(++done);
  }
  return ok();
}

Result<Answer> ask(StoreAccess& access, const std::string& expression, keyring::Purpose purpose,
                   const Asked& how) {
  CASEBOX_TRY(const auto expr, parse(expression));
  Needs needs = expr->needs();
  needs.verdict = needs.verdict || how.verdicts || how.by == By::kVerdict;
  needs.departures = needs.departures || how.by == By::kNorm;
  std::vector<CaseFacts> facts;
  CASEBOX_CHECK(for_each_case(access, purpose, needs, [&](CaseFacts&& one) -> Result<void> {
    facts.push_back(std::move(one));
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
  return answer;
}

Result<std::vector<CaseId>> cohort(StoreAccess& access, const std::string& expression) {
  CASEBOX_TRY(Answer answer, ask(access, expression));
  return std::move(answer.cases);
}

}  // namespace casebox::tools::query
