#pragma once

// Who a producer is: the id that all epochs of one site and role share.
//
// Thread safety: free function.

#include "proto/base/ids.h"
#include "proto/seal/seal.h"

namespace casebox::producer {

/// A UUIDv4-shaped digest of the public key: whoever signs with it is this producer.
ProducerId producer_id_of(const seal::SigningKey& key);

}  // namespace casebox::producer
