#pragma once

// The cases an analysis of many cases looks at, as one event log: phases of the cases of a store
// that a query names, or a log of any origin. Each trace carries what the quality gate says of its
// times: an analysis of times leaves out a case whose times are withheld, and names it with the
// reason; one of sequences may keep it.
//
// Thread safety: free functions. Errors: those of the query, the store and the log's reader; a case
// that no key opens is an empty trace with that reason, not an error.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analytics/event_log.h"
#include "tools/cli/command.h"
#include "tools/store/store_access.h"

namespace casebox::tools {

struct RefusedCase {
  CaseId case_id;
  std::string reason;
};

/// Says how many there are, and why, on standard error.
void say_left_out(const std::vector<RefusedCase>& cases);

struct Cohort {
  analytics::EventLog log;
  /// Of each trace: why its times may not be used; empty: they may.
  std::vector<std::vector<std::string>> withheld;
  /// Of each trace: why not even the moments may be used at which its intervals begin and end. A
  /// log of moments has no durations, but times between its events.
  std::vector<std::vector<std::string>> moments_withheld;
  /// Of each trace, from a store only.
  std::vector<CaseId> ids;
  std::vector<std::string> rooms;          // codes
  std::vector<std::string> procedures;     // codes; empty: not stated
  std::map<std::string, size_t> verdicts;  // how many cases have which
  /// From the case's first item to the end of its last, as everything else gives it; unset where no
  /// key opens it. It rests on the recorder's clock alone and is never withheld.
  std::vector<std::optional<double>> durations_s;
  /// Cases that consent, role or purpose keep out: in nothing above, counted and told.
  std::vector<RefusedCase> left_out;
  std::string query;  // the cohort's expression; empty: every case, or a log
  /// Null: a log. Else where more can be read of the cases; whoever opened it keeps it open.
  StoreAccess* store = nullptr;
  bool from_store() const { return store != nullptr; }
};

struct Chosen {
  std::vector<CaseId> ids;
  std::vector<RefusedCase> left_out;
};

/// The cases of `--case` or `--cohort`, ordered by start and id; without either, all. kRefused for
/// the one case of `--case` that may not be read.
Result<Chosen> chosen_cases(StoreAccess& access, const Args& args);

/// Phases of the chosen cases. Traces have the case id as key and, where it is known, the wall time
/// of case time zero.
Result<Cohort> store_cohort(StoreAccess& access, const Args& args);

/// The log of `--log`. Its reader's notices go to standard error, and stay in the log.
Result<Cohort> log_cohort(const Args& args);

}  // namespace casebox::tools
