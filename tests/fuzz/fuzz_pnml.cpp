// A PNML model from outside becomes a norm or an error; a norm can be aligned with a case within a
// budget.

#include <cstdint>
#include <string_view>

#include "analytics/conformance/conform.h"
#include "analytics/readers/model_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox::analytics;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto norm = readers::read_pnml(text, "fuzz");
  if (!norm || norm->net.transitions.size() > 200) return 0;
  conformance::Options options;
  options.budget = options.max_markings = 2000;
  EventLog log;
  Trace trace;
  trace.events.resize(2);
  trace.events[0].activity = trace.events[1].activity = log.intern("a");
  (void)conformance::conform(*norm, log, trace, {}, options);
  return 0;
}
