#include "analytics/finding/labels.h"

namespace casebox::analytics::finding {

std::string label_of(const v1::Finding& finding, const std::string& key) {
  const auto it = finding.labels().find(key);
  return it == finding.labels().end() ? "" : it->second;
}

std::optional<double> value_of(const v1::Finding& finding, const std::string& key) {
  const auto it = finding.values().find(key);
  return it == finding.values().end() ? std::nullopt : std::optional(it->second);
}

std::string deviation_of(const v1::Finding& finding) { return label_of(finding, "deviation"); }

std::string deviation_below(const v1::Finding& finding) {
  const std::string of = label_of(finding, "of");
  return of.empty() ? deviation_of(finding) : of;
}

}  // namespace casebox::analytics::finding
