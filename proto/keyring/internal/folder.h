#pragma once

// The keystore's folder: private files and folders, and the lock that makes one program at a time
// change it.
//
// Thread safety: free functions. Errors: as in proto/base/file.h.

#include <filesystem>
#include <string>
#include <vector>

#include "proto/base/file.h"
#include "proto/seal/seal.h"

namespace casebox::keyring::internal {

constexpr int kPrivate = 0600;

/// Makes the folder, if it is not there, for its owner alone.
Result<void> make_private_dir(const std::filesystem::path& dir);

/// Names, without ending, of the files `<name><ending>` of a folder, sorted: which key is taken
/// first must not depend on the file system.
Result<std::vector<std::string>> names_in(const std::filesystem::path& dir,
                                          const std::string& ending);

/// Waits until no other program changes the folder; released when it goes.
Result<Fd> lock_folder(const std::filesystem::path& dir);

/// One line on what of the folder others than its owner can read or write, with what to do; empty
/// if nothing. Of a folder of many files a sample is looked at.
std::string loose_modes(const std::filesystem::path& dir);

/// A file of exactly 32 secret bytes, without a copy left behind.
Result<void> read_secret(const std::filesystem::path& path, seal::Secret* secret);

}  // namespace casebox::keyring::internal
