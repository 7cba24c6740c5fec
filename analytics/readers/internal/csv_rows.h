#pragma once

// Rows of a CSV file: quotes, doubled quotes, line breaks in quotes, CRLF, a byte order mark.
//
// Thread safety: one thread. Errors: kInvalidArgument with file and line.

#include <string>
#include <vector>

#include "analytics/readers/internal/byte_source.h"

namespace casebox::analytics::readers::internal {

class CsvRows {
 public:
  explicit CsvRows(ByteSource& source) : source_(source) {}

  /// False at the end. Blank lines are passed over. The first row decides the separator.
  Result<bool> next(std::vector<std::string>& fields);
  /// Line at which the last row began.
  uint64_t line() const { return row_line_; }
  Error at_line(const std::string& what) const;
  Error at(uint64_t line, const std::string& what) const;

 private:
  Result<int> get();  // -1 at the end
  Result<int> peek();
  void find_separator();

  ByteSource& source_;
  std::string buffer_;
  size_t at_ = 0;
  bool ended_ = false;
  bool begun_ = false;
  char separator_ = ',';
  uint64_t line_ = 1;
  uint64_t row_line_ = 1;
};

}  // namespace casebox::analytics::readers::internal
