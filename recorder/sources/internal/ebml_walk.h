#pragma once

// The skeleton of a Matroska or WebM file (RFC 8794, RFC 9559): its clusters and the blocks in
// them, one after the other, to find where it ends early or holds what is none of them. Payloads
// are passed over, so a file of hours takes a moment.
//
// Limits: 64 M elements, after which nothing is said.
// Thread safety: free function.

#include <cstdint>
#include <optional>

#include "recorder/sources/internal/file_damage.h"

namespace casebox::recorder::internal {

/// The first damage; nullopt for a sound file, or one that is no Matroska.
std::optional<FileDamage> find_ebml_damage(const ReadAt& read, uint64_t file_size);

}  // namespace casebox::recorder::internal
