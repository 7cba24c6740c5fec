#include "tools/findings/log_for_norm.h"

#include <algorithm>

#include "analytics/conformance/labels.h"
#include "analytics/conformance/recorded_text.h"
#include "analytics/readers/log_kind.h"
#include "analytics/readers/xes_reader.h"
#include "tools/findings/norms.h"

namespace casebox::tools {
namespace {

namespace conformance = analytics::conformance;

constexpr size_t kMostTold = 20;  // labels taken for the norm's

}  // namespace

Result<LogForNorm> load_log_for(const analytics::protocol::Norm& norm, const std::string& path,
                                const std::vector<std::string>& columns, const std::string& dates) {
  LogForNorm out;
  std::vector<std::string> recorded;
  analytics::readers::Planned plans;
  CASEBOX_TRY(const auto kind, analytics::readers::log_kind(path));
  if (kind == analytics::readers::LogKind::kXes) {
    CASEBOX_TRY(out.log, analytics::readers::read_xes(path, {}, &recorded, &plans));
  } else {
    CASEBOX_TRY(out.log, load_log(path, columns, dates, &plans));
  }
  const auto taken = conformance::take_labels(norm, out.log);
  size_t told = 0;
  for (const auto& [label, meant] : taken) {
    if (++told > kMostTold) {
      out.log.notices.push_back(std::to_string(taken.size() - kMostTold) +
                                " more labels are taken for the norm's");
      break;
    }
    out.log.notices.push_back("the label '" + label + "' is taken for the norm's '" + meant + "'");
  }
  std::vector<analytics::Trace> traces;
  size_t stated = 0;
  for (size_t i = 0; i < out.log.traces.size(); ++i) {
    analytics::Trace& trace = out.log.traces[i];
    // A step of which the log says that it was planned, and nothing of whether it was done.
    size_t planned = 0;
    if (const auto found = plans.find(i); found != plans.end())
      for (const std::string& activity : found->second) {
        const auto as =
            std::ranges::find(taken, activity, [](const auto& one) { return one.first; });
        planned += norm.step_of.contains(as == taken.end() ? activity : as->second);
      }
    if (planned > 0) {
      out.not_compared.push_back(
          {trace.case_key, "of " + std::to_string(planned) +
                               " steps of the norm it has events that say neither start nor "
                               "complete, and no other: whether they were done it does not say"});
      continue;
    }
    conformance::Observability seen;
    if (i < recorded.size() && !recorded[i].empty()) {
      auto said = conformance::parse_recorded(recorded[i]);
      if (!said) return annotate(std::move(said).error(), path + ": " + trace.case_key);
      const std::string why =
          conformance::nothing_shared(norm, out.log, trace, said->procedure, said->seen);
      if (!why.empty()) {
        out.not_compared.push_back({trace.case_key, why});
        continue;
      }
      seen = std::move(said->seen);
      ++stated;
    }
    out.seen.push_back(std::move(seen));
    traces.push_back(std::move(trace));
  }
  out.log.traces = std::move(traces);
  if (stated > 0)
    out.log.notices.push_back(std::to_string(stated) +
                              " cases say what was watched of them, as casebox export wrote it");
  else
    out.seen.clear();
  return out;
}

}  // namespace casebox::tools
