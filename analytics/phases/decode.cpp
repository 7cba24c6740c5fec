#include "analytics/phases/decode.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analytics/phases/internal/evidence.h"

namespace casebox::analytics::phases {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

struct Segment {
  size_t state;
  size_t from;
  size_t to;
};

double log_of(double p) { return p > 0 ? std::log(p) : kNever; }

double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kNever ? a : a + std::log1p(std::exp(b - a));
}

// What lies so far below the greatest term adds less than a millionth to a sum of 10^4 terms.
constexpr double kNegligible = 23;

double log_sum(const std::vector<double>& terms) {
  double top = kNever, sum = 0;
  for (const double term : terms) top = std::max(top, term);
  if (top == kNever) return kNever;
  for (const double term : terms)
    if (term > top - kNegligible) sum += std::exp(term - top);
  return top + std::log(sum);
}

/// The places where segments of one state may begin, each with what leads there. A segment [i, j)
/// is worth value(i) + duration(j - i) + what j alone decides, and every j asks about every i
/// before it. Almost none of them matter: the values of a block of neighbouring places and the
/// durations from there have bounds, and a block whose bound lies below what is known to be reached
/// is not looked at (branch and bound). What is found, and the order in which it is summed, is that
/// of the whole search.
class Starts {
 public:
  Starts(const internal::Evidence& evidence, size_t state) : evidence_(evidence), state_(state) {}

  void add(size_t at, double value) {
    if (blocks_.empty() || at / kBlock != blocks_.back().number)
      blocks_.push_back({at / kBlock, places_.size(), value});
    blocks_.back().top = std::max(blocks_.back().top, value);
    places_.push_back({at, value});
  }

  struct Best {
    size_t from = 0;
    double value = kNever;
  };
  /// The first of the best places at which a segment that ends at j may begin.
  Best best(size_t j) {
    if (places_.empty()) return {};
    // The best one of the end before is nearly as good now: what it reaches need not be looked for.
    const Place& guess = places_[guess_];
    const double reached = guess.value + evidence_.duration(state_, j - guess.at);
    Best out;
    each_block(j, reached, [&](const Place& place, size_t index) {
      const double total = place.value + evidence_.duration(state_, j - place.at);
      if (total <= out.value) return;
      out = {place.at, total};
      guess_ = index;
    });
    return out;
  }

  /// Log of the sum over all of them that are not negligible beside the best.
  double sum(size_t j) {
    const double top = best(j).value;
    if (top == kNever) return kNever;
    double sum = 0;
    each_block(j, top - kNegligible, [&](const Place& place, size_t) {
      const double term = place.value + evidence_.duration(state_, j - place.at);
      if (term > top - kNegligible) sum += std::exp(term - top);
    });
    return top + std::log(sum);
  }

 private:
  static constexpr size_t kBlock = internal::Evidence::kBlock;
  struct Place {
    size_t at;
    double value;
  };
  struct Block {
    size_t number, first;  // of kBlock steps; in places_
    double top;            // of its values
  };

  /// Visits, in order, the places of every block that may hold a total of `least` or more.
  template <typename Visit>
  void each_block(size_t j, double least, Visit&& visit) const {
    for (size_t b = 0; b < blocks_.size(); ++b) {
      const size_t first = blocks_[b].first;
      const size_t end = b + 1 < blocks_.size() ? blocks_[b + 1].first : places_.size();
      const size_t longest = j - places_[first].at, shortest = j - places_[end - 1].at;
      if (blocks_[b].top + evidence_.duration_bound(state_, shortest, longest) < least) continue;
      for (size_t i = first; i < end; ++i) visit(places_[i], i);
    }
  }

  const internal::Evidence& evidence_;
  size_t state_;
  std::vector<Place> places_;
  std::vector<Block> blocks_;
  size_t guess_ = 0;  // index of the best place of the end before
};

