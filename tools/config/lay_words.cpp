#include "tools/config/lay_words.h"

#include <yaml-cpp/yaml.h>

#include <set>

namespace casebox::tools {
namespace {

Error wrong(const std::string& name, const YAML::Node& at, const std::string& what) {
  return {Code::kInvalidArgument, name + ":" + std::to_string(at.Mark().line + 1) + ": " + what};
}

Result<std::string> words_of(const YAML::Node& node, const std::string& name) {
  if (!node.IsScalar() || node.Scalar().empty())
    return wrong(name, node, "lay words are no text; write what a patient would call it");
  return node.Scalar();
}

}  // namespace

Result<LayWords> read_lay_words(std::string_view text, const std::string& name) {
  LayWords out;
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (!root.IsMap() || !root[kLayKey]) return out;
    std::set<std::string> ids;
    for (const YAML::Node& step : root["steps"])
      if (step.IsMap() && step["id"] && step["id"].IsScalar()) ids.insert(step["id"].Scalar());
    const YAML::Node lay = root[kLayKey];
    if (!lay.IsMap()) return wrong(name, lay, "lay: has no procedure and steps; see the format");
    for (const auto& item : lay) {
      const std::string key = item.first.Scalar();
      if (key == "procedure") {
        CASEBOX_TRY(out.procedure, words_of(item.second, name));
      } else if (key != "steps" || !item.second.IsMap()) {
        return wrong(name, item.first, "lay: has no '" + key + "'; write procedure and steps");
      }
    }
    for (const auto& item : lay["steps"]) {
      const std::string id = item.first.Scalar();
      if (!ids.contains(id))
        return wrong(name, item.first, "lay words of '" + id + "', which is no step here; mend it");
      CASEBOX_TRY(out.steps[id], words_of(item.second, name));
    }
  } catch (const YAML::Exception& e) {
    return Error{Code::kInvalidArgument, name + ": not YAML: " + e.msg + "; mend the file"};
  }
  return out;
}

}  // namespace casebox::tools
