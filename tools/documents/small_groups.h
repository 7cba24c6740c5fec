#pragma once

// How few cases make a group whose numbers are content about few people (EU and CMS small-cell
// practice): what is shown to those who may not open cases has groups of at least this many, and
// what a command prints of groups says when one is smaller (docs/adr/068).

#include <cstddef>

namespace casebox::tools {

inline constexpr size_t kMinimumGroup = 11;

}  // namespace casebox::tools
