#pragma once

// A log as it is compared with a norm: labels as the norm writes them, and of cases that casebox
// exported what was watched, so that comparing the log says what comparing the case said.
//
// Thread safety: free functions. Errors: those of load_log (norms.h); kInvalidArgument also for
// what an exported case says in a form unknown here.

#include <string>
#include <vector>

#include "analytics/conformance/conform.h"
#include "proto/base/result.h"

namespace casebox::tools {

struct LogForNorm {
  /// Which labels were taken for the norm's (analytics/conformance/labels.h) is among the notices.
  analytics::EventLog log;
  /// Of each trace what could be seen of it: of exported cases as they say, else everything. Empty:
  /// no case says anything.
  std::vector<analytics::conformance::Observability> seen;
  struct Left {
    std::string case_key, reason;
  };
  // Exported cases that share too little with the norm, and cases of whose steps events were
  // dropped (readers::Planned).
  std::vector<Left> not_compared;
};

/// `path`, `columns`, `dates`: as load_log.
Result<LogForNorm> load_log_for(const analytics::protocol::Norm& norm, const std::string& path,
                                const std::vector<std::string>& columns, const std::string& dates);

}  // namespace casebox::tools
