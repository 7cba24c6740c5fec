#include "recorder/sim/signals.h"

namespace casebox::recorder::sim {

const Span* SpanCursor::at(double t_s) {
  while (next_ < spans_->size() && (*spans_)[next_].off_s <= t_s) ++next_;
  if (next_ == spans_->size() || (*spans_)[next_].on_s > t_s) return nullptr;
  return &(*spans_)[next_];
}

std::unique_ptr<Signal> make_signal(const std::string& stream, const Plan& plan,
                                    const Physiology& body) {
  if (auto signal = internal::make_patient_signal(stream, plan, body)) return signal;
  return internal::make_device_signal(stream, plan, body);
}

}  // namespace casebox::recorder::sim
