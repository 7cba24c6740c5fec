#pragma once

// Packs packets of one stream into CMAF fragments (libavformat's mov muxer into memory), beside a
// table that keeps each packet's own times. A fragment is closed by whoever feeds it: at a group of
// pictures, after 150 ms, or before it grows too large.
//
// The payload stays as the source had it; only where a source separates NAL units by start codes
// do they become lengths, as the container wants. A fragment's own times may be shifted for
// players.
//
// Thread safety: one thread.
// Errors: open() is kUnsupported for a codec an MP4 cannot hold, kInvalidArgument without the
// decoder's configuration; add() and close() kInternal with libavformat's reason.

#include <memory>
#include <optional>

#include "casebox/v1/stream.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/result.h"
#include "recorder/sources/source.h"

extern "C" {
struct AVCodecParameters;
struct AVStream;
}

namespace casebox::recorder::internal {

/// A packet as the source had it.
struct SourcePacket {
  Bytes data;
  int64_t pts = 0;
  int64_t dts = 0;
  bool has_pts = true;
  bool has_dts = true;
  uint64_t duration = 0;
  bool key = false;
  bool corrupt = false;
  bool disposable = false;  // no other picture needs it
  bool hidden = false;      // cut away by an edit list
};

class CmafMuxer {
 public:
  /// `num/den`: the source's time base; `matrix`: how the picture is turned, from display_matrix().
  static Result<std::unique_ptr<CmafMuxer>> open(const AVCodecParameters& codec, int num, int den,
                                                 BytesView matrix = {});
  /// The same from a registry entry: codec, size, extradata.
  static Result<std::unique_ptr<CmafMuxer>> open(const v1::MediaFormat& media);
  ~CmafMuxer();

  /// ftyp and moov.
  const Bytes& init_segment() const;
  /// Packets waiting for close(), and their bytes.
  size_t pending() const;
  size_t pending_bytes() const;

  Result<void> add(const SourcePacket& packet);
  /// The fragment of all packets since the last call; kInvalidArgument when there are none. dt_ns
  /// of the table stays 0.
  Result<Fragment> close();

 private:
  CmafMuxer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The display matrix of a stream as libavutil keeps it; empty for a picture that is not turned.
BytesView display_matrix(const AVStream& stream);

/// Sizes of the samples in a fragment and where its payload begins; empty if it has no such form.
struct SampleSizes {
  std::vector<uint32_t> sizes;
  size_t payload = 0;
};
std::optional<SampleSizes> sample_sizes(BytesView fragment);

}  // namespace casebox::recorder::internal
