#pragma once

// Synthetic scope and room video: a plain picture whose colour tells the phase, the phase's name
// and the case time as text, and a row of 32 black or white blocks at the top that a machine reads
// the case time from (docs/simulator.md). H.264, no B-frames, a key picture each second, BT.709.
//
// Thread safety: one thread owns a VideoMaker.
// Errors: open() is kUnsupported where libavcodec has no libx264.
// Lifetime: `plan` outlives it.

#include <memory>

#include "casebox/v1/stream.pb.h"
#include "proto/base/result.h"
#include "recorder/sim/packet.h"
#include "recorder/sim/plan.h"

namespace casebox::recorder::sim {

enum class View { kScope, kRoom };

/// Height in pixels of the bar of blocks.
constexpr int kBarHeight = 16;

class VideoMaker {
 public:
  static Result<std::unique_ptr<VideoMaker>> open(const Plan& plan, View view);
  ~VideoMaker();

  /// Codec, size, rate, time base and decoder configuration.
  void describe(v1::MediaFormat& media) const;
  /// Picture `index`, shown at index / kVideoRate seconds. Ask in order, from 0.
  Result<Picture> make(uint64_t index);

 private:
  VideoMaker();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::recorder::sim
