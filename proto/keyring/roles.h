#pragma once

// The names under which a keystore keeps one signing key for each role.
//
// Thread safety: free functions.

#include <string>

#include "casebox/v1/case.pb.h"

namespace casebox::keyring {

/// "recorder", "import", "analysis" or "custody"; empty for any other number.
std::string name_of(v1::ProducerRole role);
/// The role of that name; unspecified if it is none of the four.
v1::ProducerRole role_named(const std::string& name);

}  // namespace casebox::keyring
