#pragma once

// Whether two records are of one operation, by their content: the same files, or the same phases in
// the same order whose beginnings and ends differ by no more than writing them in another format
// moves them. An operation that was recorded or imported twice is one operation.
//
// Thread safety: pure functions. Errors: none. A case of fewer than `kLeastMarks` phase entries has
// too little that could tell it apart, so only its files do.

#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "tools/report/comparison.h"

namespace casebox::tools::report {

constexpr size_t kLeastMarks = 4;
constexpr double kSameMoment_s = 1.0;

struct Content {
  std::string case_id;
  Bytes source_digest;           // of the files it was imported from; empty: it was not
  std::vector<PhaseSpan> spans;  // every entry of a phase, in order of time
};

bool same_operation(const Content& a, const Content& b);

/// A record, and the one of the same operation that is counted instead.
struct Copy {
  std::string case_id, of;
};
/// All but one record of each operation, by case id; the one with the first id is counted.
std::vector<Copy> copies_of(std::vector<Content> cases);

}  // namespace casebox::tools::report
