#pragma once

// A table of numbers as text: header, columns with units, and for each column the form that writes
// every one of its cells again exactly as the file has it. Columns without any number are told and
// left out; one that mixes numbers and words is refused.
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
#include "recorder/sources/internal/csv_layout.h"
#include "recorder/sources/internal/csv_times.h"

namespace casebox::recorder::internal {

/// What the cells of a column are.
struct CsvCells {
  uint64_t values = 0;  // not empty
  uint64_t numbers = 0, dates = 0, clocks = 0, others = 0;
  uint64_t slashed = 0, day_first = 0, month_first = 0;  // dates whose order must be known
  uint64_t first_other_line = 0;                         // of a cell that is no number
  double least = 0, most = 0;                            // of numbers
};

struct CsvColumn {
  std::string header;  // name and unit as they stand there
  std::string name;
  bool numbers = true;  // a channel; false: the time, text, or nothing at all
  CsvCells cells;
  std::string unit;  // as the file writes it
  v1::SampleType type = v1::SAMPLE_TYPE_F64;
  uint32_t decimals = 0;  // SAMPLE_TYPE_INT: value = code / 10^decimals
  v1::TextFormat text;
  std::string inexact;  // not empty: the first cell that the export writes otherwise: "line 7"
};

class CsvTable {
 public:
  /// Parses and checks every cell of a UTF-8 text. `name` stands for the file in errors.
  static Result<CsvTable> parse(std::string text, const std::string& name,
                                const CsvOptions& options = {});

  const std::vector<CsvColumn>& columns() const { return columns_; }
  size_t rows() const { return rows_; }
  /// The columns that tell the time; -1 if none does.
  const TimeColumns& time() const { return time_; }
  /// Line of the header, from 1.
  uint64_t header_line() const { return layout_.header_line; }
  /// What was found out, or left out.
  const std::vector<std::string>& notices() const { return layout_.notices; }

  /// Cells of each row in turn, as text; `line` counts from 1.
  Result<void> each_row(
      const std::function<Result<void>(uint64_t line, const std::vector<std::string_view>&)>& visit)
      const;
  /// One row from a position (0 = first); moves the position on; false at the end.
  bool next_row(size_t& position, std::vector<std::string_view>& cells) const;

  /// A cell's number: `missing` for an empty one or dashes, NaN for the spellings of it. False for
  /// anything else.
  static bool number(std::string_view cell, double& value, bool& missing);
  /// A decimal cell as an integer of 10^-decimals; false if it is not written so or does not fit.
  static bool scaled(std::string_view cell, uint32_t decimals, int64_t& code);

 private:
  Result<void> read_header();
  Result<void> look_at_cells();
  Result<void> choose_columns(const CsvOptions& options);
  Result<void> find_forms();
  Error bad(uint64_t line, size_t column, const std::string& what) const;

  std::string text_;
  std::string name_;
  CsvLayout layout_;
  size_t rows_ = 0;
  TimeColumns time_;
  std::vector<CsvColumn> columns_;
};

}  // namespace casebox::recorder::internal
