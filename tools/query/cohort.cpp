#include "tools/query/cohort.h"

#include <algorithm>
#include <utility>

#include "storage/verify/operations.h"
#include "tools/cli/progress.h"
#include "tools/query/parser.h"

namespace casebox::tools::query {

Result<Answer> ask(StoreAccess& access, const std::string& expression, keyring::Purpose purpose) {
  CASEBOX_TRY(const auto expr, parse(expression));
  CASEBOX_TRY(auto records, storage::proven_operations(access.store()));
  std::sort(records.begin(), records.end(), [](const v1::CaseRecord& a, const v1::CaseRecord& b) {
    return std::make_pair(a.start_utc_ns(), BytesView(a.case_id())) <
           std::make_pair(b.start_utc_ns(), BytesView(b.case_id()));
  });
  std::vector<CaseFacts> facts;
  facts.reserve(records.size());
  Progress progress("query", records.size(), "cases");
  for (const v1::CaseRecord& record : records) {
    CASEBOX_TRY(CaseFacts one, read_facts(access, record, purpose, expr->needs_phases(),
                                          expr->needs_departures()));
    facts.push_back(std::move(one));
    progress.update(facts.size());
  }
  return evaluate(*expr, facts);
}

Result<std::vector<CaseId>> cohort(StoreAccess& access, const std::string& expression) {
  CASEBOX_TRY(Answer answer, ask(access, expression));
  return std::move(answer.cases);
}

}  // namespace casebox::tools::query
