#pragma once

// Cuts one media stream into items: a fragment ends at a key frame, after the context's length, or
// before 700 KiB. The header time of a fragment is where its first packet is decoded, so that
// fragments rise in decode order; each packet's own presentation stands beside it (dt_ns).
//
// Thread safety: one thread. Errors: as CmafMuxer.

#include <memory>
#include <vector>

#include "recorder/sources/internal/cmaf.h"

namespace casebox::recorder::internal {

/// A packet with its places on the case's clock.
struct TimedPacket {
  SourcePacket packet;
  CaseTime decode;
  CaseTime present;
  Duration duration;
  CaseTime arrival;
};

class Fragmenter {
 public:
  Fragmenter(size_t stream, bool video, Duration longest, std::unique_ptr<CmafMuxer> muxer)
      : stream_(stream), video_(video), longest_(longest), muxer_(std::move(muxer)) {}

  /// Takes a packet; appends an item first if the packet begins a new fragment.
  Result<void> add(TimedPacket packet, uint32_t u95_us, std::vector<Item>& out);
  /// Hands out what is left.
  Result<void> flush(std::vector<Item>& out);
  /// Where the last item ended.
  CaseTime end() const { return end_; }

 private:
  size_t stream_;
  bool video_;
  Duration longest_;
  std::unique_ptr<CmafMuxer> muxer_;
  std::vector<TimedPacket> times_;  // of the open fragment; payloads are gone
  uint32_t u95_us_ = 0;
  CaseTime end_;
  CaseTime last_{INT64_MIN};
};

/// Numbers a fragment takes: its packets, or the parts of one packet that is too large for a frame.
uint32_t item_count(const v1::MediaFragment& media);

}  // namespace casebox::recorder::internal
