#pragma once

// A stock of one-time public keys: files `stock/<64 hex>.pub`, and `last.pub` with the one taken
// last.
//
// Thread safety: under the folder's lock. Errors: as in proto/base/file.h.

#include <filesystem>
#include <string>

#include "proto/keyring/producer_keys.h"

namespace casebox::keyring::internal {

/// How many are there.
Result<size_t> stock_size(const std::filesystem::path& dir);
/// Puts one in; `name` is its hex.
Result<void> put_in_stock(const std::filesystem::path& dir, const std::string& name);
/// Takes the first, or the last taken again when there is none.
Result<CaseKey> take_from_stock(const std::filesystem::path& dir, const std::string& how_to_refill);

}  // namespace casebox::keyring::internal
