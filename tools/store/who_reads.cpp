#include "tools/store/who_reads.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "casebox/v1/config.pb.h"
#include "tools/config/yaml.h"

namespace casebox::tools {
namespace {

Result<void> take_roles(const v1::AccessConfig& config, const Claim& claim, access::Reader& who) {
  const auto mine = std::ranges::find(config.accounts(), who.account, &v1::AccountRoles::account);
  if (mine == config.accounts().end() || mine->roles().empty()) {
    who.role = access::Role::kAdmin;  // which may read nothing
    who.refusal = "this account has no role in access.yaml";
    return ok();
  }
  const auto& roles = mine->roles();
  if (claim.role.empty() && roles.size() > 1) {
    who.role = access::Role::kAdmin;
    who.refusal = "this account has several roles, and --role names none of them";
    return ok();
  }
  const std::string chosen = claim.role.empty() ? roles.Get(0) : claim.role;
  if (std::ranges::find(roles, chosen) == roles.end())
    return Error{Code::kInvalidArgument, "--role: this account has not the role '" + chosen +
                                             "'; access.yaml lists its own"};
  CASEBOX_TRY(who.role, access::role_from(chosen));
  if (claim.purpose.empty())
    who.refusal = "no purpose was stated (--purpose), which this site's access.yaml asks for";
  return ok();
}

/// Whether nothing stands there, not even a link that leads nowhere.
Result<bool> is_absent(const std::filesystem::path& file) {
  std::error_code ec;
  const auto itself = std::filesystem::symlink_status(file, ec);
  if (itself.type() == std::filesystem::file_type::not_found) return true;
  if (ec) return Error{Code::kDenied, file.string() + ": " + ec.message() + "; nobody reads then"};
  if (!std::filesystem::exists(file, ec))
    return Error{Code::kInvalidArgument,
                 file.string() +
                     ": is a link that leads nowhere, so nobody may read; mend it, or "
                     "remove it where this account is the owner"};
  return false;
}

/// Identity, time and size of a file and of the link that leads to it. Empty while it is so young
/// that it could be changed once more and look the same.
std::string looks(const std::filesystem::path& file) {
  constexpr time_t kYoung = 2;  // s
  std::string out;
  for (const bool follow : {false, true}) {
    struct stat info {};
    if ((follow ? ::stat(file.c_str(), &info) : ::lstat(file.c_str(), &info)) != 0) {
      out += "error " + std::to_string(errno) + ";";
      continue;
    }
    if (info.st_ctim.tv_sec + kYoung >= ::time(nullptr)) return "";
    for (const auto one :
         {static_cast<int64_t>(info.st_dev), static_cast<int64_t>(info.st_ino),
          static_cast<int64_t>(info.st_mode), static_cast<int64_t>(info.st_size),
          static_cast<int64_t>(info.st_mtim.tv_sec), static_cast<int64_t>(info.st_mtim.tv_nsec),
          static_cast<int64_t>(info.st_ctim.tv_sec), static_cast<int64_t>(info.st_ctim.tv_nsec)})
      out += std::to_string(one) + ",";
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<WhoReads>> WhoReads::open(std::filesystem::path keys, Claim claim) {
  std::shared_ptr<WhoReads> out(new WhoReads(std::move(keys), std::move(claim)));
  out->looked_ = looks(out->keys_ / "access.yaml");
  CASEBOX_TRY(out->who_, who_reads(out->keys_, out->claim_));
  return out;
}

access::Reader WhoReads::now() {
  std::lock_guard lock(mutex_);
  const std::string looked = looks(keys_ / "access.yaml");
  if (!looked.empty() && looked == looked_) return who_;
  looked_ = looked;
  if (auto read = who_reads(keys_, claim_)) {
    who_ = *std::move(read);
  } else {
    const access::Purpose purpose = who_.purpose;
    who_ = {};
    who_.account = account_name();
    who_.role = access::Role::kAdmin;  // which may read nothing
    who_.purpose = purpose;
    who_.basis = {};
    who_.refusal = "access.yaml does not say who may read (" + read.error().message + ")";
  }
  return who_;
}

std::string account_name() {
  const passwd* known = ::getpwuid(::geteuid());
  return known == nullptr ? std::to_string(::geteuid()) : known->pw_name;
}

Result<access::Reader> who_reads(const std::filesystem::path& keys, const Claim& claim) {
  access::Reader who;
  who.account = account_name();
  if (!claim.purpose.empty()) {
    const auto purpose = access::purpose_from(claim.purpose);
    if (!purpose) return annotate(purpose.error(), "--purpose");
    who.purpose = *purpose;
  }
  const auto file = keys / "access.yaml";
  CASEBOX_TRY(const bool absent, is_absent(file));
  if (absent) {
    if (!claim.role.empty() && claim.role != access::to_string(access::Role::kOwner))
      return Error{Code::kInvalidArgument,
                   "--role: there is no " + file.string() +
                       ", so this account is the owner and has no other role"};
    if (claim.machine) who.role = access::Role::kMachine;
    return who;
  }
  v1::AccessConfig config;
  CASEBOX_CHECK(read_yaml_file(file, config));
  const auto basis =
      access::scopes_from({config.legal_basis().begin(), config.legal_basis().end()});
  if (!basis) return annotate(basis.error(), file.string() + ": legal_basis");
  who.basis = {*basis, false};
  for (const v1::AccountRoles& one : config.accounts())
    for (const std::string& role : one.roles())
      if (const auto known = access::role_from(role); !known)
        return annotate(known.error(), file.string() + ": accounts");
  if (claim.machine) {
    who.role = access::Role::kMachine;
    return who;
  }
  CASEBOX_CHECK(take_roles(config, claim, who));
  return who;
}

}  // namespace casebox::tools
