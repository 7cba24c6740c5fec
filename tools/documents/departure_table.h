#pragma once

// Which departures many cases have, with how many cases have them how surely. A case counts once in
// a column of a row; what is ambiguous in a case that also has it certainly is not counted again.
//
// Thread safety: one thread. Errors: none.

#include <cstdio>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>

#include "analytics/conformance/conform.h"
#include "casebox/v1/finding.pb.h"
#include "tools/cli/json.h"

namespace casebox::tools {

struct DepartureRow {
  std::string protocol;   // id@version; of a log empty: all are of its one norm
  std::string deviation;  // missing, extra, order, time
  std::string step;       // id
  std::string title;      // as the norm writes it; of a finding that has none the id
  uint64_t certain = 0, ambiguous = 0, unobserved = 0, justified = 0, not_judged = 0;  // cases
};

class DepartureTable {
 public:
  void add(const analytics::conformance::CaseResult& result);
  /// The findings of one case, all of them: other kinds are passed over.
  void add(std::span<const v1::Finding> findings);
  /// Most certain cases first, then most ambiguous ones, then by name.
  std::vector<DepartureRow> rows() const;

 private:
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  void count(const std::map<Key, std::set<v1::Certainty>>& of_case);
  std::map<Key, DepartureRow> rows_;
};

/// `departures[]` of analyze (docs/formats/json.md).
Json departure_table_json(const DepartureTable& table);
/// One table a norm; nothing if there are no rows; beyond `most` rows of a norm the rest is
/// counted.
void print_departure_table(std::FILE* out, const DepartureTable& table, size_t most);

}  // namespace casebox::tools
