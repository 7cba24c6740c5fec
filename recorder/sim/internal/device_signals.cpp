#include <algorithm>
#include <cmath>

#include "recorder/sim/signals.h"

namespace casebox::recorder::sim::internal {
namespace {

class Esu final : public Signal {
 public:
  explicit Esu(const Plan& plan) : spans_(plan.esu), random_(plan.options.seed, "esu") {}
  void sample(double t, double* out) override {
    const Span* span = spans_.at(t);
    out[0] = span && span->kind == 0 ? 1 : 0;
    out[1] = span && span->kind == 1 ? 1 : 0;
    out[2] = span ? std::max(5.0, 35 + random_.normal(0, 3)) : 0;
  }

 private:
  SpanCursor spans_;
  Random random_;
};

class Insufflator final : public Signal {
 public:
  Insufflator(const Plan& plan, const Physiology& body)
      : plan_(plan), body_(body), random_(plan.options.seed, "insufflator") {}
  void sample(double t, double* out) override {
    const auto& settings = plan_.pressure_target;
    while (setting_ + 1 < settings.size() && settings[setting_ + 1].t_s <= t) ++setting_;
    const double target = settings[setting_].value;
    const double actual = body_.pressure(t);
    const double flow =
        target > 0 ? std::clamp((target - actual) * 3.0, 0.0, 20.0) + random_.uniform(0, .2) : 0;
    volume_ += flow / 60 / 25;
    out[0] = std::max(0.0, actual + random_.normal(0, .05));
    out[1] = target;
    out[2] = flow;
    out[3] = target > 0 ? 20 : 0;
    out[4] = 52 - volume_ * .02;
    out[5] = volume_;
  }

 private:
  const Plan& plan_;
  const Physiology& body_;
  Random random_;
  size_t setting_ = 0;
  double volume_ = 0;
};

// Irrigates in the first half of each use of the irrigator, sucks in the second.
class Pump final : public Signal {
 public:
  explicit Pump(const Plan& plan)
      : spans_(plan.tools[static_cast<size_t>(Tool::kIrrigator)]),
        random_(plan.options.seed, "pump") {}
  void sample(double t, double* out) override {
    const Span* span = spans_.at(t);
    const bool irrigates = span && t < (span->on_s + span->off_s) / 2;
    const bool sucks = span && !irrigates;
    const double in = irrigates ? std::max(0.0, random_.normal(900, 60)) : 0;
    const double back = sucks ? std::max(0.0, random_.normal(750, 90)) : 0;
    in_ += in / 60 / 25;
    out_ += back / 60 / 25;
    out[0] = in;
    out[1] = back;
    out[2] = in_;
    out[3] = out_;
    out[4] = irrigates ? std::max(0.0, random_.normal(180, 10)) : 0;
    out[5] = sucks ? std::max(0.0, random_.normal(300, 15)) : 0;
    out[6] = irrigates ? 1 : sucks ? 2 : 0;
  }

 private:
  SpanCursor spans_;
  Random random_;
  double in_ = 0, out_ = 0;
};

class Light final : public Signal {
 public:
  explicit Light(const Plan& plan) : spans_(plan.light) {}
  void sample(double t, double* out) override {
    const bool on = spans_.at(t) != nullptr;
    out[0] = on ? 80 : 0;
    out[1] = on ? 1 : 0;
  }

 private:
  SpanCursor spans_;
};

// Stands by in a cholecystectomy; its stream shows that it was there and off.
class Motor final : public Signal {
 public:
  void sample(double, double* out) override { out[0] = out[1] = out[2] = 0; }
};

// Level of noise: talk and devices around 57 dBA.
class Room final : public Signal {
 public:
  explicit Room(const Plan& plan)
      : random_(plan.options.seed, "room"), people_(6 + random_.below(3)) {}
  void sample(double, double* out) override {
    level_ += (57.3 - level_) * .1 + random_.normal(0, .6);
    if (random_.chance(1.0 / 240)) people_ = 5 + random_.below(5);
    out[0] = std::clamp(level_ + random_.normal(0, .8), 48.0, 80.0);
    out[1] = static_cast<double>(people_);
  }

 private:
  Random random_;
  uint64_t people_;
  double level_ = 57.3;
};

}  // namespace

std::unique_ptr<Signal> make_device_signal(const std::string& stream, const Plan& plan,
                                           const Physiology& body) {
  if (stream == "esu.state") return std::make_unique<Esu>(plan);
  if (stream == "insufflator.state") return std::make_unique<Insufflator>(plan, body);
  if (stream == "pump.state") return std::make_unique<Pump>(plan);
  if (stream == "light.state") return std::make_unique<Light>(plan);
  if (stream == "motor.state") return std::make_unique<Motor>();
  if (stream == "room.sensors") return std::make_unique<Room>(plan);
  return nullptr;
}

}  // namespace casebox::recorder::sim::internal
