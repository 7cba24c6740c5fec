#pragma once

// What a producer may be, and what follows from it. A role outside these four means nothing: its
// epochs are refused wherever frames come in.
//
// Thread safety: free functions.

#include "casebox/v1/case.pb.h"

namespace casebox::frame {

/// Recorder and import: their frames are the record itself, and their close frame ends the case.
inline bool owns_case(v1::ProducerRole role) {
  return role == v1::PRODUCER_ROLE_RECORDER || role == v1::PRODUCER_ROLE_IMPORT;
}

/// Analysis and custody: made from the record, beside it, under chains of their own.
inline bool is_derived(v1::ProducerRole role) {
  return role == v1::PRODUCER_ROLE_ANALYSIS || role == v1::PRODUCER_ROLE_CUSTODY;
}

inline bool is_known(v1::ProducerRole role) { return owns_case(role) || is_derived(role); }

}  // namespace casebox::frame
