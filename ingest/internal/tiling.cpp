#include "ingest/internal/tiling.h"

#include "proto/frame/frame.h"

namespace casebox::ingest {

std::optional<std::vector<size_t>> find_path(const Position& from, const Position& to,
                                             const Links& links, size_t budget) {
  struct Step {
    Position at;
    const std::vector<Link>* choices = nullptr;
    size_t next_choice = 0;
    size_t taken = 0;
  };
  const auto choices_at = [&](uint64_t number) -> const std::vector<Link>* {
    const auto found = links.find(number);
    return found == links.end() ? nullptr : &found->second;
  };
  std::vector<Step> stack{{from, choices_at(from.next)}};
  while (!stack.empty()) {
    Step& step = stack.back();
    if (step.at == to) {
      std::vector<size_t> path;
      for (size_t i = 0; i + 1 < stack.size(); ++i) path.push_back(stack[i].taken);
      return path;
    }
    if (step.at.next >= to.next || step.choices == nullptr ||
        step.next_choice == step.choices->size()) {
      stack.pop_back();
      continue;
    }
    const Link& link = (*step.choices)[step.next_choice++];
    if (link.next > to.next || link.next <= step.at.next) continue;
    if (budget-- == 0) return std::nullopt;
    step.taken = link.what;
    stack.push_back(
        {{link.next, frame::next_head(step.at.head, link.leaf)}, choices_at(link.next)});
  }
  return std::nullopt;
}

}  // namespace casebox::ingest
