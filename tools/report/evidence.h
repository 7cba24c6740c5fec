#pragma once

// What a report about one case rests on, as plain values: the three documents are pure functions of
// it, so that they cannot disagree.
//
// Thread safety: values; gather_evidence uses the StoreAccess's thread.
// Errors: those of the store and of verification; without a key content is missing and
// `view.readable` says so.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proto/verify/verify.h"
#include "tools/findings/lay_words.h"
#include "tools/report/case_view.h"
#include "tools/report/comparison.h"
#include "tools/store/store_access.h"

namespace casebox::tools::report {

/// An audited opening of the case's keys.
struct Opening {
  std::string at, purpose, subject;
  bool allowed = false;
};

/// One variable that a twin forecast, and what was observed of it.
struct TwinTrack {
  std::string variable, unit;
  std::vector<ForecastView> timely;  // by valid time; several forecasts of one moment: the newest
  std::vector<ForecastView> late;    // issued after the time they speak of
  std::vector<std::pair<double, double>> observed;  // t_s, value; thinned for a drawing
};

struct EpochView {
  std::string epoch, role, producer, signing_key;
  bool closed = false;
};

struct CaseEvidence {
  CaseView view;
  verify::Report custody;
  std::vector<EpochView> epochs;
  std::vector<Opening> openings;
  bool openings_known = false;  // false: there is no keystore here to ask
  std::vector<TwinTrack> twin;
  std::vector<PhaseSpan> phases;  // that durations are taken from
  std::string phases_from;        // "annotated", "found" or "marked"; empty: none are known
  std::string untimed;            // why the case's own times do not count; empty: they do
  Comparison comparison;
  LayWords lay;  // of its procedure; empty: no protocol here has any
};

/// kRefused for a case that may not be read for `purpose`.
Result<CaseEvidence> gather_evidence(StoreAccess& access, CaseId id, keyring::Purpose purpose);

/// Splits a case's forecasts by variable, timely from late; `observed` stays empty.
std::vector<TwinTrack> twin_tracks(const std::vector<ForecastView>& forecasts);

}  // namespace casebox::tools::report
