#include "analytics/conformance/internal/case_view.h"

#include <algorithm>

namespace casebox::analytics::conformance::internal {

NormIndex::NormIndex(const protocol::Norm& the_norm) : norm(the_norm) {
  for (const auto& [activity, step] : norm.step_of)
    step_of.emplace(activity, static_cast<int32_t>(step));
  for (const std::string& activity : norm.ignored) step_of.emplace(activity, kIgnored);
  in_flow.resize(static_cast<size_t>(norm.source.steps_size()));
  for (const protocol::Transition& t : norm.net.transitions)
    if (t.step != protocol::kSilent) in_flow[static_cast<size_t>(t.step)] = true;
}

CaseView::CaseView(const NormIndex& index, const EventLog& the_log, const Trace& the_trace,
                   const Observability& observability, OrderBasis order_basis)
    : log(the_log), trace(the_trace), basis(order_basis) {
  for (uint32_t i : ordered(trace, basis)) {
    const auto found = index.step_of.find(activity(i));
    const int32_t step = found == index.step_of.end() ? kAlien : found->second;
    if (step == kIgnored) {
      ++ignored;
      continue;
    }
    if (step >= 0) occurrences.push_back({i, static_cast<uint32_t>(step)});
    if (step >= 0 && !index.in_flow[static_cast<size_t>(step)]) continue;
    sequence.push_back(step);
    events.push_back(i);
  }
  bool first = true;
  for (const LogEvent& e : trace.events) {
    t0_ns = first ? e.t0_ns : std::min(t0_ns, e.t0_ns);
    t1_ns = first ? e.t1_ns : std::max(t1_ns, e.t1_ns);
    first = false;
  }
  t0_ns = observability.case_t0_ns.value_or(t0_ns);
  t1_ns = std::max(t0_ns, observability.case_t1_ns.value_or(t1_ns));
}

}  // namespace casebox::analytics::conformance::internal
