#pragma once

// Samples of the simulated devices, tick by tick, as integer codes (value = code / 10^decimals).
//
// Thread safety: one thread owns Signals.
// Lifetime: `plan` and `body` outlive it. Ticks of a stream must be asked for in order.

#include <memory>
#include <string>
#include <vector>

#include "recorder/sim/physiology.h"
#include "recorder/sim/plan.h"
#include "recorder/sim/random.h"

namespace casebox::recorder::sim {

/// Whether a time lies in one of the spans; times asked for never go back.
class SpanCursor {
 public:
  explicit SpanCursor(const std::vector<Span>& spans) : spans_(&spans) {}
  /// The span at `t_s`, or nullptr.
  const Span* at(double t_s);

 private:
  const std::vector<Span>* spans_;
  size_t next_ = 0;
};

/// One device's samples.
class Signal {
 public:
  virtual ~Signal() = default;
  /// Values of every channel at a tick, in the channels' units.
  virtual void sample(double t_s, double* out) = 0;
};

/// The signal of a sampled stream; nullptr for other names.
std::unique_ptr<Signal> make_signal(const std::string& stream, const Plan& plan,
                                    const Physiology& body);

namespace internal {
std::unique_ptr<Signal> make_patient_signal(const std::string& stream, const Plan& plan,
                                            const Physiology& body);
std::unique_ptr<Signal> make_device_signal(const std::string& stream, const Plan& plan,
                                           const Physiology& body);
}  // namespace internal

}  // namespace casebox::recorder::sim
