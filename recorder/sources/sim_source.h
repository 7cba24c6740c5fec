#pragma once

// The simulated room (recorder/sim) as a source. Its streams keep their own names, whatever the
// source is called: they are the names of DOMAIN's table, not of one device.
//
// Thread safety, errors: as Source.

#include "recorder/sources/source.h"

namespace casebox::recorder {

class SimSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  ~SimSource() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  Duration length() const override;
  std::vector<uint64_t> sent() const override;
  std::string truth() const override;

 private:
  SimSource();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
