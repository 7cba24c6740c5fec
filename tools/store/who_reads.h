#pragma once

// Who reads, by the operating system's account and the site's access.yaml:
//
//   <keys>/access.yaml    accounts: [{account: NAME, roles: [ROLE, ...]}], legal_basis: [SCOPE,
//   ...]
//
// Without that file whoever can read the keystore is its owner, of a single-user machine. With it
// an account has the roles that it lists and no others, and each reading states its purpose.
//
// Thread safety: free function.
// Errors: kInvalidArgument for a file that is not right, a role that the account has not, and a
// purpose that there is not. An account or purpose that is missing is no error: nothing is opened
// then, and the gate says why.

#include <filesystem>
#include <string>

#include "proto/access/access.h"

namespace casebox::tools {

struct Claim {
  std::string role;      // of those that the account has; empty: the only one
  std::string purpose;   // HL7 ActReason code
  bool machine = false;  // the program itself: jobs of cases as they close
};

Result<access::Reader> who_reads(const std::filesystem::path& keys, const Claim& claim);

/// The account that runs this program.
std::string account_name();

}  // namespace casebox::tools
