#include "tools/report/board.h"

#include <algorithm>

#include "tools/cli/names.h"
#include "tools/documents/export.h"
#include "tools/report/sections.h"
#include "tools/report/tags.h"
#include "tools/report/timeline_svg.h"

namespace casebox::tools::report {
namespace {

constexpr double kWidth = 1000, kLeft = 260, kLane = 24, kAxis = 22;
constexpr double kTicks = 10;

Html picture(const BoardTable& table) {
  double most = 1;
  for (const BoardBar& bar : table.bars) most = std::max(most, bar.high);
  const auto x = [&](double seconds) { return kLeft + seconds / most * (kWidth - kLeft - 60); };
  Children out;
  const double height = kLane * static_cast<double>(table.bars.size()) + kAxis;
  const double step = tick_step(most, kTicks);
  for (double t = 0; t <= most; t += step) {
    out.push_back(tag("line",
                      {{"class", "grid"},
                       {"x1", coordinate(x(t))},
                       {"x2", coordinate(x(t))},
                       {"y1", "0"},
                       {"y2", coordinate(height - kAxis + 4)}},
                      {}));
    out.push_back(tag("text",
                      {{"class", "tick"}, {"x", coordinate(x(t))}, {"y", coordinate(height - 5)}},
                      {axis_text(t)}));
  }
  double y = 0;
  for (const BoardBar& bar : table.bars) {
    out.push_back(
        tag("text", {{"class", "lane"}, {"x", "4"}, {"y", coordinate(y + 16)}}, {bar.name}));
    out.push_back(
        tag("rect",
            {{"class", "annotated"},
             {"x", coordinate(x(bar.low))},
             {"y", coordinate(y + 5)},
             {"width", coordinate(std::max(2.0, x(bar.high) - x(bar.low)))},
             {"height", coordinate(kLane - 10)}},
            {tag("title", {bar.name + ": " + length_text(bar.low) + " to " + length_text(bar.high) +
                           ", median " + length_text(bar.middle)})}));
    out.push_back(tag("line",
                      {{"class", "bound"},
                       {"x1", coordinate(x(bar.middle))},
                       {"x2", coordinate(x(bar.middle))},
                       {"y1", coordinate(y + 2)},
                       {"y2", coordinate(y + kLane - 2)}},
                      {}));
    y += kLane;
  }
  return tag("svg",
             {{"viewBox", "0 0 " + coordinate(kWidth) + " " + coordinate(height)},
              {"role", "img"},
              {"aria-label", table.caption + ": bars from the 10th to the 90th percentile, a line "
                                             "at the median, in minutes and seconds"}},
             out);
}

/// Not to be computed by a spreadsheet.
std::string inert(const std::string& text) {
  const bool formula = !text.empty() && std::string("=+-@\t").find(text[0]) != std::string::npos;
  return csv_field(formula ? "'" + text : text);
}

}  // namespace

Html board_html(const BoardTable& table_of) {
  std::vector<std::vector<Html>> rows;
  for (const BoardRow& row : table_of.rows) {
    std::vector<Html> cells(row.cells.begin(), row.cells.end());
    if (!row.evidence.empty() && !cells.empty()) {
      Html& at = cells[cells.size() > 1 ? 1 : 0];
      at = join({at, " ", reference(row.evidence)});
    }
    rows.push_back(std::move(cells));
  }
  const Html grid = table(table_of.caption, table_of.columns, rows, table_of.none);
  Children out = {grid};
  if (!table_of.bars.empty()) out.push_back(picture(table_of));
  out.push_back(table_of.picture);
  for (const std::string& note : table_of.notes)
    out.push_back(tag("p", {{"class", "soft"}}, {note}));
  return join(out);
}

std::string board_csv(const std::vector<BoardTable>& tables) {
  std::string out = "section,table,row,column,value\r\n";
  for (const BoardTable& one : tables)
    for (const BoardRow& row : one.rows)
      for (size_t i = 1; i < row.cells.size() && i < one.columns.size(); ++i)
        out += inert(one.section) + "," + inert(one.caption) + "," + inert(row.cells[0]) + "," +
               inert(one.columns[i].name) + "," + inert(row.cells[i]) + "\r\n";
  return out;
}

Html csv_download(const std::string& csv) {
  static const char* kHex = "0123456789ABCDEF";
  std::string href = "data:text/csv;charset=utf-8,";
  for (const char c : csv) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) {
      href += c;
    } else {
      href += '%';
      href += kHex[byte >> 4];
      href += kHex[byte & 15];
    }
  }
  return tag("p", {tag("a", {{"download", "committee.csv"}, {"href", href}},
                       {"The tables of this page as CSV"})});
}

}  // namespace casebox::tools::report
