#pragma once

// Regularly (or irregularly) sampled columns in a CSV file: digital twins, exported monitors. A
// header names the columns, with units as `name(unit)`, `name [unit]` or in a row of their own; one
// column, or one of dates and one of clock times, tells the time (docs/sources.md). All columns of
// numbers are channels of one stream, `<source>.series`, and keep the text the file has; others
// are told and left out. Rows missing from an even grid become a gap of known count; a column or
// row that does not fit refuses the file with line and column.
//
// Thread safety, errors: as Source; open() checks the whole file, so next() does not fail.

#include "recorder/sources/source.h"

namespace casebox::recorder {

class CsvSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  /// From text already in memory; `config.url` names it in errors.
  static Result<std::unique_ptr<Source>> parse(Context context, std::string text);
  ~CsvSource() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  Wall wall() const override;
  void move(Duration by) override;
  Duration length() const override;

 private:
  CsvSource();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
