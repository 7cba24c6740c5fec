#include "tools/query/cohort.h"

#include <algorithm>
#include <utility>

#include "storage/verify/operations.h"
#include "tools/cli/progress.h"
#include "tools/query/parser.h"
#include "tools/store/kept_facts.h"

namespace casebox::tools::query {
namespace {

constexpr size_t kReadAtOnce = 1024;  // copies in memory beside what `visit` keeps

}  // namespace

Result<void> for_each_case(StoreAccess& access, keyring::Purpose purpose, const Needs& needs,
                           const std::function<Result<void>(CaseFacts&&)>& visit) {
  CASEBOX_TRY(const auto rows, storage::proven_rows(access.store()));
  CASEBOX_TRY(const auto refused,
              access.refusals(std::span<const storage::CaseRow>(rows), purpose));
  CASEBOX_TRY(const auto copies, KeptFacts::of(access));
  std::optional<OpenCopies> open;
  if (needs.content()) {
    CASEBOX_TRY(open, copies->open(rows, purpose, needs));
  }
  Progress progress("query", rows.size(), "cases");
  for (size_t from = 0; from < rows.size(); from += kReadAtOnce) {
    const size_t n = std::min(kReadAtOnce, rows.size() - from);
    auto kept = open ? open->read(from, n) : copies->headers(std::span(rows).subspan(from, n));
    for (size_t i = from; i < from + n; ++i) {
      std::optional<CaseFacts>& known = kept[i - from];
      if (!refused[i].empty()) {
        CASEBOX_TRY(CaseFacts closed, copies->header(rows[i]));
        closed.sealed = closed.refused = true;
        closed.sealed_why = refused[i];
        CASEBOX_CHECK(visit(std::move(closed)));
        continue;
      }
      auto one = known             ? Result<CaseFacts>(*std::move(known))
                 : needs.content() ? copies->read_case(rows[i], purpose, needs)
                                   : copies->header(rows[i]);
      if (!one && one.error().code == Code::kCorrupt) {
        CASEBOX_TRY(CaseFacts damaged, header_facts(rows[i].record));
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
  for (const CaseFacts& one : facts)
    if (one.listed) answer.verdicts.emplace_hint(answer.verdicts.end(), one.id, one.verdict);
  answer.notices = std::move(notices);
  answer.scanned += refused.size();
  answer.refused = refused.size();
  for (const CaseFacts& one : refused)
    answer.not_asked.push_back({one.id, Why::kRefused, one.sealed_why});
  return answer;
}

}  // namespace casebox::tools::query
