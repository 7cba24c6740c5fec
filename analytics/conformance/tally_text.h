#pragma once

// A norm's values and a case's tally as text, so that a finding can hold them and a cohort can be
// weighed again from findings alone (analytics/conformance/weights.h):
//
//   values   patient-safety=5 shared-plan=3      ids and declared weights, in the norm's order
//   tally    listed 4 1 2,0;1,1                  the most scored departures, the most of them that
//                                                touch no value, then a row for each explanation
//                                                that differs, a count for each value
//            bounds 9 0 1,0;5,4                  explanations are not all listed: least and most
//            unknown                             the case's departures are not known
//
// Canonical: a value has one text, and only that is read. Of ids everything but letters, digits,
// '-', '_' and '.' is written as % and two hex digits. Weights are the shortest decimals that read
// back to the same number.
//
// Thread safety: pure functions. Errors: kInvalidArgument for a text that is not of this form; it
// may come from a store that another program wrote.

#include <string>
#include <string_view>

#include "analytics/conformance/weights.h"
#include "proto/base/result.h"

namespace casebox::analytics::conformance {

std::string values_text(const Values& values);
Result<Values> parse_values(std::string_view text);

std::string tally_text(const Tally& tally);
/// `values`: how many counts a row has.
Result<Tally> parse_tally(std::string_view text, size_t values);

}  // namespace casebox::analytics::conformance
