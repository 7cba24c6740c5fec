#include "tools/demo/score.h"

#include <algorithm>
#include <cmath>

#include "analytics/finding/labels.h"
#include "tools/cli/json.h"
#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

using analytics::finding::deviation_of;

// Sequences of phases as strings of labels: the longest common subsequence pairs them, so that one
// phase too many or too few does not shift all that follow.
std::vector<std::optional<size_t>> pair_up(const std::vector<PhaseScore>& planted,
                                           const std::vector<query::PhaseFact>& found) {
  const size_t n = planted.size(), m = found.size();
  std::vector<std::vector<uint32_t>> best(n + 1, std::vector<uint32_t>(m + 1, 0));
  for (size_t i = n; i-- > 0;)
    for (size_t j = m; j-- > 0;)
      best[i][j] = planted[i].phase == found[j].label ? best[i + 1][j + 1] + 1
                                                      : std::max(best[i + 1][j], best[i][j + 1]);
  std::vector<std::optional<size_t>> pairs(n);
  for (size_t i = 0, j = 0; i < n && j < m;) {
    if (planted[i].phase == found[j].label && best[i][j] == best[i + 1][j + 1] + 1) {
      pairs[i++] = j++;
    } else if (best[i + 1][j] >= best[i][j + 1]) {
      ++i;
    } else {
      ++j;
    }
  }
  return pairs;
}

bool about(const v1::Finding& finding, const std::string& step) {
  const auto activity = finding.labels().find("activity");
  return finding.step() == step || (activity != finding.labels().end() && activity->second == step);
}

/// Whether a finding is the departure that was planted.
bool matches(const v1::Finding& finding, const DepartureScore& planted) {
  if (finding.kind() != "departure" || !about(finding, planted.step)) return false;
  const auto certainty = finding.certainty();
  if (planted.kind == "unobserved") return certainty == v1::CERTAINTY_UNOBSERVED;
  if (planted.kind == "justified") return certainty == v1::CERTAINTY_JUSTIFIED;
  if (deviation_of(finding) != planted.kind) return false;
  return planted.ambiguous ? certainty == v1::CERTAINTY_AMBIGUOUS
                           : certainty == v1::CERTAINTY_CERTAIN;
}

/// Whether a certain finding is what was planted: of this kind, and certain. One of a step that was
/// done unobserved, or of which a reason was recorded, is not.
bool right(const v1::Finding& finding, const std::vector<DepartureScore>& planted) {
  return std::ranges::any_of(planted, [&](const DepartureScore& p) {
    return about(finding, p.step) && deviation_of(finding) == p.kind && !p.ambiguous;
  });
}

}  // namespace

uint32_t TruthScore::boundaries_within(double tolerance_s) const {
  uint32_t within = 0;
  for (const PhaseScore& phase : phases) {
    within += phase.found_start_s &&
              std::abs(*phase.found_start_s - phase.planted_start_s) <= tolerance_s;
    within +=
        phase.found_end_s && std::abs(*phase.found_end_s - phase.planted_end_s) <= tolerance_s;
  }
  return within;
}

Result<TruthScore> score_against_truth(const std::string& text, const CaseView& view) try {
  const Json truth = Json::parse(text);
  TruthScore score;
  for (const Json& phase : truth.at("phases"))
    score.phases.push_back({phase.at("phase"), phase.at("start_s"), phase.at("end_s"), {}, {}});
  std::vector<query::PhaseFact> found;
  if (view.phase_source == "found") found = view.phases;
  const auto pairs = pair_up(score.phases, found);
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (!pairs[i]) continue;
    score.phases[i].found_start_s = found[*pairs[i]].t0_s;
    score.phases[i].found_end_s = found[*pairs[i]].t1_s;
  }
  for (const Json& departure : truth.at("departures")) {
    DepartureScore planted{departure.at("kind"), departure.at("step"), departure.at("t_s"),
                           departure.at("ambiguous"), ""};
    const auto hit = std::ranges::find_if(
        view.findings, [&](const v1::Finding& f) { return matches(f, planted); });
    if (hit != view.findings.end()) planted.found = name_of(hit->certainty());
    if (planted.found.empty())
      ++score.missed;
    else if (planted.ambiguous)
      ++score.found_ambiguous;
    else
      ++score.found_certain;
    score.planted.push_back(std::move(planted));
  }
  for (const v1::Finding& finding : view.findings) {
    if (finding.kind() != "departure" || finding.certainty() != v1::CERTAINTY_CERTAIN) continue;
    ++score.claimed_certain;
    if (right(finding, score.planted)) continue;
    ++score.false_certain;
    score.false_certain_texts.push_back(finding.text());
  }
  score.forecasts = truth.at("forecasts").at("total");
  score.late = truth.at("forecasts").at("late");
  return score;
} catch (const Json::exception& error) {
  return Error{Code::kCorrupt,
               std::string("truth.json: not what the simulator writes: ") + error.what()};
}

Result<std::vector<SentByTruth>> sent_by_truth(const std::string& text) try {
  std::vector<SentByTruth> out;
  const Json truth = Json::parse(text);
  for (const Json& stream : truth.at("streams"))
    out.push_back({stream.at("name"), stream.at("sent")});
  return out;
} catch (const Json::exception& error) {
  return Error{Code::kCorrupt,
               std::string("truth.json: not what the simulator writes: ") + error.what()};
}

}  // namespace casebox::tools
