#include "tools/commands/query_text.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

constexpr size_t kWidest = 60;  // of a column of a table, in bytes

std::string text_of(const query::Cell& cell) {
  if (const auto* whole = std::get_if<int64_t>(&cell)) return std::to_string(*whole);
  if (const auto* real = std::get_if<double>(&cell)) return shortest(*real);
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  return "";
}

/// One line of at most kWidest bytes.
std::string short_text(const query::Cell& cell) {
  std::string out = std::holds_alternative<std::monostate>(cell) ? "NULL" : text_of(cell);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  if (out.size() <= kWidest) return out;
  size_t end = kWidest - 3;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  return out.substr(0, end) + "...";
}

std::string csv_cell(const query::Cell& cell) {
  const std::string text = text_of(cell);
  const bool quoted = std::holds_alternative<std::string>(cell) &&
                      (text.empty() || text.find_first_of(",\"\r\n") != std::string::npos);
  if (!quoted) return text;
  std::string out = "\"";
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

/// " (3 s: 2, 1 s: 1)": the commonest reasons first, at most `most`.
template <typename All, typename ReasonOf>
std::string commonest(const All& all, ReasonOf reason_of, size_t most) {
  std::map<std::string, size_t> counts;
  for (const auto& one : all) ++counts[reason_of(one)];
  std::vector<std::pair<size_t, std::string>> order;
  for (const auto& [reason, n] : counts) order.emplace_back(n, reason);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string out;
  for (size_t i = 0; i < order.size() && i < most; ++i)
    out += "  " + std::to_string(order[i].first) + ": " + order[i].second + "\n";
  if (order.size() > most)
    out += "  and " + std::to_string(order.size() - most) + " other reasons (--json)\n";
  return out;
}

unsigned long long number(uint64_t n) { return n; }

}  // namespace

void print_rows(const query::Answer& answer) {
  for (const query::Row& row : answer.rows) {
    std::string value = row.value ? fixed(*row.value, 1) : "";
    if (row.u95_s) value += " +- " + fixed(*row.u95_s, 1);
    std::printf("%s  %s - %s  %s%s%s%s\n", to_string(row.case_id).c_str(),
                row.placed ? clock_text(row.t0_s).c_str() : "withheld",
                row.placed ? clock_text(row.t1_s).c_str() : "withheld",
                value.empty() ? "" : (value + "  ").c_str(), row.what.c_str(),
                row.certainty.empty() ? "" : (" (" + row.certainty + ")").c_str(),
                row.sure ? "" : "  not sure");
  }
}

void print_groups(const query::Answer& answer) {
  for (const auto& [name, group] : answer.groups)
    std::printf("%-24s  %llu of %llu%s\n", name.empty() ? "(none)" : name.c_str(),
                number(group.matching), number(group.asked),
                group.not_asked == 0
                    ? ""
                    : ("; " + std::to_string(group.not_asked) + " not asked").c_str());
  if (answer.groups.empty())
    std::printf("%zu of %llu\n", answer.cases.size(),
                number(answer.scanned - answer.not_asked.size()));
}

void print_summary(const query::Answer& answer, const std::string& store) {
  std::fprintf(stderr, "%zu of %llu cases match", answer.cases.size(), number(answer.scanned));
  if (answer.unknown > 0)
    std::fprintf(stderr,
                 "; %llu could not be asked: no key opens them, or their verdict forbids it",
                 number(answer.unknown));
  if (answer.unanalysed > 0)
    std::fprintf(
        stderr,
        "; of %llu nothing of the kind is known yet, casebox analyze --store %s looks for it",
        number(answer.unanalysed), store.c_str());
  if (answer.withheld > 0)
    std::fprintf(stderr, "; of %llu the times asked about are withheld, casebox show says why",
                 number(answer.withheld));
  if (answer.refused > 0)
    std::fprintf(stderr, "; %llu are left out: consent or access forbids it",
                 number(answer.refused));
  if (answer.unrecorded > 0)
    std::fprintf(stderr, "; in %llu nothing was recorded that could tell",
                 number(answer.unrecorded));
  std::fprintf(stderr, "\n");
  if (!answer.not_asked.empty())
    std::fprintf(stderr, "not asked:\n%s",
                 commonest(
                     answer.not_asked, [](const auto& one) { return one.reason; }, 5)
                     .c_str());
  if (answer.unsure_matches + answer.unsure_misses > 0)
    std::fprintf(stderr,
                 "not sure, by bounds, gaps or other explanations: %llu that match, %llu that do "
                 "not\n",
                 number(answer.unsure_matches), number(answer.unsure_misses));
  for (const std::string& notice : answer.notices)
    std::fprintf(stderr, "note: %s\n", notice.c_str());
}

void print_table(const query::SqlAnswer& answer) {
  std::vector<size_t> widths;
  std::vector<std::vector<std::string>> rows(1);
  for (const query::SqlColumn& column : answer.columns)
    rows[0].push_back(short_text(column.unit.size() > 0 && column.unit != "*" &&
                                         column.unit != "1" &&
                                         !column.name.ends_with("_" + column.unit)
                                     ? column.name + " [" + column.unit + "]"
                                     : column.name));
  for (const query::Cells& cells : answer.rows) {
    auto& row = rows.emplace_back();
    for (const query::Cell& cell : cells) row.push_back(short_text(cell));
  }
  for (const auto& row : rows) {
    widths.resize(row.size());
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += row[i] + (i + 1 < row.size() ? std::string(widths[i] - row[i].size() + 2, ' ') : "");
    std::printf("%s\n", line.c_str());
  }
}

void print_csv(const query::SqlAnswer& answer) {
  std::string line;
  for (const query::SqlColumn& column : answer.columns)
    line += (line.empty() ? "" : ",") + csv_cell(query::Cell(column.name));
  std::printf("%s\r\n", line.c_str());
  for (const query::Cells& cells : answer.rows) {
    line.clear();
    for (size_t i = 0; i < cells.size(); ++i) line += (i == 0 ? "" : ",") + csv_cell(cells[i]);
    std::printf("%s\r\n", line.c_str());
  }
}

void print_summary(const query::StoreAnswer& answer) {
  std::fprintf(stderr, "%zu rows; %llu of %llu cases could be asked\n", answer.answer.rows.size(),
               number(answer.asked), number(answer.scanned));
  if (!answer.not_asked.empty())
    std::fprintf(
        stderr, "not asked, or not about times:\n%s",
        commonest(
            answer.not_asked, [](const auto& one) { return one.about + ": " + one.reason; }, 8)
            .c_str());
  for (const auto& [id, verdict] : answer.incomplete)
    std::fprintf(stderr, "casebox: case %s is %s\n", to_string(id).c_str(), verdict.c_str());
  for (const std::string& notice : answer.notices)
    std::fprintf(stderr, "note: %s\n", notice.c_str());
}

void print_relations() {
  for (const query::Relation& relation : query::relations()) {
    std::printf("%s: %s\n", relation.name.c_str(), relation.means.c_str());
    for (const query::Column& column : relation.columns)
      std::printf("  %-20s %-8s %-3s %s\n", column.name.c_str(), query::to_string(column.type),
                  column.unit.c_str(), column.means.c_str());
  }
}

}  // namespace casebox::tools
