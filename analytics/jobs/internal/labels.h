#pragma once

// Labels of a case as the norm writes them. "Clipping cutting" and "clipping_cutting" are the
// norm's "ClippingCutting": compared as they stand, the step would be missing and the label an
// extra one. Taken is what differs in letter case, blanks and signs only, and only if one label of
// the norm is meant; it is told.
//
// Thread safety: free functions. Errors: none.

#include <map>
#include <string>

#include "analytics/event_log.h"
#include "analytics/protocol/norm.h"

namespace casebox::analytics::jobs::internal {

/// Letters and digits in small letters, bytes above ASCII as they are.
std::string folded(const std::string& label);

/// Renames what is meant in `trace`; returns label of the case -> label of the norm.
std::map<std::string, std::string> take_labels(const protocol::Norm& norm, EventLog& log,
                                               Trace& trace);

}  // namespace casebox::analytics::jobs::internal
