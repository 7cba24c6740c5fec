#include "analytics/phases/internal/evidence.h"

#include <algorithm>
#include <cmath>

namespace casebox::analytics::phases::internal {
namespace {

// A sensor says something false about once in five minutes, for a few seconds.
constexpr double kFalseRate = 1.0 / 300;
constexpr double kFalseLength = 2.5;
// The instrument of a phase comes some seconds after its beginning; in one of five it does not come
// at all or was not seen.
constexpr double kOpeningDelay = 3.5;
constexpr double kOpeningMissed = 0.2;
constexpr double kOpeningSpread = 120;
// Cases outside the published range must stay possible.
constexpr double kOutlier = 0.1;
constexpr double kOutlierSpread = 3;

double log_normal(double x, double mu, double sigma) {
  const double z = (std::log(x) - mu) / sigma;
  return std::exp(-.5 * z * z) / (x * sigma * std::sqrt(2 * M_PI));
}

struct Rates {
  double on, off;  // per second
  // Hands do not work slower than life in a case that lasts longer.
  Rates(const Use& use, double pace) {
    const double length = use.share > 0 ? use.length_s * pace : kFalseLength;
    off = 1 / std::max(.5, length);
    on = std::max(kFalseRate, use.share < 1 ? off * use.share / (1 - use.share) : 1.0);
  }
};

}  // namespace

bool usable(const Signals& signals) {
  return std::any_of(signals.tracks.begin(), signals.tracks.end(),
                     [](const Track& t) { return t.present && !t.changes.empty(); });
}

Evidence::Evidence(const Signals& signals, const Model& model, double step_s, double weight,
                   double time_scale)
    : begin_s_(signals.from.seconds()),
      step_s_(step_s),
      scale_(time_scale),
      pace_(std::clamp(time_scale, .05, 1.0)) {
  const double length = signals.to.seconds() - begin_s_;
  steps_ = static_cast<size_t>(std::ceil(length / step_s - 1e-9));
  for (const State& state : model.states) {
    std::vector<double>& sums = sums_.emplace_back(steps_ + 1, 0.0);
    for (size_t i = 0; i < kSignals; ++i) {
      const Track& track = signals.tracks[i];
      // The pump says again what the irrigator says.
      const bool repeats = static_cast<Signal>(i) == Signal::kPump;
      // A signal that never changes may not be watched at all: it says nothing.
      if (track.present && !track.changes.empty())
        add_signal(track, state.use[i], repeats ? weight / 2 : weight, sums);
    }
    for (size_t k = 1; k <= steps_; ++k) sums[k] += sums[k - 1];
    add_openings(signals, state, openings_.emplace_back(steps_ + 1, 0.0));
    const auto& durations = durations_.emplace_back(steps_ + 1, 0.0);
    add_durations(state, durations_.back());
    auto& bounds = most_probable_.emplace_back(steps_ / kBlock + 1, durations.front());
    for (size_t k = 0; k <= steps_; ++k)
      bounds[k / kBlock] = std::max(bounds[k / kBlock], durations[k]);
  }
}

// sums[k] gets what happened in step k-1: waiting costs the rate times the time, a change earns the
// log of its rate. Spans in which nothing was recorded say nothing, nor does a change across one.
void Evidence::add_signal(const Track& track, const Use& use, double weight,
                          std::vector<double>& sums) const {
  const Rates rates(use, pace_);
  const auto place = [&](double t_s) {
    const double k = std::clamp((t_s - begin_s_) / step_s_, 0.0, static_cast<double>(steps_));
    return std::min(static_cast<size_t>(k), steps_ - 1);
  };
  const auto wait = [&](double from, double to, bool on) {
    const double cost = -weight * (on ? rates.off : rates.on);
    for (size_t k = place(from); k < steps_; ++k) {
      const double a = std::max(from, begin_s_ + static_cast<double>(k) * step_s_);
      const double b = std::min(to, begin_s_ + static_cast<double>(k + 1) * step_s_);
      if (b <= a) break;
      sums[k + 1] += cost * (b - a);
    }
  };
  size_t next_unseen = 0;
  const auto seen_wait = [&](double from, double to, bool on) {
    while (from < to) {
      while (next_unseen < track.unseen.size() && track.unseen[next_unseen].to.seconds() <= from)
        ++next_unseen;
      const bool none = next_unseen == track.unseen.size();
      const double blind_from = none ? to : track.unseen[next_unseen].from.seconds();
      const double blind_to = none ? to : track.unseen[next_unseen].to.seconds();
      if (blind_from > from) wait(from, std::min(to, blind_from), on);
      from = std::max(from, std::min(to, none ? to : std::max(blind_to, blind_from)));
      if (none || blind_from >= to) break;
    }
  };
  bool on = track.initial;
  double at = begin_s_;
  for (const Change& change : track.changes) {
    const double t = static_cast<double>(change.t_ns) * 1e-9;
    seen_wait(at, t, on);
    const bool blind =
        std::any_of(track.unseen.begin(), track.unseen.end(), [&](const storage::Span& span) {
          return span.to.ns >= change.t_ns - 1'500'000'000 && span.from.ns <= change.t_ns;
        });
    if (!blind) sums[place(t) + 1] += weight * std::log(change.on ? rates.on : rates.off);
    at = t;
    on = change.on;
  }
  seen_wait(at, begin_s_ + static_cast<double>(steps_) * step_s_, on);
}

void Evidence::add_openings(const Signals& signals, const State& state,
                            std::vector<double>& out) const {
  if (state.openings.empty()) return;
  std::vector<double> times;
  for (const Opening& opening : state.openings)
    for (const Change& change : signals.of(opening.signal).changes)
      if (change.on == opening.on) times.push_back(static_cast<double>(change.t_ns) * 1e-9);
  std::sort(times.begin(), times.end());
  const double delay = std::max(2.0, kOpeningDelay * pace_), spread = kOpeningSpread * pace_;
  size_t next = 0;
  for (size_t k = 0; k <= steps_; ++k) {
    const double t = begin_s_ + static_cast<double>(k) * step_s_;
    while (next < times.size() && times[next] < t) ++next;
    double density = kOpeningMissed / spread;
    if (next < times.size())
      density += (1 - kOpeningMissed) / delay * std::exp(-(times[next] - t) / delay);
    out[k] = std::log(density);
  }
}

void Evidence::add_durations(const State& state, std::vector<double>& out) const {
  out[0] = -1e300;
  for (size_t k = 1; k <= steps_; ++k) {
    const double s = static_cast<double>(k) * step_s_ / scale_;
    out[k] = std::log((1 - kOutlier) * log_normal(s, state.mu, state.sigma) +
                      kOutlier * log_normal(s, state.mu, kOutlierSpread * state.sigma) + 1e-30);
  }
}

}  // namespace casebox::analytics::phases::internal
