#pragma once

// What analysis found of a simulated case against what the simulator planted (docs/simulator.md).
// The one place that looks at both: the demonstration and the tests of the analysis use it,
// analysis never does.
//
// Thread safety: free functions. Errors: kCorrupt for a truth document that is not one.

#include <optional>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "tools/report/case_view.h"

namespace casebox::tools {

struct PhaseScore {
  std::string phase;
  double planted_start_s = 0;
  double planted_end_s = 0;
  std::optional<double> found_start_s;  // of the same place in the sequence of phases
  std::optional<double> found_end_s;
};

struct DepartureScore {
  std::string kind;
  std::string step;
  double t_s = 0;
  bool ambiguous = false;  // planted so that two explanations are equally good
  std::string found;       // certainty it was found with; empty: missed
};

struct TruthScore {
  std::vector<PhaseScore> phases;
  std::vector<DepartureScore> planted;
  uint32_t found_certain =
      0;  // planted ones, found as certain, unobserved or justified: as planted
  uint32_t found_ambiguous = 0;  // planted ones found as ambiguous
  uint32_t missed = 0;
  uint32_t claimed_certain = 0;  // findings that are certain departures
  uint32_t false_certain = 0;    // of them: not planted, or planted as another kind or not certain
  std::vector<std::string> false_certain_texts;
  uint32_t forecasts = 0;
  uint32_t late = 0;  // as the simulator counted them

  /// Phase starts and ends found within `tolerance_s`, and how many there are.
  uint32_t boundaries_within(double tolerance_s) const;
  uint32_t boundaries() const { return static_cast<uint32_t>(phases.size()) * 2; }
};

/// `truth`: the text of truth.json.
Result<TruthScore> score_against_truth(const std::string& truth, const CaseView& view);

/// What the simulator says it sent, by stream.
struct SentByTruth {
  std::string stream;
  uint64_t sent = 0;
};
Result<std::vector<SentByTruth>> sent_by_truth(const std::string& truth);

}  // namespace casebox::tools
