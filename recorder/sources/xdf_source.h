#pragma once

// A recording of Lab Streaming Layer (.xdf). Each of its streams becomes one, `<source>.<name>`:
// numbers as they are, texts as events. Times are those of the streams' own clocks, brought to the
// recording machine's by what the file says of their difference; where a clock was reset, and where
// an even stream pauses, stands a gap. Values that are no number are missing.
//
// Thread safety, errors: as Source. Format: recorder/sources/internal/xdf_file.h.

#include "proto/base/bytes.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

class XdfSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  /// From the bytes of a file; `config.url` names it in errors.
  static Result<std::unique_ptr<Source>> over(Context context, Bytes bytes);
  ~XdfSource() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  void move(Duration by) override;
  Duration length() const override;

 private:
  XdfSource();
  Result<void> begin(const Context& context);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
