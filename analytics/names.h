#pragma once

// How documents and people's text name things: codes of enumerations, times, ids.
//
// Thread safety: free functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "casebox/v1/event.pb.h"
#include "casebox/v1/finding.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/access/access.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace casebox::analytics {

/// Lower-case code of an enumeration's value without its prefix: "wave", "twin_event", "closed",
/// "disconnected" ...; its number if it has no name.
std::string name_of(v1::StreamKind kind);
std::string name_of(v1::CaseState state);
std::string name_of(v1::ProducerRole role);
std::string name_of(v1::Gap::Origin origin);
std::string name_of(v1::Certainty certainty);
std::string name_of(v1::Interval::Level level);
std::string name_of(v1::Interval::Origin origin);
std::string name_of(v1::ConsentScope scope);
std::string name_of(v1::Alarm::Priority priority);
std::string name_of(v1::Alarm::Kind kind);

/// A code as reports and pages write it: "twin-event", "patient-briefing".
std::string dashed(std::string code);

/// The scope with this code, e.g. "patient_briefing" or "patient-briefing".
Result<v1::ConsentScope> scope_from(const std::string& name);
/// What a consent grants and does not withdraw, ascending.
std::vector<v1::ConsentScope> scopes_in_force(const access::Consent& consent);

/// "2026-11-24T08:15:00.123456789Z"; empty for zero.
std::string rfc3339(UtcTime t);
/// The inverse, to the second: "2026-11-24", "2026-11-24T08:15Z", "2026-11-24T08:15:00Z".
Result<UtcTime> utc_from(const std::string& text);
/// The double nearest to so many nanoseconds, in seconds.
constexpr double seconds_of(int64_t ns) { return static_cast<double>(ns) / 1e9; }
/// "1:02:03.4" of a length or place in a case, for people.
std::string clock_text(double seconds);
/// Shortest decimal text that reads back to the same value.
std::string shortest(double value);
/// With `decimals` digits after the point.
std::string fixed(double value, int decimals);

/// Of a wall clock, in s; none where none is known: a clock nobody keeps is stored with a day.
std::optional<double> wall_bound_s(uint64_t u95_ns);

}  // namespace casebox::analytics
