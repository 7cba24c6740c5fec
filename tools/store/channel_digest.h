#pragma once

// The digest by which an import is compared with its source: SHA-256 over what the source holds, so
// that an independent reader of the file computes the same (docs/formats/json.md, "Digests").
//
//   sample channel   every sample in time order, over all epochs: integer codes as little-endian
//   int32 (int64
//                    when the channel holds a code that needs it), floats as little-endian float32
//                    or float64 as the source has them; missing samples are left out
//   media stream     every packet's payload in decode order
//   event stream     every event as `t_ns<TAB>text<LF>`, t_ns = case time
//
// Thread safety: free functions. Errors: those of the reader.

#include <string>

#include "proto/seal/seal.h"
#include "storage/reader/case_reader.h"

namespace casebox::tools {

struct ChannelDigest {
  uint64_t count = 0;  // samples that are there, packets or events
  Digest sha256{};
  CaseTime first{INT64_MAX};  // of what was counted; later than `last` if nothing was
  CaseTime last{INT64_MIN};
};

Result<ChannelDigest> channel_digest(const storage::CaseReader& reader, const v1::Stream& stream,
                                     const v1::Channel& channel);
/// Of a media or event stream.
Result<ChannelDigest> stream_digest(const storage::CaseReader& reader, const v1::Stream& stream);

/// The text of an event in digests and CSV: code and value, e.g. "esu.cut on", "Preparation".
std::string event_text(const v1::Event& event);

}  // namespace casebox::tools
