#pragma once

// Where the table of a CSV file stands and how it is written: the separator, lines above the
// header, the header, a row of units below it, and whether a comma stands for the decimal point.
//
// Thread safety: free functions.
// Errors: kInvalidArgument `<file>:<line>: <what>; <what to do>`; they quote nothing of the file.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"

namespace casebox::recorder::internal {

struct CsvLayout {
  char separator = ',';
  uint64_t header_line = 1;
  std::string_view header;         // into the text
  size_t body = 0;                 // where the first row of values begins
  uint64_t body_line = 2;          // and its line
  std::vector<std::string> units;  // of a row of units; empty: there is none
  std::vector<std::string> notices;
};

/// `decimal` is "," or "." where the caller says it. A decimal comma becomes a point in `text`, in
/// place.
Result<CsvLayout> find_layout(std::string& text, const std::string& name,
                              const std::string& decimal);

/// The line at `from` without its end; `from` moves behind it.
std::string_view take_line(std::string_view text, size_t& from);
/// Without blanks and tabs at both ends.
std::string_view trim_cell(std::string_view cell);
/// Splits one line; quoted fields (RFC 4180) lose their quotes only when they stand alone.
void split_csv(std::string_view line, char separator, std::vector<std::string_view>& cells);

}  // namespace casebox::recorder::internal
