#pragma once

// A file of the European Data Format: EDF, EDF+ continuous and discontinuous, BDF. Signals of one
// rate share a stream of integer codes with gain and offset, `<source>.waves` from 10 Hz on, else
// `<source>.numerics`, with the rate behind it where there are several of one word; annotations go
// to `<source>.events`, with their length where they have one.
//
// The time between two records of a discontinuous file is a gap of known count; records that the
// header promises and the file does not hold are one at its end. Patient and recording
// identification are left out, and it is said.
//
// Thread safety, errors: as Source. Format: recorder/sources/internal/edf_file.h.

#include "proto/base/bytes.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

class EdfSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  /// From the bytes of a file; `config.url` names it in errors.
  static Result<std::unique_ptr<Source>> over(Context context, Bytes bytes);
  ~EdfSource() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  Wall wall() const override;
  void move(Duration by) override;
  Duration length() const override;

 private:
  EdfSource();
  Result<void> begin(const Context& context);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
