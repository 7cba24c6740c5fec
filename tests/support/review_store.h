#pragma once

// A store with cases as the review page and the reports meet them: waves, numerics, video, events,
// phases, forecasts (some late), gaps, a broken clock, consent, findings of an analysis. Made by
// the real producer and ingest. Thread safety: none.

#include <memory>
#include <string>
#include <vector>

#include "casebox/v1/event.pb.h"
#include "proto/producer/producer.h"
#include "tests/support/frames.h"
#include "tools/store/store_access.h"

namespace casebox::testing {

/// How one case of the store is.
struct ReviewCase {
  int seconds = 120;
  double rate_hz = 100;  // of the wave
  std::vector<v1::ConsentScope> consent = {v1::CONSENT_SCOPE_RECORD, v1::CONSENT_SCOPE_QUALITY};
  bool sealed_consent = false;  // the form of before consent frames
  std::string alias;            // not empty: a stream of details has it
  int preparation_s = 40;       // length of the first annotated phase
  bool broken_clock = false;
  bool bad_forecasts = false;  // bodies that do not parse: whoever reads them fails
};

class ReviewStore {
 public:
  ReviewStore();
  /// Records the case, ingests it, adds an analysis's findings; its id.
  CaseId add(const ReviewCase& what);
  /// Records the case into a log of its own; nothing is ingested.
  CaseId record(const ReviewCase& what, const std::filesystem::path& log);

  std::filesystem::path dir() const { return temp_.path() / "store"; }
  std::filesystem::path temp() const { return temp_.path(); }

 private:
  TempDir temp_;
};

}  // namespace casebox::testing
