#pragma once

// Finds the most probable course of phases in the signals of a case: a hidden semi-Markov model.
// Each signal is a two-state jump process whose rates depend on the phase (so that a long use
// counts once, not once a second), phases last log-normally, and a phase is expected to open with
// its own instrument. The course is found by Viterbi over segments on a grid; each boundary's
// credible interval comes from the forward-backward sums over the positions of all boundaries, the
// order of phases being given. The model knows less than its own sums say: intervals are widened,
// and phases not found called sure, by what held in videos it had not seen (State::spread_s,
// unfound_limit; split conformal prediction: Vovk, Gammerman and Shafer 2005; Romano, Patterson and
// Candes 2019).
//
// Thread safety: free functions. Determinism: no random numbers, no hash order.
// Errors: kInvalidArgument for a case without a length, or without any usable signal.

#include <string>
#include <vector>

#include "analytics/phases/model.h"
#include "proto/base/result.h"

namespace casebox::analytics::phases {

struct DecodeOptions {
  double step_s = 1;  // of the grid; doubled until the case has at most `max_steps`
  size_t max_steps = 12000;
  double evidence = 0.9;  // exponent of the signals' likelihood: they are not independent
  double time_scale = 1;  // below 1: a simulation that ran faster than life
  double window_s = 240;  // a boundary's credible interval is sought this far around it
};

/// Where a boundary lies: best estimate and the span that holds it with 95 %.
struct Boundary {
  double t_s = 0;
  double low_s = 0;
  double high_s = 0;
  double u95_s() const { return std::max(t_s - low_s, high_s - t_s); }
};

struct FoundPhase {
  std::string label;
  Boundary start;
  Boundary end;
};

/// A phase that the most probable course does not have. Another course, hardly less probable, may
/// have it: a phase of a few seconds leaves few traces.
struct Unfound {
  std::string label;
  double probability = 0;  // that there was one all the same, over all courses: 0 to 1
  bool sure = false;       // that there was none: so improbable, where that has held
};

struct Decoded {
  std::vector<FoundPhase> phases;  // in time order, contiguous
  std::vector<Unfound> unfound;    // of the model's labels, those not among `phases`
  double log_likelihood = 0;
  double step_s = 0;
};

Result<Decoded> decode(const Signals& signals, const Model& model,
                       const DecodeOptions& options = {});

}  // namespace casebox::analytics::phases
