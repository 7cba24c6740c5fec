#include "tools/documents/departure_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "analytics/finding/labels.h"
#include "proto/text/text.h"

namespace casebox::tools {
namespace {

using analytics::finding::deviation_below;
using analytics::finding::label_of;

}  // namespace

void DepartureTable::add(const analytics::conformance::CaseResult& result) {
  std::map<Key, std::set<v1::Certainty>> of_case;
  for (const analytics::conformance::Departure& d : result.departures)
    of_case[{"", to_string(d.deviation), d.step, d.title}].insert(d.certainty);
  count(of_case);
}

void DepartureTable::add(std::span<const v1::Finding> findings) {
  std::map<Key, std::set<v1::Certainty>> of_case;
  for (const v1::Finding& one : findings) {
    if (one.kind() != "departure") continue;
    const std::string title = label_of(one, "title");
    of_case[{one.run().protocol(), deviation_below(one), one.step(),
             title.empty() ? one.step() : title}]
        .insert(one.certainty());
  }
  count(of_case);
}

void DepartureTable::count(const std::map<Key, std::set<v1::Certainty>>& of_case) {
  for (const auto& [key, certainties] : of_case) {
    DepartureRow& row = rows_[key];
    std::tie(row.protocol, row.deviation, row.step, row.title) = key;
    const bool certain = certainties.contains(v1::CERTAINTY_CERTAIN);
    row.certain += certain;
    row.ambiguous += certainties.contains(v1::CERTAINTY_AMBIGUOUS) && !certain;
    row.unobserved += certainties.contains(v1::CERTAINTY_UNOBSERVED);
    row.justified += certainties.contains(v1::CERTAINTY_JUSTIFIED);
    row.not_judged += certainties.contains(v1::CERTAINTY_UNSPECIFIED);
  }
}

std::vector<DepartureRow> DepartureTable::rows() const {
  std::vector<DepartureRow> out;
  for (const auto& [key, row] : rows_) out.push_back(row);
  std::ranges::stable_sort(out, std::ranges::greater(), [](const DepartureRow& row) {
    return std::pair(row.certain, row.ambiguous);
  });
  return out;
}

Json departure_table_json(const DepartureTable& table) {
  Json out = Json::array();
  for (const DepartureRow& row : table.rows())
    out.push_back({{"protocol", row.protocol},
                   {"deviation", row.deviation},
                   {"step", row.step},
                   {"title", row.title},
                   {"certain", row.certain},
                   {"ambiguous", row.ambiguous},
                   {"unobserved", row.unobserved},
                   {"justified", row.justified},
                   {"not_judged", row.not_judged}});
  return out;
}

// Departures from different norms are different things: each norm has a table of its own.
void print_departure_table(std::FILE* out, const DepartureTable& table, size_t most) {
  const std::vector<DepartureRow> rows = table.rows();
  std::map<std::string, size_t> norms;  // rows of each
  for (const DepartureRow& row : rows) ++norms[row.protocol];
  for (const auto& [norm, all] : norms) {
    if (norms.size() > 1) fmt::print(out, "\n  Departures from {}", norm);
    fmt::print(out, "\n  {:<50} {:>7}  {:>9}  {:>10}  {:>9}\n", "Cases with", "certain",
               "ambiguous", "unobserved", "justified");
    size_t shown = 0;
    for (const DepartureRow& row : rows) {
      if (row.protocol != norm) continue;
      if (++shown > most) {
        fmt::print(out, "  ... and {} more kinds\n", all - most);
        break;
      }
      const std::string what = fmt::format("{:<8} {}", row.deviation, row.title);
      fmt::print(out, "  {:<50} {:>7}  {:>9}  {:>10}  {:>9}\n", text::cut(what, 50), row.certain,
                 row.ambiguous, row.unobserved, row.justified);
    }
  }
}

}  // namespace casebox::tools
