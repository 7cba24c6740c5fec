#include "analytics/conformance/internal/norm_states.h"

#include <algorithm>
#include <unordered_set>

#include "analytics/conformance/internal/silent_steps.h"

namespace casebox::analytics::conformance::internal {
namespace {

constexpr uint32_t kMaxMet = 20'000;      // states met before they are forgotten
constexpr size_t kMaxStateLooks = 1'000;  // of pairs of state and position, beside 8 for each event

/// One way after the other, what an event asks for before what is silent.
std::optional<bool> search_run(Automaton& automaton, const Sequence& sequence) {
  struct At {
    uint32_t state;
    uint32_t position;
  };
  const size_t limit = kMaxStateLooks + 8 * sequence.size();
  std::vector<At> open{{automaton.begin(), 0}};
  std::unordered_set<uint64_t> seen{0};
  const auto meet = [&](uint32_t state, uint32_t position) {
    if (seen.insert(uint64_t{state} << 32 | position).second) open.push_back({state, position});
  };
  while (!open.empty()) {
    const auto [state, position] = open.back();
    open.pop_back();
    if (position == sequence.size() && automaton.is_final(state)) return true;
    const std::vector<Edge>& edges = automaton.edges(state);
    for (const Edge& e : edges)
      if (e.step == protocol::kSilent) meet(e.to, position);
    if (position < sequence.size())
      for (const Edge& e : edges)
        if (e.step == sequence[position]) meet(e.to, position + 1);
    if (automaton.exhausted() || seen.size() > limit) return std::nullopt;
  }
  return false;
}

/// The one way that a deterministic automaton has.
bool follow_run(Automaton& automaton, const Sequence& sequence) {
  uint32_t state = automaton.begin();
  for (const int32_t step : sequence) {
    const std::vector<Edge>& edges = automaton.edges(state);
    const auto next = std::ranges::lower_bound(edges, step, {}, &Edge::step);
    if (next == edges.end() || next->step != step) return false;
    state = next->to;
  }
  return automaton.is_final(state);
}

}  // namespace

NormStates::NormStates(const protocol::Net& net, uint32_t max_markings, bool language_only)
    : net_(language_only ? without_needless_silence(net) : net),
      max_markings_(max_markings),
      language_only_(language_only),
      met_(net_, 0, language_only) {}

Automaton& NormStates::all() {
  if (!all_) all_.emplace(net_, max_markings_, language_only_);
  return *all_;
}

std::optional<bool> NormStates::fits(const Sequence& sequence) {
  if (std::ranges::find(sequence, kAlien) != sequence.end()) return false;
  if (all_ && all_->deterministic()) return follow_run(*all_, sequence);
  if (met_.size() > kMaxMet) met_.forget();
  auto found = search_run(met_, sequence);
  if (!found && met_.exhausted()) {  // earlier sequences may have taken the room
    met_.forget();
    found = search_run(met_, sequence);
  }
  if (!found && all().deterministic()) found = follow_run(*all_, sequence);
  return found;
}

}  // namespace casebox::analytics::conformance::internal
