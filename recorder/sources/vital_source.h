#pragma once

// A VitalRecorder file (.vital). Each wave track becomes a stream `<source>.<track>` of integer
// codes with gain and offset, or of reals; the numeric tracks of a device share
// `<source>.numerics`, an item for each moment at which it said something; text tracks (EVENT) go
// to `<source>.events`. With several devices the device's name stands between source and track.
//
// A file that ends early or is damaged gives everything up to that place; the rest is told in
// skipped() and as a gap of every stream. The file is read twice: once to learn its tracks and to
// check it, once to hand it out.
//
// Thread safety, errors: as Source.

#include "recorder/sources/source.h"

namespace casebox::recorder {

class VitalSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  /// From the bytes of a file; `config.url` names it in errors.
  static Result<std::unique_ptr<Source>> over(Context context, const std::string& bytes);
  ~VitalSource() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  Wall wall() const override;
  void move(Duration by) override;
  Duration length() const override;

 private:
  VitalSource();
  Result<void> begin(const Context& context);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
