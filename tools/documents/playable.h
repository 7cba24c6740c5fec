#pragma once

// Recorded video or audio as players take it: movie fragments written anew from the packets, each
// packet at the case time that the record gives it. The payload stays as it is.
//
// What the source's edit list cuts away is not shown: it is left out, but for the packets that the
// first shown one behind them is decoded from. Those come at most one unit of media time each
// before it, and a header with an edit list (playable_init.h) has players begin behind them.
//
// A packet lasts until the next one of its stream where nothing is missing between them, else as
// long as it says itself.
//
// Thread safety: one thread.
// Errors: the sink's.

#include <functional>
#include <optional>
#include <vector>

#include "casebox/v1/stream.pb.h"
#include "storage/reader/case_reader.h"

namespace casebox::tools {

class PlayableWriter {
 public:
  using Sink = std::function<Result<void>(BytesView)>;

  /// `timescale`: of playable_init(). `zero`: the case time of media time zero; none: the first
  /// packet's decoding, and the sink first gets the header.
  PlayableWriter(const v1::Stream& stream, uint32_t timescale, std::optional<CaseTime> zero,
                 Sink sink);

  /// Packets in decoding order; those before the first key packet cannot be decoded and are left
  /// out.
  Result<void> add(const storage::PacketAt& packet);
  Result<void> finish();
  /// Whether anything was written, or waits for finish().
  bool any() const { return any_; }

 private:
  struct Sample {
    int64_t decode = 0, present = 0;  // units of the timescale since case time zero
    uint32_t duration = 0;            // its own
    bool key = false;
    bool shown = true;
    Bytes payload;
  };
  int64_t units(CaseTime t) const;
  Sample sample_of(const storage::PacketAt& packet) const;
  void squeeze(int64_t before);
  void hold_back_hidden();
  Result<void> flush(std::optional<int64_t> next_decode);
  Result<void> begin();

  v1::Stream stream_;
  uint32_t timescale_;
  std::optional<int64_t> zero_;
  Sink sink_;
  std::vector<Sample> lead_;     // cut away since the last key packet
  std::vector<Sample> pending_;  // of one fragment
  storage::SourceRef from_;      // of it
  int64_t last_ = INT64_MIN;     // decoding time of the last sample
  int64_t behind_ = 0;           // where the last packet's decoding ends
  uint32_t sequence_ = 0;
  bool any_ = false;
};

}  // namespace casebox::tools
