#include "recorder/sources/internal/csv_table.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "proto/text/written_time.h"

namespace casebox::recorder::internal {
namespace {

constexpr size_t kMaxColumns = 4096;
constexpr size_t kMaxTableLine = 1 << 20;
constexpr uint32_t kMaxDecimals = 15;
constexpr int64_t kMaxCode = int64_t{1} << 53;  // beyond it a double is not exact

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Dashes where a monitor had nothing to say.
bool spells_nothing(std::string_view cell) {
  return !cell.empty() && cell.size() <= 4 && cell.find_first_not_of('-') == cell.npos;
}

/// What programs print for a value that is no number; MSVC's "-1.#IND" rounded to a few digits
/// becomes "-1.$".
bool spells_nan(std::string_view cell) {
  static constexpr std::array kNames = {"nan", "-nan", "1.#ind", "1.#qnan", "1.#snan",
                                        "1.$", "1.#j", "na",     "n/a",     "null"};
  std::string text = lower(cell);
  if (text.size() > 1 && text[0] == '-' && text[1] == '1') text.erase(0, 1);
  return std::ranges::any_of(kNames, [&](const char* name) { return text == name; });
}

/// The forms in question for one column, and whether they still write every cell as it is.
struct Forms {
  bool integer = true;
  int decimals = -1;
  int digits = 1;  // most significant digits of a cell
  int fixed = -1;
  bool numbers = false;
  bool general = true, fixed_ok = true, shortest = true;
  std::string nan;
  std::string inexact;
};

/// Digits after the point of a plain decimal; -1 if it is not one.
int decimals_of(std::string_view cell) {
  size_t i = !cell.empty() && cell[0] == '-' ? 1 : 0;
  const size_t begin = i;
  while (i < cell.size() && std::isdigit(static_cast<unsigned char>(cell[i]))) ++i;
  if (i == begin) return -1;
  if (i - begin > 1 && cell[begin] == '0') return -1;  // "007" would come back as "7"
  if (i == cell.size()) return 0;
  if (cell[i++] != '.') return -1;
  const size_t point = i;
  while (i < cell.size() && std::isdigit(static_cast<unsigned char>(cell[i]))) ++i;
  return i == cell.size() && i > point ? static_cast<int>(i - point) : -1;
}

int significant_digits(std::string_view cell) {
  int n = 0;
  bool leading = true;
  for (char c : cell) {
    if (c == 'e' || c == 'E') break;
    if (!std::isdigit(static_cast<unsigned char>(c))) continue;
    if (leading && c == '0') continue;
    leading = false;
    ++n;
  }
  return std::clamp(n, 1, 17);
}

bool writes(std::string_view cell, double value, std::chars_format form, int precision) {
  char buffer[400];
  const auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, value, form, precision);
  return ec == std::errc() && cell == std::string_view(buffer, static_cast<size_t>(end - buffer));
}

bool writes_shortest(std::string_view cell, double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return cell == std::string_view(buffer, static_cast<size_t>(end - buffer));
}

/// "name(unit)" or "name [unit]".
void split_unit(std::string_view header, CsvColumn& column) {
  header = trim_cell(header);
  if (header.starts_with("#") || header.starts_with("%")) header = trim_cell(header.substr(1));
  if (header.size() >= 2 && header.front() == '"' && header.back() == '"')
    header = trim_cell(header.substr(1, header.size() - 2));
  const char close = header.empty() ? '\0' : header.back();
  const char open = close == ')' ? '(' : close == ']' ? '[' : '\0';
  const size_t at = open == '\0' ? std::string_view::npos : header.find(open);
  if (at != std::string_view::npos && at > 0) {
    column.unit = trim_cell(header.substr(at + 1, header.size() - at - 2));
    header = trim_cell(header.substr(0, at));
  }
  column.name = header;
}

}  // namespace

bool CsvTable::number(std::string_view cell, double& value, bool& missing) {
  missing = cell.empty() || spells_nothing(cell);
  value = std::numeric_limits<double>::quiet_NaN();
  if (missing) return true;
  if (spells_nan(cell)) return true;
  if (lower(cell) == "1.#inf" || lower(cell) == "-1.#inf") {
    value = cell[0] == '-' ? -std::numeric_limits<double>::infinity()
                           : std::numeric_limits<double>::infinity();
    return true;
  }
  if (cell[0] == '+') cell.remove_prefix(1);
  const auto [end, ec] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return ec == std::errc() && end == cell.data() + cell.size();
}

