#pragma once

// A table of numbers as text: header, columns with units, and for each column the form that writes
// every one of its cells again exactly as the file has it.
//
// Limits: 256 MiB of text, 4,096 columns, lines of 1 MiB.
// Thread safety: one thread.
// Errors: kInvalidArgument `<file>:<line>: column <n>: <what>; <what to do>`; they quote no cell
// and no name of a column.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "casebox/v1/stream.pb.h"
#include "proto/base/result.h"

namespace casebox::recorder::internal {

struct CsvColumn {
  std::string name;
  std::string unit;  // as the file writes it
  v1::SampleType type = v1::SAMPLE_TYPE_F64;
  uint32_t decimals = 0;  // SAMPLE_TYPE_INT: value = code / 10^decimals
  v1::TextFormat text;
  std::string inexact;  // not empty: the first cell that the export writes otherwise: "line 7"
};

class CsvTable {
 public:
  /// Parses and checks every cell of a UTF-8 text. `name` stands for the file in errors.
  static Result<CsvTable> parse(std::string text, const std::string& name);

  const std::vector<CsvColumn>& columns() const { return columns_; }
  size_t rows() const { return rows_; }
  /// Index of the column that tells the time; -1 if none does.
  int time_column() const { return time_; }

  /// Cells of each row in turn, as text; `line` counts from 1.
  Result<void> each_row(
      const std::function<Result<void>(uint64_t line, const std::vector<std::string_view>&)>& visit)
      const;
  /// One row from a position (0 = first); moves the position on; false at the end.
  bool next_row(size_t& position, std::vector<std::string_view>& cells) const;

  /// A cell's number: `missing` for an empty one, NaN for the spellings of it. False for anything
  /// else.
  static bool number(std::string_view cell, double& value, bool& missing);
  /// A decimal cell as an integer of 10^-decimals; false if it is not written so or does not fit.
  static bool scaled(std::string_view cell, uint32_t decimals, int64_t& code);

 private:
  Result<void> read_header();
  Result<void> find_forms();
  Error bad(uint64_t line, size_t column, const std::string& what) const;

  std::string text_;
  std::string name_;
  char separator_ = ',';
  size_t body_ = 0;  // where the first row begins
  size_t rows_ = 0;
  int time_ = -1;
  std::vector<CsvColumn> columns_;
};

/// Splits one line; quoted fields (RFC 4180) lose their quotes only when they stand alone.
void split_csv(std::string_view line, char separator, std::vector<std::string_view>& cells);

}  // namespace casebox::recorder::internal
