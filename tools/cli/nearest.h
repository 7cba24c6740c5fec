#pragma once

// Which known word a mistyped one means. Words are compared in small letters by how many letters
// have to be put in, left out, changed or exchanged with their neighbour (restricted
// Damerau-Levenshtein distance).
//
// Thread safety: a pure function. Errors: none.

#include <string>
#include <vector>

namespace casebox::tools {

/// The nearest of `known`, the first of several; empty if none is within a third of the word's
/// letters (at least 1), or begins as the word does.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace casebox::tools
