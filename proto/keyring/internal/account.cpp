#include "proto/keyring/internal/account.h"

#include <pwd.h>
#include <unistd.h>

#include <vector>

namespace casebox::keyring::internal {

Account current_account() {
  Account out;
  out.uid = ::getuid();
  std::vector<char> text(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(out.uid, &entry, text.data(), text.size(), &found) == 0 && found != nullptr)
    out.name = found->pw_name;
  return out;
}

}  // namespace casebox::keyring::internal
