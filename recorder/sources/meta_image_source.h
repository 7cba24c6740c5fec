#pragma once

// Sequences of MetaImage (.mha, .mhd) as Plus and 3D Slicer record them: for each frame the moment
// and the transforms of what was tracked, from the layout of the MetaIO and Plus documentation.
// Each transform is a stream of numbers, `<source>.<name>`, the rows of its matrix as channels
// `m00` to `m23` (mm in the last column); a frame in which it was not tracked is a gap. Frame
// numbers, and time stamps before filtering, are `<source>.frames`.
//
// The pictures themselves are left out, and it is said: write them as a video.
//
// Times are seconds of the recording machine's own clock. One that goes back is refused with its
// frame.
//
// Thread safety, errors: as Source. Limits: a header of 256 MiB, 10 million frames, 64 transforms.

#include "proto/base/bytes.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

class MetaImageSource final : public Source {
 public:
  static Result<std::unique_ptr<Source>> open(Context context);
  /// From the bytes of a file; `config.url` names it in errors.
  static Result<std::unique_ptr<Source>> over(Context context, BytesView bytes);
  ~MetaImageSource() override;

  Result<bool> next(std::vector<Item>& out) override;
  std::vector<ClockState> clocks() const override;
  void move(Duration by) override;
  Duration length() const override;

 private:
  MetaImageSource();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder
