#pragma once

// What a recorded case brings to a comparison beside its events, as text: an exported log holds it,
// so that comparing the log says what comparing the case said. One statement a line:
//
//   recorded 1
//   procedure lap-cholecystectomy
//   span 0 812000000000                 ns of case time
//   holds 1 0                           Observability::holds_beginning, holds_end
//   clocks 1                            Observability::clocks_trusted
//   scale 0.2                           Observability::limit_scale
//   observer team people gave           or devices; or nothing
//   lapse 0 12000000000 pause%3a%20rest of the observer above it
//   reason critical-view adhesions 300000000000
//   unfound ClippingCutting 0.03 sure   or unsure
//
// Canonical: a value has one text, and only that is read. Words as in tally_text.h; an empty word
// is "%". Whoever wrote the file is believed in what was watched, as in the events.
//
// Thread safety: pure functions. Errors: kInvalidArgument for a text that is not of this form.

#include <string>
#include <string_view>

#include "analytics/conformance/conform.h"
#include "proto/base/result.h"

namespace casebox::analytics::conformance {

struct Recorded {
  std::string procedure;
  Observability seen;  // its observers and its span are set
};

std::string recorded_text(const Recorded& recorded);
Result<Recorded> parse_recorded(std::string_view text);

}  // namespace casebox::analytics::conformance
