#include "analytics/conformance/internal/automaton.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

namespace casebox::analytics::conformance::internal {

using protocol::kSilent;
using protocol::Marking;

namespace {

constexpr size_t kMaxSubsets = 50'000;  // of the deterministic form
constexpr size_t kMaxSubsetMembers = 4'000'000;
constexpr size_t kMaxSubsetEdges = 50'000'000;  // followed
constexpr size_t kMaxToMinimise = 50'000;
constexpr size_t kMaxMinimiseWork = 20'000'000;  // states times rounds
constexpr size_t kMaxMarkingBytes = size_t{256} << 20;
constexpr size_t kMarkingOverhead = 100;  // bytes, beside one for each place
constexpr size_t kMaxEdges = 20'000'000;
constexpr size_t kMaxMaskWords = 16'000'000;
constexpr size_t kMaxMeasureWork = 2'000'000'000;  // steps times edges

}  // namespace

Automaton::Automaton(protocol::Net net, uint32_t max_markings, bool language_only)
    : net_(std::move(net)), waiting_(net_.places.size()), markings_(net_.places.size()) {
  for (uint32_t t = 0; t < net_.transitions.size(); ++t) {
    const std::vector<uint32_t>& in = net_.transitions[t].in;
    (in.empty() ? unasked_ : waiting_[in.front()]).push_back(t);
  }
  int32_t top = 0;
  for (const protocol::Transition& t : net_.transitions) top = std::max(top, t.step);
  words_ = static_cast<uint32_t>(top) / 64 + 1;
  intern(net_.initial);
  if (max_markings > 0) explore(max_markings);
  if (!complete_) {
    words_ = 0;
    forget();
    return;
  }
  markings_.clear();
  expanded_.clear();
  if (language_only && determinise()) {
    trim();
    if (size() <= kMaxToMinimise) minimise();
    deterministic_ = true;
  }
  measure();
}

void Automaton::forget() {
  if (complete_) return;
  markings_.clear();
  expanded_.clear();
  edges_.clear();
  final_.clear();
  edge_count_ = 0;
  exhausted_ = false;
  intern(net_.initial);
}

const std::vector<Edge>& Automaton::edges(uint32_t state) {
  if (!complete_ && !expanded_[state] && !expand(state)) exhausted_ = true;
  return edges_[state];
}

uint32_t Automaton::intern(const Marking& marking) {
  const auto [number, added] = markings_.add(marking);
  if (added) {
    expanded_.push_back(false);
    edges_.emplace_back();
    final_.push_back(std::ranges::find(net_.finals, marking) != net_.finals.end());
  }
  return number;
}

// False when the limits do not allow all of the edges.
bool Automaton::expand(uint32_t state) {
  expanded_[state] = true;
  markings_.get(state, from_);
  size_t found = 0;
  const size_t each = from_.size() + kMarkingOverhead;
  const auto room = [&] {
    return (markings_.size() + found) * each <= kMaxMarkingBytes &&
           edge_count_ + found <= kMaxEdges;
  };
  const auto follow = [&](const std::vector<uint32_t>& transitions) {
    for (const uint32_t t : transitions) {
      const protocol::Transition& transition = net_.transitions[t];
      if (!net_.enabled(from_, transition)) continue;
      if (!room()) return false;
      if (found == fired_.size()) fired_.emplace_back();
      if (net_.fire(from_, transition, fired_[found].to))
        fired_[found++].step = transition.step;
      else
        overflow_ = true;
    }
    return true;
  };
  bool all = follow(unasked_);
  for (uint32_t place = 0; all && place < from_.size(); ++place)
    if (from_[place] > 0) all = follow(waiting_[place]);
  const auto end = fired_.begin() + static_cast<std::ptrdiff_t>(found);
  std::sort(fired_.begin(), end);
  const auto last = std::unique(fired_.begin(), end);
  std::vector<Edge> out;
  out.reserve(static_cast<size_t>(last - fired_.begin()));
  for (auto it = fired_.begin(); it != last; ++it) out.push_back({it->step, intern(it->to)});
  edge_count_ += out.size();
  edges_[state] = std::move(out);
  return all;
}

void Automaton::explore(uint32_t max_markings) {
  for (uint32_t state = 0; state < markings_.size(); ++state)
    if (markings_.size() > max_markings || !expand(state)) return;
  complete_ = true;
}

// Subset construction. A subset is known by its kernel, the markings a step leads to, before silent
// steps are followed: most are met many times and closed once. Of a closed subset only markings
// with a step to do, and ends, tell it from another.
bool Automaton::determinise() {
  using Subset = std::vector<uint32_t>;  // sorted
  std::vector<bool> tells(size());
  for (uint32_t s = 0; s < size(); ++s)
    tells[s] = final_[s] ||
               std::ranges::any_of(edges_[s], [](const Edge& e) { return e.step != kSilent; });
  std::vector<uint32_t> seen(size(), 0), reached;
  uint32_t round = 0;
  size_t followed = 0;
  const auto closed = [&](const Subset& kernel) {
    ++round;
    reached = kernel;
    for (const uint32_t s : reached) seen[s] = round;
    for (size_t i = 0; i < reached.size() && followed <= kMaxSubsetEdges; ++i) {
      followed += edges_[reached[i]].size();
      for (const Edge& e : edges_[reached[i]])
        if (e.step == kSilent && seen[e.to] != round) {
          seen[e.to] = round;
          reached.push_back(e.to);
        }
    }
    Subset out;
    for (const uint32_t s : reached)
      if (tells[s]) out.push_back(s);
    std::ranges::sort(out);
    return out;
  };
  std::map<Subset, uint32_t> kernels, ids;
  std::vector<const Subset*> order;
  std::vector<std::vector<Edge>> edges;
  size_t members = 0;
  const auto add = [&](Subset kernel) {
    const auto [known, fresh] = kernels.try_emplace(std::move(kernel), 0);
    if (!fresh) return known->second;
    members += known->first.size();
    const auto [it, added] =
        ids.try_emplace(closed(known->first), static_cast<uint32_t>(order.size()));
    if (added) {
      order.push_back(&it->first);
      members += it->first.size();
    }
    return known->second = it->second;
  };
  std::vector<Subset> leads_to(size_t{words_} * 64);  // by step
  add({0});
  for (uint32_t i = 0; i < order.size(); ++i) {
    if (order.size() > kMaxSubsets || members > kMaxSubsetMembers || followed > kMaxSubsetEdges)
      return false;
    for (uint32_t s : *order[i])
      for (const Edge& e : edges_[s])
        if (e.step != kSilent) leads_to[static_cast<size_t>(e.step)].push_back(e.to);
    std::vector<Edge> out;
    for (size_t step = 0; step < leads_to.size(); ++step) {
      if (leads_to[step].empty()) continue;
      followed += leads_to[step].size();
      ++round;
      Subset kernel;
      for (const uint32_t to : leads_to[step])
        if (std::exchange(seen[to], round) != round) kernel.push_back(to);
      leads_to[step].clear();
      std::ranges::sort(kernel);
      out.push_back({static_cast<int32_t>(step), add(std::move(kernel))});
    }
    edges.push_back(std::move(out));
  }
  std::vector<bool> final;
  for (const Subset* subset : order)
    final.push_back(std::ranges::any_of(*subset, [&](uint32_t s) { return final_[s]; }));
  edges_ = std::move(edges);
  final_ = std::move(final);
  return true;
}

// Leaves out states from which no end can be reached (the beginning stays).
void Automaton::trim() {
  std::vector<std::vector<uint32_t>> before(size());
  std::vector<uint32_t> queue;
  std::vector<bool> useful(size());
  for (uint32_t s = 0; s < size(); ++s) {
    for (const Edge& e : edges_[s]) before[e.to].push_back(s);
    if (final_[s]) {
      useful[s] = true;
      queue.push_back(s);
    }
  }
  for (size_t i = 0; i < queue.size(); ++i)
    for (uint32_t p : before[queue[i]])
      if (!useful[p]) {
        useful[p] = true;
        queue.push_back(p);
      }
  useful[0] = true;
  std::vector<uint32_t> number(size(), kNoPath);
  std::vector<std::vector<Edge>> edges;
  std::vector<bool> final;
  for (uint32_t s = 0; s < size(); ++s) {
    if (!useful[s]) continue;
    number[s] = static_cast<uint32_t>(edges.size());
    edges.push_back(std::move(edges_[s]));
    final.push_back(final_[s]);
  }
  for (std::vector<Edge>& out : edges) {
    std::erase_if(out, [&](const Edge& e) { return number[e.to] == kNoPath; });
    for (Edge& e : out) e.to = number[e.to];
  }
  edges_ = std::move(edges);
  final_ = std::move(final);
}

// Moore's refinement; then numbered anew from the beginning in label order. A form that takes too
// many rounds stays as it is: it is larger, not wrong.
void Automaton::minimise() {
  std::vector<uint32_t> part(size());
  for (uint32_t s = 0; s < size(); ++s) part[s] = final_[s];
  size_t parts = 0;
  for (size_t work = 0;; work += size()) {
    if (work > kMaxMinimiseWork) return;
    std::map<std::vector<uint32_t>, uint32_t> ids;
    std::vector<uint32_t> next(size());
    for (uint32_t s = 0; s < size(); ++s) {
      std::vector<uint32_t> key{part[s]};
      for (const Edge& e : edges_[s]) {
        key.push_back(static_cast<uint32_t>(e.step));
        key.push_back(part[e.to]);
      }
      next[s] = ids.try_emplace(std::move(key), static_cast<uint32_t>(ids.size())).first->second;
    }
    part = std::move(next);
    if (ids.size() == parts) break;
    parts = ids.size();
  }
  std::vector<uint32_t> number(parts, kNoPath), member;
  const auto visit = [&](uint32_t s) {
    if (number[part[s]] == kNoPath) {
      number[part[s]] = static_cast<uint32_t>(member.size());
      member.push_back(s);
    }
    return number[part[s]];
  };
  visit(0);
  std::vector<std::vector<Edge>> edges;
  std::vector<bool> final;
  for (size_t i = 0; i < member.size(); ++i) {
    const uint32_t s = member[i];
    std::vector<Edge> out;
    for (const Edge& e : edges_[s]) out.push_back({e.step, visit(e.to)});
    edges.push_back(std::move(out));
    final.push_back(final_[s]);
  }
  edges_ = std::move(edges);
  final_ = std::move(final);
}

// Distances and masks by backward search from the ends.
void Automaton::measure() {
  const uint32_t n = size();
  struct Back {
    int32_t step;
    uint32_t from;
  };
  std::vector<std::vector<Back>> before(n);
  for (uint32_t s = 0; s < n; ++s)
    for (const Edge& e : edges_[s]) before[e.to].push_back({e.step, s});
  // Fewest of the steps that `counts`, 0-1 breadth first.
  const auto fewest = [&](auto counts) {
    std::vector<uint32_t> distance(n, kNoPath);
    std::deque<uint32_t> queue;
    for (uint32_t s = 0; s < n; ++s)
      if (final_[s]) {
        distance[s] = 0;
        queue.push_back(s);
      }
    while (!queue.empty()) {
      const uint32_t s = queue.front();
      queue.pop_front();
      for (const Back& b : before[s]) {
        const uint32_t cost = counts(b.step) ? 1 : 0;
        if (distance[s] + cost >= distance[b.from]) continue;
        distance[b.from] = distance[s] + cost;
        cost == 0 ? queue.push_front(b.from) : queue.push_back(b.from);
      }
    }
    return distance;
  };
  to_end_ = fewest([](int32_t step) { return step != kSilent; });
  std::vector<bool> used(size_t{words_} * 64);
  size_t edges = n;
  for (uint32_t s = 0; s < n; ++s) {
    edges += edges_[s].size();
    for (const Edge& e : edges_[s])
      if (e.step != kSilent) used[static_cast<size_t>(e.step)] = true;
  }
  const auto steps = static_cast<size_t>(std::ranges::count(used, true));
  if (size_t{n} * words_ > kMaxMaskWords || steps * edges > kMaxMeasureWork) {
    words_ = 0;
    return;
  }
  mandatory_.assign(size_t{n} * words_, 0);
  possible_.assign(size_t{n} * words_, 0);
  for (size_t step = 0; step < used.size(); ++step) {
    if (!used[step]) continue;
    const uint64_t bit = uint64_t{1} << (step % 64);
    const std::vector<uint32_t> times =
        fewest([&](int32_t label) { return label == static_cast<int32_t>(step); });
    std::vector<bool> reaches(n);
    std::vector<uint32_t> queue;
    for (uint32_t s = 0; s < n; ++s) {
      if (times[s] != kNoPath && times[s] > 0) mandatory_[size_t{s} * words_ + step / 64] |= bit;
      for (const Edge& e : edges_[s])
        if (e.step == static_cast<int32_t>(step) && to_end_[e.to] != kNoPath && !reaches[s]) {
          reaches[s] = true;
          queue.push_back(s);
        }
    }
    for (size_t i = 0; i < queue.size(); ++i) {
      possible_[size_t{queue[i]} * words_ + step / 64] |= bit;
      for (const Back& b : before[queue[i]])
        if (!reaches[b.from]) {
          reaches[b.from] = true;
          queue.push_back(b.from);
        }
    }
  }
}

}  // namespace casebox::analytics::conformance::internal
