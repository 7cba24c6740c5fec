#include "tools/store/who_reads.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>

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

}  // namespace

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
  std::error_code ec;
  const auto file = keys / "access.yaml";
  if (!std::filesystem::exists(file, ec)) {
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
