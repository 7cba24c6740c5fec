#pragma once

// Any program as a source: it connects to a socket of this machine and sends one JSON object a line
// (docs/sources/lines.md). The first names its streams; each further one is an item of one of them,
// with the sender's own time and number where it has them. A number that is skipped is a gap of
// known count; a line that cannot be read is a gap where it stands.
//
// `url`: "tcp://127.0.0.1:PORT" or "unix:/path" (made with mode 0600). One sender at a time; when
// it goes the next one is waited for.
//
// Thread safety, errors: as Source. open() waits for a sender, or until the recording stops
// (kUnavailable); kInvalidArgument for an address that is not of this machine.

#include "recorder/sources/source.h"

namespace casebox::recorder {

class LinesSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  /// What a sender said in all; it is away behind it.
  static Result<std::unique_ptr<Source>> over(Context context, std::string bytes);
  ~LinesSource() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  bool live() const override { return true; }

 private:
  LinesSource();
  Result<void> greet();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
