#pragma once

// One case as people look at it: what the page's API and the reports both show, put together once
// from its facts (analytics/facts). Without a key the accounting is there (streams, gaps, clocks)
// and `readable` is false.
//
// Thread safety: plain values; gather_case uses its reader's thread. Times are seconds from the
// case's start; a u95 below zero means that no bound can be given.

#include <map>
#include <string>
#include <vector>

#include "analytics/facts/streams.h"
#include "casebox/v1/finding.pb.h"
#include "casebox/v1/stream.pb.h"
#include "storage/reader/case_reader.h"
#include "tools/query/facts.h"

namespace casebox::tools {

struct ForecastView {
  double issued_s = 0, valid_s = 0, value = 0, sd = 0;
  std::string variable, unit, model;
  bool late = false;  // issued after the time it speaks of: hindsight, not counted
};

struct CaseView {
  std::string case_id, procedure, room, state, alias;
  std::string start;                        // RFC 3339 in UTC; empty: the case has no date
  double start_u95_s = -1, duration_s = 0;  // from the first item's beginning to the last one's end
  double first_t_s = 0, end_s = 0;          // in case time
  std::string verdict;  // of the case as it was opened; empty in a list that opens nothing
  std::vector<verify::Problem> problems;
  bool complete = false;  // the verdict is one of the two good ones
  bool readable = false;
  std::string unreadable_reason;
  bool details_closed = false;  // alias and details are not open to this reader, and left out
  uint64_t frames = 0;
  std::vector<analytics::facts::StreamFact> streams;
  std::string phase_source;                  // annotated, found, marked; empty: none
  std::vector<query::PhaseFact> phases;      // annotated steps among them
  std::vector<std::string> timing_withheld;  // why no duration may be made of them
  analytics::facts::Moments moments;
  std::vector<query::GapFact> gaps;
  std::vector<v1::Finding> findings;  // departures first, in time order
  std::vector<ForecastView> forecasts;
  std::vector<query::ClockFact> clocks;
  std::vector<std::string> consent;  // scopes in force now
  bool consent_stated = false;
  std::map<std::string, std::string> details;
};

/// What the store's own row says, without opening anything.
CaseView summarize_case(const v1::CaseRecord& record);
/// Everything. A content read that is refused leaves `readable` false; a damaged one is an error.
Result<CaseView> gather_case(const storage::CaseReader& reader);
/// The same without moments and forecasts, for many cases: gaps, clocks, findings, phases, consent.
Result<CaseView> gather_outline(const storage::CaseReader& reader);
/// The reader's verdict as it stands now: what it read since may not have held.
void take_verdict(const storage::CaseReader& reader, CaseView& view);

bool has_consent(const CaseView& view, const std::string& scope);

}  // namespace casebox::tools
