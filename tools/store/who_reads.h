#pragma once

// Who reads, by the operating system's account and the site's access.yaml:
//
//   <keys>/access.yaml    accounts: [{account: NAME, roles: [ROLE, ...]}], legal_basis: [SCOPE,
//   ...]
//
// Without anything of that name whoever can read the keystore is its owner, of a single-user
// machine. With it an account has the roles that it lists and no others, and each reading states
// its purpose.
//
// Thread safety: a free function; a WhoReads may be shared.
// Errors: kInvalidArgument for a file that is not right, a role that the account has not, and a
// purpose that there is not. An account or purpose that is missing is no error: nothing is opened
// then, and the gate says why.

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "proto/access/access.h"

namespace casebox::tools {

struct Claim {
  std::string role;      // of those that the account has; empty: the only one
  std::string purpose;   // HL7 ActReason code
  bool machine = false;  // the program itself: jobs of cases as they close
};

Result<access::Reader> who_reads(const std::filesystem::path& keys, const Claim& claim);

/// The same as long as a program runs: access.yaml is looked at for every decision and read anew
/// when it is another. Where it cannot be read, or gives the role no more, nobody reads anything.
class WhoReads {
 public:
  /// Errors as who_reads.
  static Result<std::shared_ptr<WhoReads>> open(std::filesystem::path keys, Claim claim);
  access::Reader now();

 private:
  WhoReads(std::filesystem::path keys, Claim claim)
      : keys_(std::move(keys)), claim_(std::move(claim)) {}

  const std::filesystem::path keys_;
  const Claim claim_;
  std::mutex mutex_;
  std::string looked_;  // what tells one access.yaml from another
  access::Reader who_;
};

/// The account that runs this program.
std::string account_name();

}  // namespace casebox::tools