/// The most probable course, by Viterbi over segments instead of steps (explicit durations:
/// Ferguson 1980; Yu, Artificial Intelligence 174, 2010). What a course is worth is a sum over its
/// segments: how well the state opens there, how probable its length is, what the signals say
/// inside, and the change of state at its end. So the best course up to j that ends in s needs to
/// know of what lies before only where the segment began and how good the best way in was. The
/// signals' part is a difference of running sums, value(j) - value(i): the half that belongs to i
/// is put into the place i when it is entered, and only the length couples the two.
///
/// best[j][s] is the best course of [0, j) whose last segment is of state s.
std::vector<Segment> best_course(const internal::Evidence& evidence, const Model& model,
                                 double& score) {
  const size_t steps = evidence.steps(), states = model.states.size();
  struct Came {
    size_t from = 0;
    size_t state = SIZE_MAX;  // of the segment before; SIZE_MAX: this is the first
  };
  // entered[i][s]: best score with which a segment of state s may begin at i.
  std::vector<std::vector<double>> entered(steps + 1, std::vector<double>(states, kNever));
  std::vector<std::vector<size_t>> via(steps + 1, std::vector<size_t>(states, SIZE_MAX));
  std::vector<std::vector<double>> best(steps + 1, std::vector<double>(states, kNever));
  std::vector<std::vector<Came>> came(steps + 1, std::vector<Came>(states));
  for (size_t s = 0; s < states; ++s) entered[0][s] = log_of(model.begin[s]);
  std::vector<std::vector<double>> change(states, std::vector<double>(states + 1));
  for (size_t a = 0; a < states; ++a)
    for (size_t b = 0; b <= states; ++b) change[a][b] = log_of(model.transition[a][b]);
  // Only starts that can be entered are looked at.
  std::vector<Starts> starts;
  for (size_t s = 0; s < states; ++s) {
    starts.emplace_back(evidence, s);
    if (entered[0][s] > kNever) starts[s].add(0, entered[0][s] + evidence.opening(s, 0));
  }
  for (size_t j = 1; j <= steps; ++j) {
    for (size_t s = 0; s < states; ++s) {
      const Starts::Best found = starts[s].best(j);
      if (found.value == kNever) continue;
      best[j][s] = found.value + evidence.segment(s, 0, j);
      came[j][s] = {found.from, via[found.from][s]};
    }
    for (size_t s = 0; s < states; ++s) {
      for (size_t before = 0; before < states; ++before) {
        const double total = best[j][before] + change[before][s];
        if (total > entered[j][s]) {
          entered[j][s] = total;
          via[j][s] = before;
        }
      }
      if (entered[j][s] > kNever)
        starts[s].add(j, entered[j][s] + evidence.opening(s, j) - evidence.segment(s, 0, j));
    }
  }
  std::vector<Segment> course;
  size_t last = SIZE_MAX;
  score = kNever;
  for (size_t s = 0; s < states; ++s) {
    const double total = best[steps][s] + change[s][states];
    if (total > score) {
      score = total;
      last = s;
    }
  }
  for (size_t at = steps; last != SIZE_MAX;) {
    const Came& c = came[at][last];
    course.push_back({last, c.from, at});
    const size_t before = c.state;
    at = c.from;
    last = before;
  }
  std::reverse(course.begin(), course.end());
  return course;
}

/// Log of the summed probability of all courses, or of those without a phase of `left_out`.
double all_courses(const internal::Evidence& evidence, const Model& model,
                   const std::string& left_out) {
  const size_t steps = evidence.steps(), states = model.states.size();
  std::vector<Starts> starts;
  for (size_t s = 0; s < states; ++s) starts.emplace_back(evidence, s);
  std::vector<double> ended(states, kNever);
  const auto allowed = [&](size_t s) {
    return left_out.empty() || model.states[s].label != left_out;
  };
  const auto begin_at = [&](size_t s, size_t at, double value) {
    if (allowed(s) && value > kNever)
      starts[s].add(at, value + evidence.opening(s, at) - evidence.segment(s, 0, at));
  };
  for (size_t s = 0; s < states; ++s) begin_at(s, 0, log_of(model.begin[s]));
  for (size_t j = 1; j <= steps; ++j) {
    for (size_t s = 0; s < states; ++s) ended[s] = starts[s].sum(j) + evidence.segment(s, 0, j);
    for (size_t s = 0; s < states; ++s) {
      double value = kNever;
      for (size_t before = 0; before < states; ++before)
        value = log_add(value, ended[before] + log_of(model.transition[before][s]));
      begin_at(s, j, value);
    }
  }
  double out = kNever;
  for (size_t s = 0; s < states; ++s)
    out = log_add(out, ended[s] + log_of(model.transition[s][states]));
  return out;
}

/// 95 % intervals of the inner boundaries of a course, its order of states being given. The sums of
/// forward and backward passes (Rabiner, Proc. IEEE 77, 1989, in its form for segments): the weight
/// of boundary b at a place is the sum over all placings of the boundaries before it, times that
/// over all after it, because given where b lies the two sides do not know of each other. The
/// interval leaves 2.5 % of the weight on either side; its two sides differ where the signals do.
class Posterior {
 public:
  Posterior(const internal::Evidence& evidence, const std::vector<Segment>& course, size_t window)
      : evidence_(evidence), course_(course) {
    for (size_t b = 1; b < course.size(); ++b) {
      const size_t at = course[b].from;
      const size_t low = std::max<size_t>(at > window ? at - window : 1, b);
      const size_t high = std::min(at + window, evidence.steps() - 1);
      windows_.push_back({low, std::max(low, high)});
    }
  }

  /// Grid positions [low, high] of inner boundary `b` (0 = between the first two segments).
  std::vector<std::pair<size_t, size_t>> intervals() {
    const size_t n = windows_.size();
    std::vector<std::vector<double>> forward(n), backward(n);
    for (size_t b = 0; b < n; ++b) forward[b] = pass(b, b == 0 ? nullptr : &forward[b - 1], true);
    for (size_t b = n; b-- > 0;)
      backward[b] = pass(b, b + 1 == n ? nullptr : &backward[b + 1], false);
    std::vector<std::pair<size_t, size_t>> out;
    for (size_t b = 0; b < n; ++b) {
      std::vector<double> mass(forward[b].size());
      double top = kNever, sum = 0;
      for (size_t i = 0; i < mass.size(); ++i)
        top = std::max(top, mass[i] = forward[b][i] + backward[b][i]);
      for (double& m : mass) sum += m = std::exp(m - top);
      double below = 0;
      size_t low = 0, high = mass.size() - 1;
      bool found = false;
      for (size_t i = 0; i < mass.size(); ++i) {
        below += mass[i] / sum;
        if (!found && below >= .025) {
          low = i;
          found = true;
        }
        if (below >= .975) {
          high = i;
          break;
        }
      }
      out.emplace_back(windows_[b].first + low, windows_[b].first + high);
    }
    return out;
  }

