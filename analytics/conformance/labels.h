#pragma once

// Labels of a log as the norm writes them. "Clipping cutting" and "clipping_cutting" are the norm's
// "ClippingCutting": compared as they stand, the step would be missing and the label an extra one.
// Taken is what differs in letter case, blanks and signs only, and only if one label of the norm is
// meant; it is told. Recorded cases and logs of any origin are treated alike.
//
// Thread safety: free functions. Errors: none.

#include <map>
#include <string>

#include "analytics/conformance/conform.h"

namespace casebox::analytics::conformance {

/// Letters and digits in small letters, bytes above ASCII as they are.
std::string folded(const std::string& label);

/// Renames what is meant in all traces; returns label of the log -> label of the norm.
std::map<std::string, std::string> take_labels(const protocol::Norm& norm, EventLog& log);

/// Why a comparison would say nothing of a recorded case: the norm is for another procedure,
/// nothing in the case could show any of the norm's steps, or most of what it holds is not the
/// norm's. Empty: there is something to compare. After take_labels.
std::string nothing_shared(const protocol::Norm& norm, const EventLog& log, const Trace& trace,
                           const std::string& procedure, const Observability& seen);

}  // namespace casebox::analytics::conformance
