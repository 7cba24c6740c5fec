#pragma once

// Sees that the trust list changed: since the store's last ingest, which kept a copy of the one it
// went by as <store>/trust.list, and while a program runs.
//
// Thread safety: one thread. Errors: those of reading a list; the next call tries again. Lifetime:
// the StoreAccess outlives a TrustWatch.

#include <array>
#include <cstdint>
#include <optional>

#include "tools/store/store_access.h"

namespace casebox::tools {

/// The file that the trust list comes from: --trust, or the keystore's.
std::filesystem::path trust_file(const StoreAccess& access);
/// Whether the list is another than the one that was kept: what that one refused is looked at again
/// (Ingest::enrol), then this one is kept.
Result<bool> trust_changed(StoreAccess& access);
/// Keeps the list. `used`: the one that ingest went by; where another has taken its place since,
/// nothing is kept and the next ingest finds it changed. `whole` false: only some of what the list
/// before refused was looked at, so the next ingest finds it changed all the same.
Result<void> keep_trust_list(StoreAccess& access, const trust::TrustList& used, bool whole = true);

/// A stat a second, and the list is read only when that differs.
class TrustWatch {
 public:
  /// What the file is like now counts as known: make it before the list is first read.
  explicit TrustWatch(const StoreAccess& access);

  /// The list, once after each change; nullopt while nothing changed.
  Result<std::optional<LoadedTrust>> changed();
  /// Whoever could not use what `changed` gave gets it again.
  void again() { known_ = {}; }

 private:
  using Mark = std::array<int64_t, 4>;  // inode, size, seconds and nanoseconds of its last change
  Mark look() const;

  const StoreAccess* access_;
  Mark known_{};
  MonoTime next_{};
};

}  // namespace casebox::tools
