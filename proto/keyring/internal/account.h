#pragma once

// The operating system's account that runs this program, for the audit trail. Asked of the system
// and not of callers, so that none can leave it out.
//
// Thread safety: free function.

#include <cstdint>
#include <string>

namespace casebox::keyring::internal {

struct Account {
  uint32_t uid = 0;
  std::string name;  // empty if the system knows none
};

Account current_account();

}  // namespace casebox::keyring::internal
