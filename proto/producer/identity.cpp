#include "proto/producer/identity.h"

#include <algorithm>

namespace casebox::producer {

ProducerId producer_id_of(const seal::SigningKey& key) {
  const Digest digest =
      seal::sha256({"casebox/producer/1",
                    BytesView(reinterpret_cast<const char*>(key.public_key().data()), 32)});
  ProducerId id;
  std::copy_n(digest.begin(), 16, id.bytes.begin());
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

}  // namespace casebox::producer