bool CsvTable::scaled(std::string_view cell, uint32_t decimals, int64_t& code) {
  const int own = decimals_of(cell);
  if (own < 0 || static_cast<uint32_t>(own) > decimals) return false;
  const bool negative = cell[0] == '-';
  int64_t n = 0;
  for (char c : cell) {
    if (!std::isdigit(static_cast<unsigned char>(c))) continue;
    if (n > kMaxCode) return false;
    n = n * 10 + (c - '0');
  }
  for (uint32_t i = static_cast<uint32_t>(own); i < decimals; ++i) {
    if (n > kMaxCode) return false;
    n *= 10;
  }
  if (n > kMaxCode || (negative && n == 0)) return false;
  code = negative ? -n : n;
  return true;
}

Error CsvTable::bad(uint64_t line, size_t column, const std::string& what) const {
  return Error{Code::kInvalidArgument, name_ + ":" + std::to_string(line) + ": column " +
                                           std::to_string(column + 1) + ": " + what};
}

Result<void> CsvTable::read_header() {
  std::vector<std::string_view> cells;
  split_csv(layout_.header, layout_.separator, cells);
  if (cells.size() > kMaxColumns)
    return Error{Code::kInvalidArgument, name_ + ":" + std::to_string(header_line()) +
                                             ": more than 4096 columns; split the file"};
  std::map<std::string, int> seen;
  for (std::string_view cell : cells) {
    double value = 0;
    bool missing = false;
    if (!cell.empty() && number(cell, value, missing) && !missing && !std::isnan(value))
      return bad(header_line(), columns_.size(),
                 "a number is no name; the first line must name the columns");
    CsvColumn& column = columns_.emplace_back();
    column.header = cell;
    split_unit(cell, column);
    if (column.unit.empty() && !layout_.units.empty()) {
      const std::string_view unit = bare_unit(layout_.units[columns_.size() - 1]);
      if (!spells_nothing(unit)) column.unit = unit;
    }
    if (column.name.empty()) column.name = "column" + std::to_string(columns_.size());
    if (const int n = ++seen[column.name]; n > 1) column.name += " (" + std::to_string(n) + ")";
  }
  return ok();
}

/// Some programs end each row with a separator, and the header not.
void CsvTable::split_row(std::string_view line, std::vector<std::string_view>& cells) const {
  split_csv(line, layout_.separator, cells);
  while (cells.size() > columns_.size() && cells.back().empty()) cells.pop_back();
}

bool CsvTable::next_row(size_t& position, std::vector<std::string_view>& cells) const {
  position = std::max(position, layout_.body);
  while (position < text_.size()) {
    const std::string_view line = take_line(text_, position);
    if (trim_cell(line).empty()) continue;
    split_row(line, cells);
    return true;
  }
  return false;
}

Result<void> CsvTable::each_row(
    const std::function<Result<void>(uint64_t, const std::vector<std::string_view>&)>& visit)
    const {
  std::vector<std::string_view> cells;
  uint64_t line = layout_.body_line - 1;
  for (size_t from = layout_.body; from < text_.size();) {
    ++line;
    const std::string_view row = take_line(text_, from);
    if (trim_cell(row).empty()) continue;
    if (row.size() > kMaxTableLine)
      return Error{Code::kInvalidArgument, name_ + ":" + std::to_string(line) +
                                               ": a line above 1 MiB; is this a CSV file?"};
    split_row(row, cells);
    CASEBOX_CHECK(visit(line, cells));
  }
  return ok();
}

Result<void> CsvTable::look_at_cells() {
  return each_row([&](uint64_t line, const std::vector<std::string_view>& cells) -> Result<void> {
    if (cells.size() != columns_.size())
      return Error{Code::kInvalidArgument,
                   name_ + ":" + std::to_string(line) + ": " + std::to_string(cells.size()) +
                       " columns where the header names " + std::to_string(columns_.size()) +
                       "; mend or remove the line"};
    ++rows_;
    for (size_t c = 0; c < cells.size(); ++c) {
      CsvCells& of = columns_[c].cells;
      double value = 0;
      bool missing = false;
      if (number(cells[c], value, missing)) {
        if (missing) continue;
        ++of.values;
        ++of.numbers;
        if (std::isnan(value)) continue;
        of.least = of.numbers == 1 ? value : std::min(of.least, value);
        of.most = of.numbers == 1 ? value : std::max(of.most, value);
        continue;
      }
      ++of.values;
      if (of.first_other_line == 0) of.first_other_line = line;
      if (const auto parts = text::slashed_parts(cells[c])) {
        ++of.dates;
        ++of.slashed;
        of.day_first += parts->first > 12;
        of.month_first += parts->second > 12;
      } else if (text::parse_iso(cells[c])) {
        ++of.dates;
      } else if (text::parse_clock(cells[c])) {
        ++of.clocks;
      } else {
        ++of.others;
      }
    }
    return ok();
  });
}