 private:
  /// Forward: everything up to boundary b at each position, its opening included. Backward: what
  /// follows.
  std::vector<double> pass(size_t b, const std::vector<double>* neighbour, bool forward) const {
    const auto [low, high] = windows_[b];
    const size_t state = course_[forward ? b : b + 1].state;
    std::vector<double> out(high - low + 1, kNever), terms;
    for (size_t at = low; at <= high; ++at) {
      terms.clear();
      const auto add = [&](size_t other, double value) {
        const size_t from = std::min(at, other), to = std::max(at, other);
        if ((forward ? other < at : other > at))
          terms.push_back(value + evidence_.segment(state, from, to) +
                          evidence_.duration(state, to - from));
      };
      if (neighbour == nullptr) {
        add(forward ? 0 : evidence_.steps(), 0);
      } else {
        const size_t base = windows_[forward ? b - 1 : b + 1].first;
        for (size_t i = 0; i < neighbour->size(); ++i) add(base + i, (*neighbour)[i]);
      }
      double sum = log_sum(terms);
      if (forward) sum += evidence_.opening(course_[b + 1].state, at);
      out[at - low] = sum;
    }
    return out;
  }

  const internal::Evidence& evidence_;
  const std::vector<Segment>& course_;
  std::vector<std::pair<size_t, size_t>> windows_;
};

std::vector<Unfound> unfound(const internal::Evidence& evidence, const Model& model,
                             const std::vector<FoundPhase>& found) {
  std::vector<Unfound> out;
  double all = kNever;
  for (const State& state : model.states) {
    const auto here = [&](const auto& other) { return other.label == state.label; };
    if (state.label.empty() || std::ranges::any_of(found, here) || std::ranges::any_of(out, here))
      continue;
    if (out.empty()) all = all_courses(evidence, model, "");
    const double without = all_courses(evidence, model, state.label);
    const double probability = std::clamp(-std::expm1(without - all), 0.0, 1.0);
    out.push_back({state.label, probability, probability <= state.unfound_limit});
  }
  return out;
}

}  // namespace

Result<Decoded> decode(const Signals& signals, const Model& model, const DecodeOptions& options) {
  const double length = signals.to.seconds() - signals.from.seconds();
  if (!(options.step_s > 0) || !(options.time_scale > 0))
    return Error{Code::kInvalidArgument, "phases: step and time scale must be above zero"};
  if (!(length >= 10))
    return Error{Code::kInvalidArgument, "phases: a case of " + std::to_string(length) +
                                             " s is too short; at least 10 s are needed"};
  if (!internal::usable(signals))
    return Error{Code::kInvalidArgument,
                 "phases: no instrument or device signal with a usable clock changes in this case"};
  Decoded out;
  out.step_s = options.step_s;
  while (length / out.step_s > static_cast<double>(options.max_steps)) out.step_s *= 2;
  const internal::Evidence evidence(signals, model, out.step_s, options.evidence,
                                    options.time_scale);
  const std::vector<Segment> course = best_course(evidence, model, out.log_likelihood);
  if (course.empty())
    return Error{Code::kInvalidArgument, "phases: no course of phases fits this case"};
  const auto window = static_cast<size_t>(std::ceil(options.window_s / out.step_s));
  const auto inner = Posterior(evidence, course, window).intervals();
  const auto seconds_of = [&](double k) {
    return std::min(signals.from.seconds() + k * out.step_s, signals.to.seconds());
  };
  const auto boundary = [&](size_t b) {  // before segment b
    const double at = static_cast<double>(b < course.size() ? course[b].from : course[b - 1].to);
    if (b == 0 || b == course.size())
      return Boundary{seconds_of(at), seconds_of(at), seconds_of(at)};
    const double spread =
        model.states[course[b].state].spread_s * std::clamp(options.time_scale, .05, 1.0);
    const double low = seconds_of(static_cast<double>(inner[b - 1].first) - .5) - spread;
    const double high = seconds_of(static_cast<double>(inner[b - 1].second) + .5) + spread;
    return Boundary{seconds_of(at), std::max(signals.from.seconds(), std::min(seconds_of(at), low)),
                    std::min(signals.to.seconds(), std::max(seconds_of(at), high))};
  };
  for (size_t b = 0; b < course.size(); ++b) {
    const State& state = model.states[course[b].state];
    if (!state.label.empty()) out.phases.push_back({state.label, boundary(b), boundary(b + 1)});
  }
  out.unfound = unfound(evidence, model, out.phases);
  return out;
}

}  // namespace casebox::analytics::phases
