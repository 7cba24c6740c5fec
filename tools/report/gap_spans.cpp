#include "tools/report/gap_spans.h"

#include <algorithm>

namespace casebox::tools::report {

std::vector<GapSpan> gap_spans(const std::vector<query::GapFact>& gaps, const std::string& stream) {
  std::vector<const query::GapFact*> sorted;
  for (const query::GapFact& gap : gaps)
    if (stream.empty() || gap.stream == stream) sorted.push_back(&gap);
  std::ranges::stable_sort(sorted, {}, [](const query::GapFact* gap) { return gap->t0_s; });
  std::vector<GapSpan> out;
  for (const query::GapFact* gap : sorted) {
    if (out.empty() || gap->t0_s > out.back().t1_s) out.push_back({gap->t0_s, gap->t0_s, {}, {}});
    out.back().t1_s = std::max(out.back().t1_s, gap->t1_s);
    out.back().streams.insert(gap->stream);
    out.back().reasons.insert(gap->reason);
  }
  return out;
}

double length_s(const std::vector<GapSpan>& spans) {
  double out = 0;
  for (const GapSpan& span : spans) out += span.t1_s - span.t0_s;
  return out;
}

}  // namespace casebox::tools::report
