#include "tools/bench/perturbed.h"

#include <algorithm>
#include <random>
#include <set>

namespace casebox::tools::bench {
namespace {

using analytics::protocol::Marking;
using analytics::protocol::Norm;
using analytics::protocol::Transition;

constexpr int kMostSteps = 23;

std::string step_name(int i) { return "s" + std::to_string(i); }

/// Steps of a run that is drawn.
std::vector<int> played(const Norm& norm, std::mt19937_64& random) {
  std::vector<int> out;
  Marking marking = norm.net.initial, next;
  while (std::ranges::find(norm.net.finals, marking) == norm.net.finals.end()) {
    std::vector<const Transition*> enabled;
    for (const Transition& t : norm.net.transitions)
      if (norm.net.enabled(marking, t)) enabled.push_back(&t);
    const Transition& t = *enabled[random() % enabled.size()];
    if (t.step >= 0) out.push_back(t.step);
    norm.net.fire(marking, t, next);
    marking = next;
  }
  return out;
}

void disturb(std::vector<int>& steps, std::mt19937_64& random) {
  const auto place = [&](size_t n) { return static_cast<ptrdiff_t>(random() % n); };
  switch (random() % 3) {
    case 0: steps.erase(steps.begin() + place(steps.size())); break;
    case 1:  // one more than there are is a step the norm does not know
      steps.insert(steps.begin() + place(steps.size() + 1),
                   static_cast<int>(random() % (kMostSteps + 1)));
      break;
    default: {
      const size_t a = random() % steps.size(), b = random() % steps.size();
      std::swap(steps[a], steps[b]);
    }
  }
}

}  // namespace

Norm measured_norm() {
  v1::Protocol p;
  p.set_id("measured");
  p.set_version("1.0.0");
  v1::ProtocolValue& first = *p.add_values();
  first.set_id("first");
  first.set_weight(3);
  v1::ProtocolValue& second = *p.add_values();
  second.set_id("second");
  second.set_weight(1);
  for (int i = 0; i < kMostSteps; ++i) {
    v1::ProtocolStep& step = *p.add_steps();
    step.set_id(step_name(i));
    step.set_value(i % 3 == 0 ? "first" : "second");
  }
  v1::ProtocolFlow& flow = *p.mutable_flow();
  int next = 0;
  const auto in_order = [&](v1::ProtocolFlow& where, int n) {
    for (; n > 0; --n) where.add_sequence()->set_step(step_name(next++));
  };
  in_order(flow, 6);
  v1::ProtocolFlow& any = *flow.add_sequence();
  in_order(*any.add_any_order(), 2);
  in_order(*any.add_any_order(), 2);
  in_order(flow, 1);
  v1::ProtocolFlow& choice = *flow.add_sequence();
  choice.add_choice()->set_step(step_name(next++));
  choice.add_choice()->set_step(step_name(next++));
  flow.add_sequence()->mutable_optional()->set_step(step_name(next++));
  v1::ProtocolLoop& loop = *flow.add_sequence()->mutable_loop();
  loop.mutable_body()->set_step(step_name(next++));
  loop.mutable_redo()->set_step(step_name(next++));
  in_order(flow, kMostSteps - next);
  return *analytics::protocol::compile(p);
}

analytics::EventLog perturbed_cases(const Norm& norm, size_t cases, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::set<std::vector<int>> seen;
  analytics::EventLog log;
  while (log.traces.size() < cases) {
    std::vector<int> steps = played(norm, random);
    for (auto n = 1 + random() % 4; n > 0; --n) disturb(steps, random);
    if (!seen.insert(steps).second) continue;
    analytics::Trace trace;
    trace.case_key = "case-" + std::to_string(log.traces.size());
    for (const int step : steps) {
      analytics::LogEvent e;
      e.activity = log.intern(step_name(step));
      e.source_order = static_cast<uint32_t>(trace.events.size());
      e.t0_ns = e.t1_ns = int64_t{60'000'000'000} * e.source_order;
      trace.events.push_back(e);
    }
    log.traces.push_back(std::move(trace));
  }
  return log;
}

}  // namespace casebox::tools::bench
