#include "recorder/sources/internal/csv_layout.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "proto/text/written_time.h"
#include "recorder/sources/internal/csv_table.h"
#include "recorder/sources/internal/csv_times.h"

namespace casebox::recorder::internal {
namespace {

constexpr size_t kMaxPreamble = 100;  // lines above a header
constexpr size_t kMaxLine = 1 << 20;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "-12,5": digits, one comma, digits. `after` receives how many stand behind the comma.
bool has_decimal_comma(std::string_view cell, size_t& comma, size_t& after) {
  size_t i = !cell.empty() && (cell[0] == '-' || cell[0] == '+') ? 1 : 0;
  const size_t begin = i;
  while (i < cell.size() && is_digit(cell[i])) ++i;
  if (i == begin || i >= cell.size() || cell[i] != ',') return false;
  comma = i++;
  after = 0;
  while (i < cell.size() && is_digit(cell[i])) ++i, ++after;
  if (i < cell.size() && (cell[i] == 'e' || cell[i] == 'E')) {
    ++i;
    if (i < cell.size() && (cell[i] == '-' || cell[i] == '+')) ++i;
    while (i < cell.size() && is_digit(cell[i])) ++i;
  }
  return after > 0 && i == cell.size();
}

bool is_number(std::string_view cell) {
  double value = 0;
  bool missing = false;
  return CsvTable::number(cell, value, missing) && !missing && !std::isnan(value);
}

bool is_value(std::string_view cell) {
  size_t comma = 0, after = 0;
  return is_number(cell) || has_decimal_comma(cell, comma, after) || text::parse_iso(cell) ||
         text::parse_clock(cell) || text::slashed_parts(cell);
}

struct Line {
  size_t at = 0;
  std::string_view text;
};

/// Cells but for empty ones at the end, which some programs write behind each row.
size_t width(std::string_view line, char separator, std::vector<std::string_view>& cells) {
  split_csv(line, separator, cells);
  while (!cells.empty() && cells.back().empty()) cells.pop_back();
  return cells.size();
}

char separator_of(std::string_view line) {
  char best = ',';
  std::vector<std::string_view> cells;
  size_t most = 0;
  for (char candidate : {',', ';', '\t'}) {
    split_csv(line, candidate, cells);
    if (cells.size() > most) {
      most = cells.size();
      best = candidate;
    }
  }
  return best;
}

/// A header: names only, at least two, and of the lines below it the first and most are as wide and
/// hold a value.
bool is_header(const std::vector<Line>& lines, size_t at, char separator) {
  std::vector<std::string_view> cells;
  const size_t wide = width(lines[at].text, separator, cells);
  if (wide < 2 || std::ranges::any_of(cells, is_value)) return false;
  bool values = false;
  size_t seen = 0, fit = 0;
  for (size_t i = at + 1; i < lines.size() && seen < 5; ++i) {
    if (trim_cell(lines[i].text).empty()) continue;
    split_csv(lines[i].text, separator, cells);
    const size_t whole = cells.size();
    const bool fits = width(lines[i].text, separator, cells) <= wide && whole >= wide;
    if (seen++ == 0 && !fits) return false;
    fit += fits;
    values = values || std::ranges::any_of(cells, is_value);
  }
  return values && fit * 2 > seen;
}

/// A row of units: no value in it, and under the time a unit of time or nothing.
bool is_units(const std::vector<std::string_view>& cells) {
  size_t words = 0, times = 0;
  for (std::string_view cell : cells) {
    double value = 0;
    bool missing = false;
    if (is_value(cell)) return false;
    if (CsvTable::number(cell, value, missing)) continue;
    ++words;
    if (time_unit_ns(std::string(cell)) || is_clock_unit(cell)) ++times;
  }
  return words > 0 && (times > 0 || cells.front().empty());
}

// What the cells say of the decimal mark. A comma is one where the separator is another sign, or
// the cell is quoted; with three digits behind each it may part thousands.
Result<void> decimal_comma(std::string& text, CsvLayout& layout, const std::string& name,
                           const std::string& declared) {
  if (declared == ".") return ok();
  if (!declared.empty() && declared != ",")
    return Error{Code::kInvalidArgument, name + ": the decimal mark is ',' or '.'; write one"};
  std::vector<std::string_view> cells;
  std::vector<size_t> commas;
  uint64_t points = 0, threes = 0, lone = 0;
  for (size_t from = layout.body; from < text.size();) {
    split_csv(take_line(text, from), layout.separator, cells);
    for (std::string_view cell : cells) {
      size_t comma = 0, after = 0;
      if (cell.find('.') != std::string_view::npos && is_number(cell)) ++points;
      if (cell.find(',') == std::string_view::npos || !has_decimal_comma(cell, comma, after))
        continue;
      threes += after == 3;
      lone += comma > 3 || (after == 3 && cell[0] == '0');
      commas.push_back(static_cast<size_t>(cell.data() - text.data()) + comma);
    }
  }
  if (commas.empty()) return ok();
  const bool all_threes = threes == commas.size() && lone == 0 && layout.separator == ',';
  if (declared.empty() && (points > 0 || all_threes))
    return Error{Code::kInvalidArgument,
                 name +
                     ": commas in its numbers may be decimal marks or part thousands; say "
                     "--decimal , or take them out"};
  for (size_t at : commas) text[at] = '.';
  layout.notices.push_back("a comma is its decimal mark; numbers are written with a point");
  return ok();
}

}  // namespace

std::string_view take_line(std::string_view text, size_t& from) {
  const size_t end = std::min(text.find('\n', from), text.size());
  const std::string_view line = text.substr(from, end - from);
  from = end + 1;
  return line;
}

std::string_view trim_cell(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r'))
    s.remove_suffix(1);
  return s;
}

void split_csv(std::string_view line, char separator, std::vector<std::string_view>& cells) {
  cells.clear();
  size_t from = 0;
  bool quoted = false;
  for (size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] == '"') quoted = !quoted;
    if (i < line.size() && (quoted || line[i] != separator)) continue;
    std::string_view cell = trim_cell(line.substr(from, i - from));
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"' &&
        cell.substr(1, cell.size() - 2).find('"') == std::string_view::npos)
      cell = cell.substr(1, cell.size() - 2);
    cells.push_back(cell);
    from = i + 1;
  }
}

