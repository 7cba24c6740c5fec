#pragma once

// What a finding carries by name.
//
// Thread safety: pure functions.

#include <optional>
#include <string>

#include "casebox/v1/finding.pb.h"

namespace casebox::analytics::finding {

/// The label's text; empty where the finding has none of this name.
std::string label_of(const v1::Finding& finding, const std::string& key);
/// The value, in the unit its name ends with; nothing where the finding has none of this name.
std::optional<double> value_of(const v1::Finding& finding, const std::string& key);

/// How a departure's case departed: "missing", "order", ... or how it is judged where that was not
/// to be told: "unobserved", "justified".
std::string deviation_of(const v1::Finding& finding);
/// How it departed, below "unobserved" and "justified" too.
std::string deviation_below(const v1::Finding& finding);

}  // namespace casebox::analytics::finding
