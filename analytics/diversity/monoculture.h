#pragma once

// Is there only one way left? The share of the most frequent pathway with its Clopper-Pearson
// interval (Biometrika 26 (1934) 404-413). An alert needs the whole interval above a stated
// threshold, in a sample that has seen most of practice. An alert asks a question; one agreed
// pathway may be what everybody wants.
//
// Thread safety: pure functions. Errors: none.

#include <string>

#include "analytics/diversity/hill.h"

namespace casebox::analytics::diversity {

struct MonocultureOptions {
  double threshold = 0.8;         // of the dominant share
  double minimum_coverage = 0.9;  // below it nothing is said
  double level = 0.95;
  uint64_t minimum_cases = 20;
};

enum class Alert { kAlert, kNoAlert, kCannotSay };
const char* to_string(Alert alert);

struct Monoculture {
  Alert alert = Alert::kCannotSay;
  std::string reason;  // one sentence
  double share = 0, low = 0, high = 1;
  double coverage = 0;
};
Monoculture check_monoculture(const Counts& counts, const MonocultureOptions& options = {});

}  // namespace casebox::analytics::diversity
