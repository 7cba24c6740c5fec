#pragma once

// The skeleton of a Matroska or WebM file (RFC 8794, RFC 9559): its clusters and the blocks in
// them, one after the other, to find where it ends early or holds what is none of them. Payloads
// are passed over, so a file of hours takes a moment.
//
// Limits: 64 M elements, after which nothing is said.
// Thread safety: free function.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

namespace casebox::recorder::internal {

struct EbmlDamage {
  uint64_t offset = 0;
  bool ends_early = false;  // otherwise: bytes that are no element
};

/// Reads up to `size` bytes at `offset`; how many there were.
using ReadAt = std::function<size_t(uint64_t offset, unsigned char* into, size_t size)>;

/// The first damage; nullopt for a sound file, or one that is no Matroska.
std::optional<EbmlDamage> find_ebml_damage(const ReadAt& read, uint64_t file_size);

}  // namespace casebox::recorder::internal
