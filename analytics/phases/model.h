#pragma once

// What is known of the phases of a laparoscopic cholecystectomy: how long they last, in what order
// they come, and what is in use in them. Figures: Cholec80 (Twinanda et al., IEEE TMI 2017),
// durations as log-normals over its 80 videos; order, share and length of use of each instrument
// counted over the annotations of its videos 1-40. Electrosurgery, insufflation and light are not
// annotated there: their figures are what the devices are for, stated as round numbers.
//
// Thread safety: immutable.

#include <array>
#include <string>
#include <vector>

#include "analytics/phases/signals.h"

namespace casebox::analytics::phases {

/// How a signal behaves in a state: share of the time it is on, and mean length of one use.
struct Use {
  double share = 0;
  double length_s = 0;
};

/// A change that opens a state: the instrument that is taken up for it.
struct Opening {
  Signal signal;
  bool on = true;
};

struct State {
  std::string label;  // empty: outside of the operation
  double mu = 0;      // log-normal of its duration in s
  double sigma = 0;
  std::array<Use, kSignals> use;
  std::vector<Opening> openings;
  /// How far beyond its interval the beginning of this phase lay in 95 of 100 published videos that
  /// the model had not seen: what people call the beginning is not all that instruments show.
  double spread_s = 0;
  /// The search is sure that there was no such phase only below this probability. At most .05, and
  /// at most half the least that it gave to one that was there in a video it had not seen.
  double unfound_limit = .05;
};

struct Model {
  std::string procedure;
  std::vector<State> states;
  std::vector<std::vector<double>> transition;  // probability from, to; states.size() = the end
  std::vector<double> begin;                    // probability of the first state
};

const Model& cholecystectomy();

}  // namespace casebox::analytics::phases
