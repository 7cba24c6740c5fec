#pragma once

// What happened at one moment of a case: device events, alarms, doors, marks and lists of the team,
// what was shown of the twin. Doors are events of the room.
//
// That there are none of a kind says nothing of a case in which no stream could have brought them:
// `Moments::watched` names the kinds that were recorded at all, analytics/facts/coverage when.
//
// Thread safety: free functions; the reader's thread. Units: ns of case time. Errors: the reader's.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "casebox/v1/event.pb.h"
#include "casebox/v1/finding.pb.h"
#include "storage/reader/case_reader.h"

namespace casebox::analytics::facts {

enum class MomentKind : uint8_t { kDevice, kAlarm, kMark, kChecklist, kRoom, kShown, kText };
const char* to_string(MomentKind kind);  // "device", "alarm", "mark", "checklist", "room", ...

struct Moment {
  MomentKind kind = MomentKind::kDevice;
  std::string code;        // "door", "time-out", "HR_HIGH"
  std::string label;       // of a mark: the phase, step or item that it is about
  std::string priority;    // of an alarm: "low", "medium", "high"; empty: not stated
  std::string value;       // text of a device, a recorded reason, the display of what was shown
  std::optional<bool> on;  // a switch; an alarm began; a list was complete
  std::optional<double> number;  // of a device, or at which value an alarm began
  std::optional<double> limit;   // of an alarm that began with a value
  std::string unit;              // UCUM, of `number` and `limit`
  std::string role;
  std::string stream;
  int64_t t_ns = 0;
  int64_t length_ns = 0;          // how long something was shown; 0: it has no length
  std::optional<int64_t> u95_ns;  // unset: no bound is known
  bool placed = true;             // false: its stream's clock was broken, no time may be given
  v1::SourceRange source;
};

struct Moments {
  std::vector<Moment> all;       // by time
  std::set<MomentKind> watched;  // kinds of which there was a stream, with or without items
  bool twin = false;             // there was a stream of a twin's messages
};

Result<Moments> read_moments(const storage::CaseReader& reader);

/// It begins something: an alarm or a switch that went on, or what has no end.
bool begins(const Moment& moment);
/// A door that opened.
bool door_opened(const Moment& moment);

}  // namespace casebox::analytics::facts
