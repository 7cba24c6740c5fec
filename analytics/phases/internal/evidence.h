#pragma once

// Log-likelihood of the signals of a case on a grid, for every state of a model, as running sums:
// that of a segment is a difference.
//
// Thread safety: immutable after construction. Lifetime: `model` outlives it.

#include <algorithm>
#include <vector>

#include "analytics/phases/model.h"

namespace casebox::analytics::phases::internal {

class Evidence {
 public:
  Evidence(const Signals& signals, const Model& model, double step_s, double weight,
           double time_scale);

  /// Grid points: 0 is the beginning of the recording, steps() its end.
  size_t steps() const { return steps_; }
  double segment(size_t state, size_t from, size_t to) const {
    return sums_[state][to] - sums_[state][from];
  }
  /// How well a state opens at a grid point: whether its instrument is taken up soon after.
  double opening(size_t state, size_t at) const { return openings_[state][at]; }
  /// Duration of `length` steps in a state.
  double duration(size_t state, size_t length) const { return durations_[state][length]; }
  /// No duration of `shortest` to `longest` steps is more probable; at most kBlock lengths.
  double duration_bound(size_t state, size_t shortest, size_t longest) const {
    return std::max(most_probable_[state][shortest / kBlock],
                    most_probable_[state][longest / kBlock]);
  }
  static constexpr size_t kBlock = 64;

 private:
  void add_signal(const Track& track, const Use& use, double weight,
                  std::vector<double>& sums) const;
  void add_openings(const Signals& signals, const State& state, std::vector<double>& out) const;
  void add_durations(const State& state, std::vector<double>& out) const;

  double begin_s_, step_s_, scale_, pace_;
  size_t steps_;
  std::vector<std::vector<double>> sums_, openings_, durations_;
  std::vector<std::vector<double>> most_probable_;  // of every kBlock durations
};

/// Signals that have something to say: present, and seen at some time.
bool usable(const Signals& signals);

}  // namespace casebox::analytics::phases::internal
