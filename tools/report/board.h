#pragma once

// The tables of the committee's page: made once, and printed as HTML, as a picture and as CSV from
// the same cells, so that none of them can say more than another.
//
// Thread safety: values and pure functions. Errors: none.

#include <string>
#include <vector>

#include "tools/report/html.h"

namespace casebox::tools::report {

struct BoardRow {
  std::vector<std::string> cells;  // one a column; what may not be shown is withheld already
  std::string evidence;            // tag of the evidence behind the row's numbers; empty: none
};

/// A length of time with its usual range, s.
struct BoardBar {
  std::string name;
  double low = 0, middle = 0, high = 0;
};

struct BoardTable {
  std::string section;  // what it is about: procedure, norm
  std::string caption;
  std::vector<Column> columns;
  std::vector<BoardRow> rows;
  std::string none = "None.";      // in place of a body without rows
  std::vector<BoardBar> bars;      // of rows that have them; empty: no picture of those
  Html picture;                    // another picture of what the rows say
  std::vector<std::string> notes;  // sentences below: what it rests on, what it does not say
};

Html board_html(const BoardTable& table);
/// "section,table,row,column,value", a line a cell. Text that a spreadsheet would compute gets an
/// apostrophe in front.
std::string board_csv(const std::vector<BoardTable>& tables);
/// A link that saves the CSV; nothing is fetched for it.
Html csv_download(const std::string& csv);

}  // namespace casebox::tools::report
