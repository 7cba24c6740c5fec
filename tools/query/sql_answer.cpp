#include "tools/query/sql_answer.h"

#include <algorithm>

namespace casebox::tools::query {
namespace {

/// What a statement reads of each case, by the name people know it by.
std::vector<std::pair<std::string, Reads>> read_by(const Sql& sql) {
  std::vector<std::pair<std::string, Reads>> out;
  const auto add = [&](const std::string& name, Reads reads) {
    if (reads != Reads::kHeader && reads != Reads::kCoverage) out.emplace_back(name, reads);
  };
  for (const auto& [name, columns] : sql.reads()) {
    const auto relation = std::ranges::find(relations(), name, &Relation::name);
    if (!relation->reads.empty()) add(name, relation->reads.front());
    if (name == "forecasts" || name == "gaps" || name == "clocks" || name == "coverage") continue;
    std::set<Reads> of_columns;
    for (const Column& column : relation->columns)
      if (columns.contains(column.name)) of_columns.insert(column.reads);
    for (const Reads reads : of_columns) add(name, reads);
  }
  return out;
}

}  // namespace

Result<StoreAnswer> ask_sql(StoreAccess& access, const std::string& statement,
                            const SqlLimits& limits) {
  CASEBOX_TRY(auto sql, Sql::prepare(statement, limits));
  StoreAnswer out;
  const auto reads = read_by(*sql);
  CASEBOX_CHECK(for_each_case(access, keyring::Purpose::kAnalysis, sql->needs(),
                              [&](CaseFacts&& facts) -> Result<void> {
                                ++out.scanned;
                                if (facts.refused) {
                                  ++out.refused;
                                  out.not_asked.push_back({facts.id, "consent", facts.sealed_why});
                                  return ok();
                                }
                                if (!facts.complete)
                                  out.incomplete.emplace_back(facts.id, facts.verdict);
                                bool asked = true;
                                for (const auto& [name, what] : reads) {
                                  const std::string reason = not_asked(facts, what, name);
                                  if (reason.empty()) continue;
                                  asked = false;
                                  out.not_asked.push_back({facts.id, name, reason});
                                }
                                out.asked += asked;
                                return sql->add(facts);
                              }));
  CASEBOX_TRY(out.answer, sql->run());
  out.notices = sql->notices();
  return out;
}

}  // namespace casebox::tools::query
