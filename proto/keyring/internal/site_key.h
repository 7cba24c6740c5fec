#pragma once

// The site key, 32 random bytes: read from its file into locked memory, once for all keystores that
// a program has open.
//
// Thread safety: free functions. Errors: kNotFound, kCorrupt.

#include <filesystem>
#include <memory>

#include "proto/base/result.h"
#include "proto/seal/seal.h"

namespace casebox::keyring::internal {

using SharedKey = std::shared_ptr<const seal::LockedSecret>;

Result<SharedKey> read_site_key(const std::filesystem::path& path);
SharedKey random_site_key();

}  // namespace casebox::keyring::internal