/// Which columns are channels. What is left out is told, by number.
Result<void> CsvTable::choose_columns(const CsvOptions& options) {
  CASEBOX_TRY(time_, find_time(columns_, options, name_, layout_.notices));
  std::string left;
  for (size_t c = 0; c < columns_.size(); ++c) {
    CsvColumn& column = columns_[c];
    const int at = static_cast<int>(c);
    if (at == time_.time || at == time_.date) {
      column.numbers = false;
      continue;
    }
    const CsvCells& cells = column.cells;
    const bool nameless = column.header.empty() && cells.values == 0;
    if (nameless || (cells.numbers == 0 && cells.values > 0)) {
      column.numbers = false;
      if (!nameless) left += (left.empty() ? "" : ", ") + std::to_string(c + 1);
    } else if (cells.numbers < cells.values) {
      return bad(cells.first_other_line, c,
                 "the cell is not a number; mend it or leave the column out");
    }
  }
  if (!left.empty())
    layout_.notices.push_back("columns without numbers are left out of the record: " + left);
  return ok();
}

Result<void> CsvTable::find_forms() {
  std::vector<Forms> forms(columns_.size());
  CASEBOX_CHECK(each_row([&](uint64_t, const std::vector<std::string_view>& cells) -> Result<void> {
    for (size_t c = 0; c < cells.size(); ++c) {
      double value = 0;
      bool missing = false;
      if (!columns_[c].numbers || !number(cells[c], value, missing)) continue;
      if (missing) continue;
      Forms& form = forms[c];
      if (std::isnan(value)) {
        form.integer = false;
        if (form.nan.empty()) form.nan = cells[c];
        continue;
      }
      form.numbers = true;
      const int decimals = decimals_of(cells[c]);
      if (form.decimals == -1) form.decimals = decimals;
      int64_t code = 0;
      form.integer = form.integer && decimals == form.decimals && decimals >= 0 &&
                     decimals <= static_cast<int>(kMaxDecimals) &&
                     scaled(cells[c], static_cast<uint32_t>(decimals), code);
      form.fixed = std::max(form.fixed, decimals);
      form.digits = std::max(form.digits, significant_digits(cells[c]));
    }
    return ok();
  }));
  CASEBOX_CHECK(each_row([&](uint64_t line, const std::vector<std::string_view>& cells) {
    for (size_t c = 0; c < cells.size(); ++c) {
      Forms& form = forms[c];
      double value = 0;
      bool missing = false;
      if (form.integer || !columns_[c].numbers || !number(cells[c], value, missing) || missing)
        continue;
      bool exact = true;
      if (std::isnan(value)) {
        exact = cells[c] == form.nan;
      } else {
        form.general =
            form.general && writes(cells[c], value, std::chars_format::general, form.digits);
        form.fixed_ok = form.fixed_ok && form.fixed >= 0 &&
                        writes(cells[c], value, std::chars_format::fixed, form.fixed);
        form.shortest = form.shortest && writes_shortest(cells[c], value);
        exact = form.general || form.fixed_ok || form.shortest;
      }
      if (!exact && form.inexact.empty()) form.inexact = "line " + std::to_string(line);
    }
    return ok();
  }));
  for (size_t c = 0; c < columns_.size(); ++c) {
    CsvColumn& column = columns_[c];
    const Forms& form = forms[c];
    if (form.integer && form.numbers) {
      column.type = v1::SAMPLE_TYPE_INT;
      column.decimals = static_cast<uint32_t>(form.decimals);
      column.text.set_style(v1::TextFormat::STYLE_FIXED);
      column.text.set_precision(column.decimals);
      continue;
    }
    column.inexact = form.inexact;
    if (form.general) {
      column.text.set_style(v1::TextFormat::STYLE_GENERAL);
      column.text.set_precision(static_cast<uint32_t>(form.digits));
    } else if (form.fixed_ok) {
      column.text.set_style(v1::TextFormat::STYLE_FIXED);
      column.text.set_precision(static_cast<uint32_t>(form.fixed));
    } else {
      column.text.set_style(v1::TextFormat::STYLE_SHORTEST);
    }
    if (form.nan != "nan") column.text.set_nan(form.nan);
  }
  return ok();
}

Result<CsvTable> CsvTable::parse(std::string text, const std::string& name,
                                 const CsvOptions& options) {
  CsvTable table;
  table.text_ = std::move(text);
  table.name_ = name;
  CASEBOX_TRY(table.layout_, find_layout(table.text_, name, options.decimal));
  CASEBOX_CHECK(table.read_header());
  table.layout_.header = {};  // the text moves with the table
  CASEBOX_CHECK(table.look_at_cells());
  if (table.rows_ == 0)
    return Error{Code::kInvalidArgument, name + ":" + std::to_string(table.header_line() + 1) +
                                             ": no rows below the header; is this the file?"};
  CASEBOX_CHECK(table.choose_columns(options));
  CASEBOX_CHECK(table.find_forms());
  return table;
}

}  // namespace casebox::recorder::internal
