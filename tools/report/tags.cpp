#include "tools/report/tags.h"

#include "proto/base/bytes.h"

namespace casebox::tools::report {
namespace {

constexpr size_t kDigits = 10;

std::string counted(const std::string& text) { return std::to_string(text.size()) + ":" + text; }

}  // namespace

std::string finding_tag(const v1::Finding& finding) {
  return "F-" + to_hex(finding.id()).substr(0, kDigits);
}

std::string record_tag(const Digest& case_digest) {
  return "R-" + to_hex(case_digest).substr(0, kDigits);
}

std::string result_tag(const std::string& job, const std::string& place,
                       const std::vector<std::string>& inputs) {
  std::string text = "casebox/report/1" + counted(job) + counted(place);
  for (const std::string& input : inputs) text += counted(input);
  return "T-" + to_hex(seal::sha256(text)).substr(0, kDigits);
}

Html reference(const std::string& name) {
  return tag("a", {{"class", "tag"}, {"href", "#" + name}}, {"[" + name + "]"});
}

}  // namespace casebox::tools::report
