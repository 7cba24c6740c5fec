#pragma once

// Tables of which instrument is in use: as public annotations publish them and detectors write
// them. Each change becomes an event of a device stream, `<source>.use`, the kind that phases are
// found by.
//
// Two forms. Rows of moments: a time (`t`, `time`, `time_s`, `second`; in s) and a column of 0 and
// 1 for each instrument. Rows of uses: `instrument,start_s,end_s`. Both may have `video` or `case`
// in front; other columns are named as left out. A row of moments says what is so until the next
// row; where rows are missing from an even grid a gap says so. The first and the last row say of
// each instrument how it was, so that it is known how long it was watched.
//
// Instruments are known by the names of the vocabulary ("Grasper", "Hook", ...), in any case;
// others keep their own in rows of uses, and as columns `instrument:<name>`. Cholec80's and
// HeiChole's own files are read too (internal/raw_annotations.h).
//
// Limits: 256 MiB of text, 4,096 columns.
// Thread safety, errors: as Source; open() reads the whole file, so next() does not fail.

#include "recorder/sources/source.h"

namespace casebox::recorder {

class InstrumentsSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  static Result<std::unique_ptr<Source>> parse(Context context, const std::string& text);

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  Duration length() const override;

 private:
  InstrumentsSource() = default;

  std::vector<Item> items_;  // by time
  size_t at_ = 0;
  int64_t start_ns_ = 0;
  int64_t end_ns_ = 0;  // of case time
  int64_t step_ns_ = 0;
};

/// Whether the first line of a table is of one of these; `path`: the file's.
bool is_instrument_header(std::string_view line, const std::string& path);
/// The cases such a file names, in its order; empty if it names none.
Result<std::vector<std::string>> instrument_cases(const std::string& file,
                                                  const std::string& encoding = "");

}  // namespace casebox::recorder
