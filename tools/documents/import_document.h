#pragma once

// What an import says of what it read: a table of its streams for people, and the document of one
// that only read.
//
// Thread safety: free functions.

#include <string>
#include <vector>

#include "recorder/import.h"
#include "tools/cli/json.h"

namespace casebox::tools {

/// A line for each stream: name, kind, rate, span in seconds of the case, items, gaps, and how many
/// notices its file has. Ends with a line end; empty without streams.
std::string import_table(const std::vector<recorder::StreamReport>& streams);

/// `streams[]` of `casebox import --dry-run`.
Json survey_streams_json(const std::vector<recorder::StreamReport>& streams);

/// `skipped[]`: everything that is not in the case as it stands in its file.
Json skipped_json(const std::vector<recorder::Skipped>& skipped);
/// `notices[]`: of these, what costs nothing.
Json notices_json(const std::vector<recorder::Skipped>& skipped);

}  // namespace casebox::tools
