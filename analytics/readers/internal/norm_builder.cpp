#include "analytics/readers/internal/norm_builder.h"

namespace casebox::analytics::readers::internal {

NormBuilder::NormBuilder(std::string id) { norm.source.set_id(std::move(id)); }

void NormBuilder::transition(std::string name, int32_t step, std::vector<uint32_t> in,
                             std::vector<uint32_t> out) {
  norm.net.transitions.push_back({std::move(name), step, std::move(in), std::move(out)});
}

int32_t NormBuilder::step(const std::string& label, bool repeat) {
  const auto [it, added] = steps_.try_emplace(label, norm.source.steps_size());
  if (added) {
    v1::ProtocolStep& s = *norm.source.add_steps();
    s.set_id(label);
    s.set_repeat(repeat);
    norm.step_of.emplace(label, static_cast<uint32_t>(it->second));
  }
  return it->second;
}

bool silent_label(const std::string& label) {
  std::string lower = label;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower.starts_with("invisible") || lower == "$invisible$" || lower == "tau" ||
         lower.starts_with("tau ") || lower == "\xCF\x84";
}

}  // namespace casebox::analytics::readers::internal
