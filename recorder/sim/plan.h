#pragma once

// The plan of a simulated operation: everything that will happen, drawn from a seed before the
// first sample is made. It is the truth; streams show it only through devices that look at it with
// delay and noise.
//
// Sources of the figures: phase durations and orders, Cholec80; doors, alarms, noise, time-out and
// debrief rates, the published room studies that docs/simulator.md lists.
//
// Thread safety: a finished plan is immutable and may be shared.
// Errors: make_plan refuses unknown procedures and fault names (kInvalidArgument).
// Units: times are seconds of case time; zero is where the recorder began.

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "casebox/v1/event.pb.h"
#include "proto/base/result.h"

namespace casebox::recorder::sim {

/// In the order of the field's own numbering. kIdle is before the first and after the last phase.
enum class Phase {
  kPreparation,
  kCalot,
  kClipping,
  kDissection,
  kPackaging,
  kCleaning,
  kRetraction
};
constexpr int kPhases = 7;
/// Published label, e.g. "CalotTriangleDissection".
const char* to_string(Phase phase);

/// Log-normal duration of a phase, and the time limit a norm may set: the 97.5th percentile.
struct PhaseModel {
  double mu;
  double sigma;
  double limit_s;
};
const PhaseModel& model_of(Phase phase);

enum class Tool { kGrasper, kBipolar, kHook, kScissors, kClipper, kIrrigator, kSpecimenBag };
constexpr int kTools = 7;
const char* to_string(Tool tool);

struct Options {
  std::string procedure = "lap-cholecystectomy";
  uint64_t seed = 1;
  double duration_scale = 1;     // 0.01 to 4; phases only, event rates stay as they are
  bool clean = false;            // plants nothing and no clock is wrong
  std::set<std::string> faults;  // empty: chosen by the seed; else exactly these (fault_names())
  bool phase_marks = true;       // marks of phases, for people
  bool video = true;
};

/// Every name that Options::faults takes.
const std::vector<std::string>& fault_names();

struct PhaseSpan {
  Phase phase;
  double start_s;
  double end_s;
};

struct Span {
  double on_s;
  double off_s;
  int kind = 0;  // ESU: 0 cut, 1 coagulation
};

struct Departure {
  std::string kind;  // missing extra order time unobserved justified
  std::string step;
  double t_s;
  std::string reason;  // recorded reason, of a justified one
  bool certain;        // false: two explanations are equally good
};

struct DeviceClock {
  uint32_t id;
  std::string device;
  double offset_s = 0;  // device minus case time at zero
  double drift_ppm = 0;
  double reset_at_s = -1;  // negative: never
  double reset_by_s = 0;
  bool broken = false;  // jumps at random; no timing claim may rest on it

  /// What the device's clock shows at a case time, ns.
  int64_t read_ns(int64_t t_ns) const;
  /// The same, with the number of times it was set until then.
  std::vector<std::pair<double, double>> jumps;  // at, by; of a broken clock
};

struct Dropout {
  std::string stream;
  double start_s;
  double end_s;
  bool count_known;  // sent and lost on the way; else the device was off and sent nothing
};

/// How a stream's transport treats packets.
struct Transport {
  std::string stream;
  double loss = 0;
  double duplicate = 0;
  double reorder = 0;
};

struct TimedEvent {
  std::string stream;
  double t_s;
  v1::Event event;
};

struct Setting {
  double t_s;
  double value;
};

struct Plan {
  Options options;
  double duration_s = 0;
  std::vector<PhaseSpan> phases;
  std::array<std::vector<Span>, kTools> tools;
  std::vector<Span> esu;
  std::vector<Span> light;
  std::vector<Setting> pressure_target;  // mmHg
  std::vector<Span> episodes;            // kind 0 hypotension, 1 tachycardia, 2 desaturation
  std::vector<TimedEvent> events;        // by time
  std::vector<Departure> departures;
  std::vector<DeviceClock> clocks;
  std::vector<Dropout> dropouts;
  std::vector<Transport> transports;
  double doors_per_hour = 0;
  double late_share = 0;  // of forecasts

  bool has(const std::string& fault) const { return chosen.contains(fault); }
  std::set<std::string> chosen;  // faults in force
  /// The phase at a time; none before the first and after the last.
  std::optional<Phase> phase_at(double t_s) const;
};

Result<Plan> make_plan(const Options& options);

}  // namespace casebox::recorder::sim
