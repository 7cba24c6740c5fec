#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "recorder/sim/signals.h"

namespace casebox::recorder::sim::internal {
namespace {

constexpr size_t kTable = 1024;
using Beat = std::array<double, kTable>;

double bump(double x, double at, double width, double height) {
  const double u = (x - at) / width;
  return height * std::exp(-u * u / 2);
}

// One heart beat of lead II: P, Q, R, S and T as bumps.
const Beat& ecg_beat() {
  static const Beat kBeat = [] {
    Beat beat{};
    for (size_t i = 0; i < kTable; ++i) {
      const double x = static_cast<double>(i) / kTable;
      beat[i] = bump(x, .18, .025, .12) + bump(x, .335, .009, -.1) + bump(x, .36, .010, 1.1) +
                bump(x, .385, .010, -.22) + bump(x, .62, .045, .28);
    }
    return beat;
  }();
  return kBeat;
}

const Beat& pleth_beat() {
  static const Beat kBeat = [] {
    Beat beat{};
    for (size_t i = 0; i < kTable; ++i) {
      const double x = static_cast<double>(i) / kTable;
      beat[i] = bump(x, .3, .09, .9) + bump(x, .58, .08, .35);
    }
    return beat;
  }();
  return kBeat;
}

/// Where in a beat the heart is; advances with the heart rate.
class BeatPhase {
 public:
  explicit BeatPhase(const Physiology& body) : body_(body) {}
  size_t step(double t_s) {
    const double rate = Physiology::at(body_.heart_rate.reading, kNumericInterval, t_s);
    phase_ += std::max(0.0, t_s - last_) * rate / 60;
    last_ = t_s;
    phase_ -= std::floor(phase_);
    return std::min(kTable - 1, static_cast<size_t>(phase_ * kTable));
  }

 private:
  const Physiology& body_;
  double phase_ = 0;
  double last_ = 0;
};

class Numerics final : public Signal {
 public:
  Numerics(const Plan& plan, const Physiology& body)
      : body_(body), random_(plan.options.seed, "numerics") {}
  void sample(double t, double* out) override {
    const auto grid = [&](const std::vector<double>& g) {
      return Physiology::at(g, kNumericInterval, t);
    };
    const double mean = grid(body_.mean_pressure.reading);
    const double pulse = std::max(18.0, 42 + random_.normal(0, 1.5));
    out[0] = grid(body_.heart_rate.reading);
    out[1] = grid(body_.spo2);
    out[2] = mean + pulse * 2 / 3;
    out[3] = mean - pulse / 3;
    out[4] = mean;
    out[5] = grid(body_.temp);
    out[6] = std::max(.2, 2.4 + random_.normal(0, .15));
  }

 private:
  const Physiology& body_;
  Random random_;
};

// Electrosurgery puts a strong broad-band artefact on the trace.
class Ecg final : public Signal {
 public:
  Ecg(const Plan& plan, const Physiology& body)
      : beat_(body), esu_(plan.esu), random_(plan.options.seed, "ecg") {}
  void sample(double t, double* out) override {
    const double u = random_.uniform(-1, 1);
    double v = ecg_beat()[beat_.step(t)] + .02 * u + .05 * std::sin(2 * std::numbers::pi * t * .23);
    if (esu_.at(t)) v += 1.8 * random_.uniform(-1, 1) + .6 * u;
    out[0] = v;
  }

 private:
  BeatPhase beat_;
  SpanCursor esu_;
  Random random_;
};

class Pleth final : public Signal {
 public:
  Pleth(const Plan& plan, const Physiology& body)
      : beat_(body), random_(plan.options.seed, "pleth") {}
  void sample(double t, double* out) override {
    out[0] = pleth_beat()[beat_.step(t - .2)] + .01 * random_.uniform(-1, 1);
  }

 private:
  BeatPhase beat_;
  Random random_;
};

// Volume-controlled ventilation, 14 breaths a minute. The abdomen pushes the diaphragm up, so the
// peak airway pressure follows the insufflation.
class Anaesthesia final : public Signal {
 public:
  Anaesthesia(const Plan& plan, const Physiology& body)
      : body_(body), random_(plan.options.seed, "anaesthesia"), agent_(random_.uniform(1.6, 2.4)) {}
  void sample(double t, double* out) override {
    constexpr double kBreath = 60.0 / 14;
    const auto breath = static_cast<int64_t>(t / kBreath);
    const double u = t / kBreath - static_cast<double>(breath);
    if (breath != breath_) {
      breath_ = breath;
      peak_ = body_.airway_base + body_.airway_gain * body_.pressure(t + kBreath / 3) +
              random_.normal(0, body_.airway_noise_sd);
    }
    constexpr double kPeep = 5, kTidal = 470;
    const double in = std::min(1.0, u * 3), ex = std::max(0.0, u * 3 - 1);
    const bool inspires = u < 1.0 / 3;
    const double fill = inspires ? in : std::exp(-ex * 3);
    const double rise = (1 - std::exp(-in * 4)) / (1 - std::exp(-4.0));
    out[0] =
        kPeep + (peak_ - kPeep) * (inspires ? rise : std::exp(-ex * 5)) + random_.normal(0, .08);
    out[1] = inspires ? kTidal / (kBreath / 3) * .06
                      : -kTidal * .06 * 3 * 3 / kBreath * std::exp(-ex * 3);
    out[2] = kTidal * fill;
    out[3] = inspires ? 0 : (34 + body_.pressure(t) * .35) / (1 + std::exp(-(ex - .25) * 18));
    out[4] = 48 + (inspires ? 1.5 : -1.5);
    out[5] = 0;
    out[6] = agent_ + random_.normal(0, .02);
  }

 private:
  const Physiology& body_;
  Random random_;
  double agent_;
  int64_t breath_ = -1;
  double peak_ = 15;
};

// The twin's estimate: its observations, smoothed.
class Twin final : public Signal {
 public:
  explicit Twin(const Physiology& body)
      : body_(body), rate_(body.heart_rate.mean), mean_(body.mean_pressure.mean), airway_(15) {}
  void sample(double t, double* out) override {
    const double k = 1 - std::exp(-.02 / 4);
    rate_ += k * (Physiology::at(body_.heart_rate.reading, kNumericInterval, t) - rate_);
    mean_ += k * (Physiology::at(body_.mean_pressure.reading, kNumericInterval, t) - mean_);
    airway_ += k * (body_.airway_base + body_.airway_gain * body_.pressure(t) - airway_);
    out[0] = rate_;
    out[1] = mean_;
    out[2] = airway_;
  }

 private:
  const Physiology& body_;
  double rate_, mean_, airway_;
};

}  // namespace

std::unique_ptr<Signal> make_patient_signal(const std::string& stream, const Plan& plan,
                                            const Physiology& body) {
  if (stream == "monitor.numerics") return std::make_unique<Numerics>(plan, body);
  if (stream == "monitor.ecg") return std::make_unique<Ecg>(plan, body);
  if (stream == "monitor.pleth") return std::make_unique<Pleth>(plan, body);
  if (stream == "anaesthesia.waves") return std::make_unique<Anaesthesia>(plan, body);
  if (stream == "twin.series") return std::make_unique<Twin>(body);
  return nullptr;
}

}  // namespace casebox::recorder::sim::internal
