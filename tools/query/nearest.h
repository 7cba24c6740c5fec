#pragma once

// What somebody who misspelt a name may have meant.
//
// Thread safety: pure functions.

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace casebox::tools::query {

/// The known name nearest to `name` by inserted, deleted, changed and swapped characters, capitals
/// and '-', '_', '.', ' ' not told apart; empty if a third of it or more would have to change.
std::string nearest(std::string_view name, const std::vector<std::string>& known);

/// `; did you mean "X"?`, or `; known are A, B, C` (at most eight), or `; there are none here`.
std::string suggestion(std::string_view name, const std::set<std::string>& known);

}  // namespace casebox::tools::query
