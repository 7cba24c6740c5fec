#pragma once

// Bodies to typed values: one frame's samples, and fragments put together from their parts.
//
// Thread safety: free functions; an Assembler belongs to one thread.
// Errors: bodies that do not say what their header promises are kCorrupt.

#include <optional>

#include "storage/reader/case_reader.h"

namespace casebox::storage {

/// Samples of `channel` in a frame, trimmed to `span` by whole ticks; nullopt when none is inside.
Result<std::optional<SampleRun>> decode_samples(const frame::Header& header,
                                                const v1::SampleChunk& chunk,
                                                const v1::Stream& stream,
                                                const v1::Channel& channel, Span span);

/// Puts a run behind others, with a time for each value.
void join(SampleRun& all, const SampleRun& run);

/// Joins the parts of a packet that was split over frames.
class Assembler {
 public:
  struct Whole {
    frame::Header header;  // of the first part; count covers all
    v1::MediaFragment fragment;
  };
  /// The fragment that `part` completes, if it does.
  std::optional<Whole> add(const frame::Header& header, v1::MediaFragment part);

 private:
  std::optional<Whole> open_;
};

}  // namespace casebox::storage
