#include "recorder/internal/loss_window.h"

#include <algorithm>

namespace casebox::recorder::internal {
namespace {

constexpr Duration kLossWindow = seconds(300);

}  // namespace

void LossWindow::note(MonoTime now, const std::vector<Loss>& losses) {
  if (seen_.empty()) seen_.push_back({now - seconds(1), std::vector<Lost>(sources_.size())});
  Seen seen{now, std::vector<Lost>(sources_.size())};
  for (const Loss& loss : losses) {
    const auto at = std::ranges::find(sources_, loss.source);
    if (at == sources_.end()) continue;
    Lost& lost = seen.lost[static_cast<size_t>(at - sources_.begin())];
    lost.items += loss.missing;
    lost.gaps += loss.gaps;
  }
  seen_.push_back(std::move(seen));
  while (seen_.size() > 2 && now - seen_[1].at >= kLossWindow) seen_.pop_front();
}

LossWindow::Lost LossWindow::lost(size_t source) const {
  if (seen_.empty()) return {};
  const Lost &first = seen_.front().lost[source], &last = seen_.back().lost[source];
  return {last.items - first.items, last.gaps - first.gaps};
}

}  // namespace casebox::recorder::internal
