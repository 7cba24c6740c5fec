#include "analytics/conformance/internal/silent_steps.h"

#include <algorithm>
#include <tuple>

namespace casebox::analytics::conformance::internal {
namespace {

using protocol::kSilent;
using protocol::Marking;
using protocol::Net;
using protocol::Transition;

constexpr size_t kMaxTransitions = 2000;
constexpr size_t kMaxArcs = 64;

using Places = std::vector<uint32_t>;

/// `places` with `with` for each `gone`.
Places replaced(const Places& places, uint32_t gone, const Places& with) {
  Places out;
  for (const uint32_t p : places) {
    if (p == gone)
      out.insert(out.end(), with.begin(), with.end());
    else
      out.push_back(p);
  }
  std::ranges::sort(out);
  return out;
}

class Reducer {
 public:
  explicit Reducer(const Net& net)
      : net_(net), final_(net.places.size()), most_(2 * net.transitions.size() + 32) {
    for (const Marking& marking : net_.finals)
      for (uint32_t p = 0; p < marking.size(); ++p) final_[p] = final_[p] || marking[p] > 0;
  }

  /// Each place goes at most once, the cheap ones first.
  Net run() {
    for (const size_t growth : {size_t{0}, size_t{4}, size_t{64}}) {
      bool changed = true;
      while (changed) {
        changed = false;
        for (uint32_t place = 0; place < final_.size(); ++place)
          changed = remove(place, growth) || changed;
      }
    }
    return std::move(net_);
  }

 private:
  bool remove(uint32_t place, size_t growth) {
    if (final_[place] || net_.initial[place] > 0) return false;
    std::vector<size_t> feed, drain;
    for (size_t t = 0; t < net_.transitions.size(); ++t) {
      const Transition& transition = net_.transitions[t];
      const auto in = std::ranges::count(transition.in, place);
      const auto out = std::ranges::count(transition.out, place);
      if (in + out > 1) return false;
      if (in == 1) drain.push_back(t);
      if (out == 1) feed.push_back(t);
    }
    if (feed.empty() || drain.empty()) return false;
    const size_t pairs = feed.size() * drain.size();
    const size_t left = net_.transitions.size() - feed.size() - drain.size();
    if (pairs > feed.size() + drain.size() + growth || left + pairs > most_) return false;
    const auto silent = [&](bool in) {
      return [&, in](size_t t) {
        const Transition& transition = net_.transitions[t];
        return transition.step == kSilent && (in ? transition.in : transition.out).size() == 1;
      };
    };
    if (!std::ranges::all_of(drain, silent(true)) && !std::ranges::all_of(feed, silent(false)))
      return false;
    std::vector<Transition> all;
    for (const size_t f : feed)
      for (const size_t d : drain) {
        all.push_back(joined(net_.transitions[f], net_.transitions[d], place));
        if (all.back().in.size() > kMaxArcs || all.back().out.size() > kMaxArcs) return false;
      }
    for (size_t t = 0; t < net_.transitions.size(); ++t)
      if (!std::ranges::binary_search(feed, t) && !std::ranges::binary_search(drain, t))
        all.push_back(net_.transitions[t]);
    tidy(all);
    net_.transitions = std::move(all);
    return true;
  }

  /// Both at once: at least one of them is silent.
  static Transition joined(const Transition& feed, const Transition& drain, uint32_t place) {
    Transition out = feed.step == kSilent ? drain : feed;
    out.in = replaced(drain.in, place, feed.in);
    out.out = replaced(feed.out, place, drain.out);
    return out;
  }

  /// Without those that are there twice or do nothing.
  static void tidy(std::vector<Transition>& all) {
    const auto key = [](const Transition& t) { return std::tie(t.step, t.in, t.out); };
    std::erase_if(all, [](const Transition& t) { return t.step == kSilent && t.in == t.out; });
    std::ranges::stable_sort(all, [&](const auto& a, const auto& b) { return key(a) < key(b); });
    all.erase(std::unique(all.begin(), all.end(),
                          [&](const auto& a, const auto& b) { return key(a) == key(b); }),
              all.end());
  }

  Net net_;
  std::vector<bool> final_;
  size_t most_;
};

/// Places that nothing marks, fills or empties any more.
void drop_dead_places(Net& net) {
  std::vector<bool> used(net.places.size());
  for (uint32_t p = 0; p < used.size(); ++p) used[p] = net.initial[p] > 0;
  for (const Marking& marking : net.finals)
    for (uint32_t p = 0; p < used.size(); ++p) used[p] = used[p] || marking[p] > 0;
  for (const Transition& t : net.transitions)
    for (const Places* places : {&t.in, &t.out})
      for (const uint32_t p : *places) used[p] = true;
  std::vector<uint32_t> number(used.size());
  Net out;
  for (uint32_t p = 0; p < used.size(); ++p)
    if (used[p]) number[p] = out.add_place(net.places[p]);
  const auto kept = [&](const Marking& marking) {
    Marking of;
    for (uint32_t p = 0; p < used.size(); ++p)
      if (used[p]) of.push_back(marking[p]);
    return of;
  };
  out.transitions = std::move(net.transitions);
  for (Transition& t : out.transitions)
    for (Places* places : {&t.in, &t.out})
      for (uint32_t& p : *places) p = number[p];
  out.initial = kept(net.initial);
  for (const Marking& marking : net.finals) out.finals.push_back(kept(marking));
  net = std::move(out);
}

}  // namespace

Net without_needless_silence(const Net& net) {
  if (net.transitions.size() > kMaxTransitions) return net;
  Net out = Reducer(net).run();
  drop_dead_places(out);
  return out;
}

}  // namespace casebox::analytics::conformance::internal
