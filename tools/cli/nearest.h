#pragma once

// What somebody who mistyped a word may have meant. Words are compared in small letters, '-', '_',
// '.' and ' ' left out, by how many letters have to be put in, left out, changed or exchanged with
// their neighbour (restricted Damerau-Levenshtein distance).
//
// Thread safety: pure functions. Errors: none.

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace casebox::tools {

/// The nearest of `known`, of several the one that is spelt most alike, then the first; empty if
/// none is within a third of the word's letters (at least 1), or begins as the word does.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// `; did you mean "X"?`, or `; known are A, B, C` (at most eight), or that there is none.
std::string suggestion(std::string_view name, const std::set<std::string>& known);

}  // namespace casebox::tools
