#pragma once

// The reading of a media source: packets become fragments at their places on the case's clock, and
// whatever lies between them that is not there becomes a gap.
//
// Thread safety: one thread. Errors: as Fragmenter.

#include <optional>
#include <string>
#include <vector>

#include "recorder/clock/one_way_clock.h"
#include "recorder/sources/internal/avi_index.h"
#include "recorder/sources/internal/edit_list.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/media_input.h"
#include "recorder/sources/internal/media_track.h"

extern "C" {
struct AVPacket;
}

namespace casebox::recorder::internal {

struct MediaReading {
  MediaReading();
  MediaReading(const MediaReading&) = delete;
  MediaReading& operator=(const MediaReading&) = delete;
  ~MediaReading();

  DeviceReader reader;  // outlives the input, which asks it
  MediaInput input;
  MediaFacts facts;
  AVPacket* packet = nullptr;
  bool live = false;
  bool primed = false;
  bool late_stream = false;
  bool finished = false;
  bool steps = false;  // the container's clock may be set: streams as they are sent
  std::optional<EditList> edits;
  std::optional<AviIndex> index;
  int64_t moved_by_ns = 0;  // what the last clock that was set back is moved by
  uint64_t sets = 0;
  uint64_t losses = 0;   // places where packets were lost on the way
  uint64_t unshown = 0;  // packets that do not tell when they are shown
  Clock* clock = nullptr;
  MonoTime case_zero;
  FileClock file_clock;
  OneWayClock live_clock;
  std::vector<int> track_of;  // by libavformat's index; -1: not recorded
  std::vector<Track> tracks;

  CaseTime map(int64_t ns) const { return live ? live_clock.map(ns) : file_clock.map(ns); }
  /// Of a device: what an opening has looked at comes at once.
  void prime();
  /// `packet`, of this track.
  Result<void> take(Track& track, std::vector<Item>& out);
  /// Hands out what is left; what is missing up to `length` is a gap. `trouble`: why reading ended,
  /// if not at the end.
  Result<void> finish(const std::vector<v1::Stream>& streams, const std::string& trouble,
                      CaseTime length, std::vector<Item>& out, std::vector<Skipped>& said);

 private:
  /// What lies between the last item of a track and `until`; `missing`: packets, where known.
  Result<void> hole(Track& track, const char* reason, CaseTime until, std::vector<Item>& out,
                    uint64_t missing = 0);
  Result<void> hide(Track& track, TimedPacket timed, std::vector<Item>& out);
  Result<void> look_for_steps(Track& track, int64_t& decode_ns, std::vector<Item>& out);
  Result<void> finish_track(Track& track, const std::vector<v1::Stream>& streams,
                            const std::string& trouble, CaseTime length, std::vector<Item>& out,
                            std::vector<Skipped>& said);
  void count_by_index(Track& track, SourcePacket& p, uint64_t& missed);
  bool told_ = false;  // why the file could not be read to its end
};

}  // namespace casebox::recorder::internal
