#pragma once

// The pathways of a log: cases with the same sequence of activities are one variant (van der
// Aalst, Process Mining, 2nd ed., 5.2). Sequences are found by hash and then compared in full.
//
// Thread safety: pure functions. Order of results: by count, most first, then by sequence, names
// compared in byte order.

#include <span>
#include <vector>

#include "analytics/discovery/sequences.h"

namespace casebox::analytics::discovery {

struct Variant {
  size_t count = 0;    // cases
  size_t example = 0;  // first case that follows it: its sequence is that of the variant
};

struct Variants {
  std::vector<Variant> variants;
  std::vector<uint32_t> of_case;  // variant of each case, by index
  std::vector<uint32_t> cases;    // all cases, those of the first variant first, else in log order

  /// Cases of variant v, as indices of traces.
  std::span<const uint32_t> cases_of(size_t v) const;

  std::vector<size_t> begins;  // of each variant in `cases`, and the end of the last
};

Variants variants_of(const Sequences& sequences, const std::vector<std::string>& activities);

}  // namespace casebox::analytics::discovery
