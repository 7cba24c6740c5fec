#pragma once

// The header of a fragmented MP4 (ISO/IEC 14496-12) as players get it: with a timescale fine enough
// to place each picture to well below a millisecond, and with an edit list where the first picture
// that is shown does not stand at media time zero.
//
// Thread safety: free functions.
// Errors: kCorrupt for bytes whose boxes do not fit into each other.

#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox::tools {

/// Units per second in which playable_init() has media time: the header's own, or a multiple.
Result<uint32_t> playable_timescale(BytesView init_segment);

/// The header with that timescale. `shown_from`, if not 0, is the media time at which players
/// begin.
Result<Bytes> playable_init(BytesView init_segment, uint32_t shown_from = 0);

}  // namespace casebox::tools
