#pragma once

// What the devices of a laparoscopic room say, as signals that are on or off: instruments in the
// body, electrosurgery, irrigation, insufflation, light. The only input of the search for phases;
// marks of the team, annotations and videos are not among them.
//
// Thread safety: plain values; a builder belongs to one thread.
// Units: case time in ns.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/reader/case_reader.h"

namespace casebox::analytics::phases {

enum class Signal : uint8_t {
  kGrasper,
  kBipolar,
  kHook,
  kScissors,
  kClipper,
  kIrrigator,
  kSpecimenBag,
  kEnergy,        // electrosurgery is active
  kPump,          // irrigation or suction runs
  kInsufflation,  // the target pressure is above zero
  kLight,         // the light source is on
};
constexpr size_t kSignals = 11;
const char* to_string(Signal signal);

/// A moment at which a signal goes on or off, and the frame that says so.
struct Change {
  int64_t t_ns = 0;
  bool on = false;
  uint32_t u95_us = 0;
  storage::SourceRef source;
};

/// One signal over a case.
struct Track {
  bool present = false;               // its stream is there and has a usable clock
  bool initial = false;               // before the first change
  std::vector<Change> changes;        // by time, alternating
  std::vector<storage::Span> unseen;  // nothing of it was recorded
};

struct Signals {
  std::array<Track, kSignals> tracks;
  CaseTime from, to;  // what was recorded
  std::vector<std::string> notices;
  /// Streams of instruments in use whose clock is broken: without them a course is a guess.
  std::vector<std::string> unusable;

  const Track& of(Signal signal) const { return tracks[static_cast<size_t>(signal)]; }
};

/// Collects levels in any order and makes tracks of them.
class SignalsBuilder {
 public:
  /// The signal had this level at this time; repeats are dropped.
  void level(Signal signal, const Change& change);
  /// Nothing of the signal is known in this span.
  void unseen(Signal signal, storage::Span span);
  /// The signal's stream exists, though it may never have changed.
  void present(Signal signal);
  void notice(std::string text) { out_.notices.push_back(std::move(text)); }
  void unusable(const std::string& stream) { out_.unusable.push_back(stream); }
  /// Ends of the recording.
  void span(CaseTime from, CaseTime to);
  Signals finish();

 private:
  Signals out_;
  bool spanned_ = false;
};

/// Frames of the changes at most `reach_s` from a time: what a boundary there rests on.
std::vector<storage::SourceRef> frames_near(const Signals& signals, double t_s,
                                            double reach_s = 15);

/// The signals of a recorded case. Streams are known by their device type (docs/analysis.md); a
/// stream whose clock was found broken anywhere in the case is left out with a notice.
Result<Signals> read_signals(const storage::CaseReader& reader);

}  // namespace casebox::analytics::phases
