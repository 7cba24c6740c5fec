#pragma once

// Files of HL7 version 2 observation messages (ORU), also as MLLP sends them. Numbers go to
// `<source>.numerics`, a channel for each kind of observation and a row for each moment; texts to
// `<source>.events` with the code `observation`, sealed as all content is. Patient, visit and
// orders are left out, and it is said.
//
// Times are those of the observations; their bound is the coarseness in which the file writes
// them.
//
// Thread safety, errors: as Source. Format: recorder/sources/internal/hl7_file.h.

#include "proto/base/bytes.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

class Hl7Source final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  /// From the bytes of a file; `config.url` names it in errors.
  static Result<std::unique_ptr<Source>> over(Context context, BytesView bytes);
  ~Hl7Source() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  Wall wall() const override;
  void move(Duration by) override;
  Duration length() const override;

 private:
  Hl7Source();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
