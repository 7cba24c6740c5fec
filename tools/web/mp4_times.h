#pragma once

// The two times a player needs from fragmented MP4 (ISO/IEC 14496-12): the timescale of the first
// track (moov/trak/mdia/mdhd) and when a fragment's first sample is shown (moof/traf/tfdt plus the
// first composition offset of trun). From them and the fragment's case time comes the offset that
// puts a video on the case's clock.
//
// Thread safety: free functions. Errors: kCorrupt for bytes whose boxes do not fit into each other.

#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/result.h"

namespace casebox::tools::web {

/// Units per second of the first track's media time; never 0.
Result<uint32_t> media_timescale(BytesView init_segment);
/// Presentation time of the first sample of the first track run, in that timescale.
Result<int64_t> first_presentation(BytesView fragment);

}  // namespace casebox::tools::web
