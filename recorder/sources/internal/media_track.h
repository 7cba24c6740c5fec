#pragma once

// Where a stream of a container stands while it is read.
//
// Thread safety: one thread.

#include <cstdint>
#include <memory>

#include "recorder/sources/internal/fragmenter.h"
#include "recorder/sources/internal/packet_damage.h"

extern "C" {
#include <libavutil/rational.h>
}

namespace casebox::recorder::internal {

/// One stream that is recorded.
struct Track {
  size_t stream = 0;  // in Source::streams()
  size_t input = 0;   // by libavformat's index
  AVRational time_base{1, 1};
  std::unique_ptr<internal::Fragmenter> fragments;
  PacketCheck check;
  bool fragile = false;  // a packet that is cut off cannot be put into a fragment (AV1)
  uint64_t packets = 0;
  uint64_t indexed = 0;     // packets the container's index names
  bool cut_short = false;   // the index names bytes behind the file's end
  int64_t next_ns = 0;      // where a packet without times would lie
  int64_t shown_ns = 0;     // up to where the edit list shows it; what it hides lies there
  uint64_t hidden = 0;      // packets that it hides
  int64_t moved_by_ns = 0;  // since its clock was set back
  bool begun = false;
  CaseTime last_arrival;   // of a device's packet
  int torn = 0;            // packets were lost on the way: by how many from here it must be said
  bool hole_told = false;  // the damage of the file is
  uint64_t broken = 0;     // packets whose bytes their codec cannot have made
  uint64_t missed = 0;     // packets that an AVI's index names and that are not there
  bool found = false;      // a packet that it names
  int64_t unit = 0;        // of its numbers, in those of the packets; 0: not known yet
};

}  // namespace casebox::recorder::internal
