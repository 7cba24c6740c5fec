#pragma once

// A set of cases as relations: what `query --sql` reads. Each row names its case, the verdict of
// that case, and, where it rests on frames, those (`sources`: epoch/stream/first-last, separated by
// blanks). Times that the quality gate withholds are NULL, and `withheld` says why.
//
// A relation has no rows of a case that could not be asked about it: `not_asked` names it.
//
// Thread safety: constants and pure functions. Units: in the columns' table.

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "tools/query/facts.h"

namespace casebox::tools::query {

enum class ColumnType : uint8_t { kText, kReal, kInteger };
const char* to_string(ColumnType type);  // as SQL writes it

/// Which part of a case a column or a relation reads.
enum class Reads : uint8_t {
  kHeader,
  kPhases,
  kDepartures,
  kMoments,
  kVitals,
  kClocks,
  kConsent,
  kTwin,
  kGaps,
  kCoverage,
};
void add_needs(Reads reads, Needs& needs);

struct Column {
  std::string name;
  ColumnType type = ColumnType::kText;
  std::string unit;  // UCUM-like: "s", "1"; empty: none, "*": the row's own column `unit`
  std::string means;
  Reads reads = Reads::kHeader;  // of `cases`; other relations are read whole
};

using Cell = std::variant<std::monostate, int64_t, double, std::string>;
using Cells = std::vector<Cell>;

struct Relation {
  std::string name;
  std::string means;
  std::vector<Column> columns;
  std::vector<Reads> reads;
  void (*rows)(const CaseFacts& facts, const std::function<void(Cells&&)>& put);
};

const std::vector<Relation>& relations();

/// Why a case has no rows in what reads `reads`, or has them without times; empty: neither.
std::string not_asked(const CaseFacts& facts, Reads reads, const std::string& relation);

}  // namespace casebox::tools::query
