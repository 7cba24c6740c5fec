#include "tools/report/chains.h"

#include <set>

namespace casebox::tools::report {
namespace {

constexpr size_t kMostTags = 60;  // of the findings behind one number

}  // namespace

Html annex_of(const std::vector<Chain>& chains) {
  Children out;
  std::set<std::string> seen;
  for (const Chain& chain : chains) {
    if (!seen.insert(chain.name).second) continue;
    Children tags;
    const bool listed = chain.inputs_are_tags && chain.inputs.size() <= kMostTags;
    for (const std::string& input : listed ? chain.inputs : std::vector<std::string>())
      tags.push_back(join({tag("span", {{"class", "tag"}}, {input}), " "}));
    out.push_back(
        tag("div", {{"class", "box"}, {"id", chain.name}},
            {tag("p", {tag("span", {{"class", "tag"}}, {chain.name}),
                       "  " + chain.what + (listed ? ", from findings: " : ". "), join(tags)}),
             tag("p", {tag("code", {chain.command})})}));
  }
  return join(out);
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace casebox::tools::report
