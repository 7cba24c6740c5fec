#pragma once

// What a source is expected to bring, before it has brought anything. A source that never delivers
// has no streams of its own, so one stands for it: the stream that a source of its type brings
// first, registered and signed like any other, with a gap where its items would be. A source that
// comes late takes that stream over.
//
// Thread safety: free function.

#include "casebox/v1/config.pb.h"
#include "casebox/v1/stream.pb.h"

namespace casebox::recorder {

/// `<source>.video` of media, `.numerics` of .vital files, `.series`, `.phases`, `.use`; of other
/// types `.events`. Without channels and media: nobody has said what is in it.
v1::Stream expected_stream(const v1::SourceConfig& source);

/// Streams whose items follow one another without pause, so that silence is a loss; events come
/// when they come.
bool is_continuous(v1::StreamKind kind);

}  // namespace casebox::recorder
