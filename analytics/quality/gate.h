#pragma once

// The gate before all statistics: may the times of a case be used? A case that fails keeps its
// sequence; its timing is withheld, with the reasons.
//
// Withholds timing: a broken clock of a stream that the phases rest on; an interval whose ends have
// no bound; a phase without a duration; phases that overlap by more than their uncertainty; a
// needed stream with too much missing; the wall clock stepping against the recorder's. Only noted:
// repeats, unknown labels, missing phases, a clock set once, a broken clock
// of any other stream, short gaps.
//
// Thread safety: pure functions. Units: ns of case time, seconds where the name says so.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analytics/device_clocks.h"
#include "analytics/event_log.h"
#include "storage/reader/case_reader.h"

namespace casebox::analytics::quality {

/// What the finding of an issue that withholds timing says after its text.
inline constexpr std::string_view kWithheldTail = "; timing is withheld";

struct Issue {
  std::string code;  // "clock-broken", "unbounded", "zero-duration", "overlap", "gap", "wall-jump",
                     // "repeat", "unknown-label", "missing-phase", "clock-set", "empty"
  bool withholds = false;
  std::string what;  // stream, clock or phase it is about
  std::string text;  // one sentence
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;
  std::vector<storage::SourceRef> frames;  // it rests on
};

/// What is known of one stream.
struct StreamFact {
  std::string name;
  uint32_t clock_id = 0;
  bool needed = false;
  std::vector<storage::Span> gaps;
  std::vector<storage::SourceRef> gap_frames;
};

/// The recorder's monotonic clock and the wall clock at one moment.
struct WallReading {
  int64_t t_ns = 0;  // case time
  uint64_t mono_ns = 0;
  uint64_t utc_ns = 0;
  bool stepped = false;  // the recorder says so itself
  std::optional<storage::SourceRef> said_by;
};

struct Facts {
  int64_t t0_ns = 0, t1_ns = 0;  // recorded span
  std::vector<StreamFact> streams;
  std::vector<DeviceClock> clocks;
  std::vector<WallReading> wall;
};

struct Options {
  std::set<std::string> labels;       // known; empty: any
  std::vector<std::string> expected;  // phases that must be there
  double gap_share = 0.05;            // of the recorded time missing from a needed stream: too much
  double gap_s = 60;                  // or so long at once
  double wall_jump_s = 1;
  double overlap_s = 1;  // beyond the uncertainty of both ends
};

struct Verdict {
  std::vector<Issue> issues;  // withholding ones first, then by time
  bool timing_ok() const;
  /// Texts of what withholds timing.
  std::vector<std::string> reasons() const;
  /// Of these, what withholds even the moments at which intervals begin and end: not that one has
  /// no duration, overlaps another, or has no bound itself.
  std::vector<std::string> moment_reasons() const;
};

/// `trace` holds the phases to be timed.
Verdict check(const EventLog& log, const Trace& trace, const Facts& facts, const Options& options);

/// What a reader knows; `needed` names the streams that the phases rest on.
Result<Facts> read_facts(const storage::CaseReader& reader, const std::set<std::string>& needed);

}  // namespace casebox::analytics::quality
