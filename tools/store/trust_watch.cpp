#include "tools/store/trust_watch.h"

#include <sys/stat.h>

#include "proto/base/file.h"
#include "proto/base/time.h"

namespace casebox::tools {
namespace {

constexpr Duration kTrustPause = seconds(1);

/// Says that the list is kept and the quarantine was not looked at whole.
std::filesystem::path mark_of(const StoreAccess& access) {
  return access.options().store / "trust.partly";
}

/// Nothing without keystore and --trust.
Result<std::optional<Bytes>> signed_list(StoreAccess& access) {
  Bytes list;
  if (!access.options().trust.file.empty()) {
    CASEBOX_TRY(list, read_file(access.options().trust.file, trust::kMaxListBytes));
  } else if (access.keystore() != nullptr) {
    CASEBOX_TRY(list, access.keystore()->signed_trust());
  } else {
    return std::optional<Bytes>();
  }
  return std::optional<Bytes>(std::move(list));
}

}  // namespace

std::filesystem::path trust_file(const StoreAccess& access) {
  const StoreOptions& options = access.options();
  return options.trust.file.empty() ? options.keys / "trust.list" : options.trust.file;
}

Result<bool> trust_changed(StoreAccess& access) {
  CASEBOX_TRY(const auto list, signed_list(access));
  std::error_code ec;
  if (list && std::filesystem::exists(mark_of(access), ec)) return true;
  const auto kept = read_file(access.options().store / "trust.list", trust::kMaxListBytes);
  return list && (!kept || *kept != *list);
}

Result<void> keep_trust_list(StoreAccess& access, const trust::TrustList& used, bool whole) {
  CASEBOX_TRY(const bool changed, trust_changed(access));
  if (!changed) return ok();
  CASEBOX_TRY(const LoadedTrust now, access.trust());
  if (now.list.message().serial() != used.message().serial()) return ok();
  if (!whole) CASEBOX_CHECK(write_file_atomic(mark_of(access), "", 0600));
  CASEBOX_CHECK(access.keep_trust_list());
  std::error_code ec;
  if (whole) std::filesystem::remove(mark_of(access), ec);
  if (ec) return Error{Code::kIo, mark_of(access).string() + ": " + ec.message() + "; remove it"};
  return ok();
}

TrustWatch::TrustWatch(const StoreAccess& access) : access_(&access), known_(look()) {}

TrustWatch::Mark TrustWatch::look() const {
  struct stat info {};
  if (::stat(trust_file(*access_).c_str(), &info) != 0) return {};
  return {static_cast<int64_t>(info.st_ino), static_cast<int64_t>(info.st_size),
          static_cast<int64_t>(info.st_mtim.tv_sec), static_cast<int64_t>(info.st_mtim.tv_nsec)};
}

Result<std::optional<LoadedTrust>> TrustWatch::changed() {
  const MonoTime now = SystemClock().mono();
  if (now < next_) return std::optional<LoadedTrust>();
  next_ = now + kTrustPause;
  const Mark mark = look();
  // A list that is gone for a moment is none: the one that was read stays in force.
  if (mark == known_ || mark == Mark{}) return std::optional<LoadedTrust>();
  CASEBOX_TRY(LoadedTrust loaded, access_->trust());
  known_ = mark;
  return std::optional<LoadedTrust>(std::move(loaded));
}

}  // namespace casebox::tools
