#pragma once

// The table of access as data: one row for each thing that somebody may do.
//
// Thread safety: constants.

#include <vector>

#include "proto/access/access.h"

namespace casebox::access {

struct Row {
  Role role;
  Set<Purpose> purposes;
  Scopes scopes;  // all of them in force; empty: it does not rest on consent
  StreamClasses classes;
  Set<Level> levels;
  Set<Hold> holds;  // under which it still holds
  Conditions conditions;
};

const std::vector<Row>& table();

/// Every state of consent that the matrix is made for, in its order: nothing stated; only one scope
/// granted, in the order of scopes; all granted; all but one granted and that one withdrawn, in the
/// same order; all withdrawn.
std::vector<Consent> matrix_consents();

/// The decision for every cell as a string of 0 and 1: role, purpose, consent, class, level, hold,
/// the last running fastest, each in the order of its enumerators. The owner has owner_basis(), all
/// others none; conditions are taken as shown.
std::string matrix();

}  // namespace casebox::access
