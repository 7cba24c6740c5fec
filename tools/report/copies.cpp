#include "tools/report/copies.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "analytics/conformance/labels.h"

namespace casebox::tools::report {

bool same_operation(const Content& a, const Content& b) {
  if (!a.source_digest.empty() && a.source_digest == b.source_digest) return true;
  if (a.spans.size() < kLeastMarks || a.spans.size() != b.spans.size()) return false;
  // From the first beginning on: another format may count from another zero.
  const double zero_a = a.spans.front().t0_s, zero_b = b.spans.front().t0_s;
  for (size_t i = 0; i < a.spans.size(); ++i) {
    const PhaseSpan &x = a.spans[i], &y = b.spans[i];
    if (analytics::conformance::folded(x.label) != analytics::conformance::folded(y.label))
      return false;
    if (std::abs((x.t0_s - zero_a) - (y.t0_s - zero_b)) > kSameMoment_s) return false;
    // The end of what is open is only where its record ends.
    if (!x.open && !y.open && std::abs((x.t1_s - zero_a) - (y.t1_s - zero_b)) > kSameMoment_s)
      return false;
  }
  return true;
}

std::vector<Copy> copies_of(std::vector<Content> cases) {
  std::ranges::sort(cases, {}, &Content::case_id);
  std::vector<Copy> out;
  std::map<std::string, std::vector<const Content*>> counted;  // by labels, or by files
  const auto keys = [](const Content& one) {
    std::string labels = "labels";
    for (const PhaseSpan& span : one.spans)
      labels += " " + analytics::conformance::folded(span.label);
    return std::vector<std::string>{labels, "files" + one.source_digest};
  };
  for (const Content& one : cases) {
    const Content* same = nullptr;
    for (const std::string& key : keys(one))
      for (const Content* other : counted[key])
        if (same == nullptr && same_operation(*other, one)) same = other;
    if (same != nullptr) {
      out.push_back({one.case_id, same->case_id});
      continue;
    }
    for (const std::string& key : keys(one)) counted[key].push_back(&one);
  }
  return out;
}

}  // namespace casebox::tools::report