Result<CsvLayout> find_layout(std::string& text, const std::string& name,
                              const std::string& decimal) {
  CsvLayout layout;
  std::vector<Line> lines;
  size_t from = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (from < text.size() && lines.size() < kMaxPreamble + 4) {
    const size_t at = from;
    const std::string_view line = take_line(text, from);
    if (line.size() > kMaxLine)
      return Error{Code::kInvalidArgument, name + ":" + std::to_string(lines.size() + 1) +
                                               ": a line above 1 MiB; is this a CSV file?"};
    lines.push_back({at, line});
  }
  if (lines.empty() ||
      std::ranges::all_of(lines, [](const Line& line) { return trim_cell(line.text).empty(); }))
    return Error{Code::kInvalidArgument,
                 name + ":1: the file is empty; the first line must name the columns"};
  size_t header = 0;
  layout.separator = separator_of(lines[0].text);
  const std::string_view first = trim_cell(lines[0].text);
  if (first.starts_with("sep=") && first.size() == 5) {
    layout.separator = first[4];
    header = std::min<size_t>(1, lines.size() - 1);
  }
  if (!is_header(lines, header, layout.separator)) {
    for (size_t h = header; h < std::min(lines.size(), kMaxPreamble); ++h) {
      const char separator = header == 0 ? separator_of(lines[h].text) : layout.separator;
      if (!is_header(lines, h, separator)) continue;
      header = h;
      layout.separator = separator;
      break;
    }
  }
  if (header > 0 && !first.starts_with("sep="))
    layout.notices.push_back(std::to_string(header) +
                             " lines above the header are left out of the record");
  layout.header_line = header + 1;
  layout.header = lines[header].text;
  layout.body = std::min(lines[header].at + lines[header].text.size() + 1, text.size());
  layout.body_line = header + 2;
  std::vector<std::string_view> names, cells;
  split_csv(layout.header, layout.separator, names);
  if (header + 1 < lines.size()) {
    split_csv(lines[header + 1].text, layout.separator, cells);
    if (cells.size() <= names.size() && cells.size() > 1 && is_units(cells)) {
      layout.units.assign(cells.begin(), cells.end());
      layout.units.resize(names.size());
      layout.body = std::min(lines[header + 1].at + lines[header + 1].text.size() + 1, text.size());
      ++layout.body_line;
      layout.notices.push_back("the row below the header is taken as its units");
    }
  }
  CASEBOX_CHECK(decimal_comma(text, layout, name, decimal));
  return layout;
}

}  // namespace casebox::recorder::internal
