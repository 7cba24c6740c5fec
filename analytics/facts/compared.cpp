#include "analytics/facts/compared.h"

#include <map>

#include "analytics/conformance/tally_text.h"
#include "analytics/finding/finding.h"
#include "analytics/finding/labels.h"
#include "proto/base/bytes.h"

namespace casebox::analytics::facts {
namespace {

using finding::label_of;
using finding::value_of;

void read_run(const v1::Finding& run, Compared& out) {
  const std::string outcome = label_of(run, "outcome");
  out.outcome = outcome == "ran"       ? Compared::Outcome::kRan
                : outcome == "skipped" ? Compared::Outcome::kSkipped
                                       : Compared::Outcome::kFailed;
  out.reason = label_of(run, "reason");
  out.judged = out.judged && value_of(run, "cost") == value_of(run, "lower_bound");
}

std::optional<CaseWeights> read_weights(const v1::Finding& finding) {
  auto values = conformance::parse_values(label_of(finding, "value_weights"));
  if (!values) return std::nullopt;
  auto tally = conformance::parse_tally(label_of(finding, "tally"), values->ids.size());
  if (!tally) return std::nullopt;
  return CaseWeights{std::move(*values), std::move(*tally), finding};
}

}  // namespace

Compared compared(std::span<const v1::Finding> findings) {
  Compared out;
  for (const v1::Finding& finding : findings) {
    if (finding.run().job() != "conformance") continue;
    out.norm = {finding.run().protocol(), to_hex(finding.run().protocol_sha256())};
    if (finding.kind() == analytics::finding::kRunKind) {
      read_run(finding, out);
      continue;
    }
    // Nothing is found without a comparison, whether or not its run record can be seen.
    out.outcome = Compared::Outcome::kRan;
    if (finding.kind() == kWeightsKind) out.weights = read_weights(finding);
    if (finding.kind() == "departure" && finding.certainty() == v1::CERTAINTY_UNSPECIFIED)
      out.judged = false;
  }
  return out;
}

std::vector<WeighedTogether> weighed_together(std::span<const Compared> cases) {
  std::map<std::pair<NormName, std::string>, WeighedTogether> groups;
  for (size_t i = 0; i < cases.size(); ++i) {
    const Compared& one = cases[i];
    if (!one.ran()) continue;
    const std::string declared = one.weights ? conformance::values_text(one.weights->values) : "";
    WeighedTogether& group = groups[{one.norm, declared}];
    group.norm = one.norm;
    ++group.cases;
    if (!one.weights) continue;
    group.values = one.weights->values;
    group.tallies.push_back(one.weights->tally);
    group.members.push_back(i);
  }
  std::vector<WeighedTogether> out;
  for (auto& [key, group] : groups) out.push_back(std::move(group));
  return out;
}

}  // namespace casebox::analytics::facts
