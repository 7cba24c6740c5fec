#include "analytics/conformance/internal/search.h"

#include <algorithm>
#include <bit>
#include <map>

namespace casebox::analytics::conformance::internal {
namespace {

constexpr int64_t kNever = INT64_MAX / 4;
constexpr uint64_t kMaxDense = 32u << 20;
constexpr uint64_t kMaxLeftWords = 16u << 20;
constexpr size_t kMaxTightMoves = 8'000'000;

}  // namespace

void Search::prepare(const Sequence& sequence, const Forbidden& forbidden) {
  length_ = static_cast<uint32_t>(sequence.size());
  nodes_.clear();
  const uint64_t cells = uint64_t{automaton_.size()} * (length_ + 1);
  use_dense_ = automaton_.complete() && cells <= kMaxDense;
  sparse_.clear();
  if (use_dense_ && dense_.size() < cells) dense_.resize(cells);
  if (++run_ == 0) {
    std::ranges::fill(dense_, 0);
    run_ = 1;
  }
  words_ = automaton_.words();
  if (uint64_t{length_ + 1} * words_ > kMaxLeftWords) words_ = 0;
  left_.assign(size_t{length_ + 1} * words_, 0);
  known_.assign(length_ + 1, 0);
  alien_.assign(length_ + 1, 0);
  for (uint32_t i = length_; i-- > 0;) {
    std::copy_n(left_.begin() + static_cast<ptrdiff_t>(size_t{i + 1} * words_), words_,
                left_.begin() + static_cast<ptrdiff_t>(size_t{i} * words_));
    known_[i] = known_[i + 1];
    alien_[i] = alien_[i + 1];
    const int32_t step = sequence[i];
    if (step < 0) {
      ++alien_[i];
      continue;
    }
    ++known_[i];
    if (words_ > 0)
      left_[size_t{i} * words_ + static_cast<size_t>(step) / 64] |= uint64_t{1} << (step % 64);
  }
  forbidden_model_ = forbidden.model.value_or(-3);
  forbidden_alien_ = forbidden.log && sequence[*forbidden.log] == kAlien;
}

// What the rest costs at least, from what can be counted without walking the net.
//
//   impossible  kinds of step among the events left that no way on from here has: a log move each
//   absent      kinds of step that every way on has and no event left is: a model move each
//   beyond      steps still needed, less the events left that could be one of them
//
// A log move pays for one event and a model move for one step, so the first adds to either of the
// others, and of those two, which may count the same step, the larger stands. No move lowers the
// sum by more than it costs: a log move takes one event, a model move one step, and what a
// synchronous move takes was not counted, as each of the two is there for the other; a silent move
// only narrows what is possible. So no place has to be opened twice. (Hart, Nilsson & Raphael 1968;
// for alignments, with the marking equation instead of counts: Adriansyah 2014, chapter 7; van
// Dongen, BPM 2018.)
int64_t Search::estimate(uint32_t state, uint32_t position) const {
  if (!automaton_.complete()) return costs_.unit * alien_[position];
  if (automaton_.steps_to_end(state) == kNoPath) return kNever;
  if (words_ == 0)
    return costs_.unit *
           (alien_[position] + std::max<int64_t>(0, int64_t{automaton_.steps_to_end(state)} -
                                                        int64_t{known_[position]}));
  const uint64_t* possible = automaton_.possible(state);
  const uint64_t* mandatory = automaton_.mandatory(state);
  const uint64_t* left = &left_[size_t{position} * words_];
  int64_t impossible = 0, absent = 0;
  for (uint32_t w = 0; w < words_; ++w) {
    impossible += std::popcount(left[w] & ~possible[w]);
    const uint64_t needed = mandatory[w] & ~left[w];
    absent += std::popcount(needed);
    if (forbidden_model_ >= 0 && static_cast<uint32_t>(forbidden_model_) / 64 == w &&
        (needed >> (forbidden_model_ % 64) & 1) != 0)
      return kNever;
  }
  const int64_t beyond =
      int64_t{automaton_.steps_to_end(state)} - (int64_t{known_[position]} - impossible);
  return costs_.unit * (alien_[position] + impossible + std::max({absent, beyond, int64_t{0}}));
}

uint32_t Search::slot(uint32_t state, uint32_t position) {
  const uint64_t key = uint64_t{state} * (length_ + 1) + position;
  const auto next = static_cast<uint32_t>(nodes_.size());
  if (use_dense_) {
    uint64_t& cell = dense_[key];
    if (cell >> 32 == run_) return static_cast<uint32_t>(cell);
    cell = uint64_t{run_} << 32 | next;
  } else {
    const auto [it, added] = sparse_.try_emplace(key, next);
    if (!added) return it->second;
  }
  nodes_.push_back({state, position, kNever, estimate(state, position), 0, MoveKind::kSync,
                    protocol::kSilent, false});
  return next;
}

std::optional<uint32_t> Search::known_slot(uint32_t state, uint32_t position) const {
  const uint64_t key = uint64_t{state} * (length_ + 1) + position;
  if (use_dense_) {
    const uint64_t cell = dense_[key];
    if (cell >> 32 != run_) return std::nullopt;
    return static_cast<uint32_t>(cell);
  }
  const auto it = sparse_.find(key);
  if (it == sparse_.end()) return std::nullopt;
  return it->second;
}

template <typename Visit>
void Search::moves(const Sequence& sequence, const Forbidden& forbidden, uint32_t state,
                   uint32_t position, Visit visit) {
  const bool more = position < length_;
  if (more && forbidden.log != position)
    visit(state, position + 1, costs_.unit, MoveKind::kLog, protocol::kSilent);
  // By value: an automaton that is not complete may move its edges while it grows.
  const auto walk = [&](const std::vector<Edge>& edges) {
    for (const Edge& e : edges) {
      if (e.step == protocol::kSilent) {
        visit(e.to, position, costs_.silent, MoveKind::kSilent, e.step);
        continue;
      }
      if (e.step != forbidden_model_) visit(e.to, position, costs_.unit, MoveKind::kModel, e.step);
      if (more && e.step == sequence[position])
        visit(e.to, position + 1, int64_t{0}, MoveKind::kSync, e.step);
    }
  };
  if (automaton_.complete())
    walk(automaton_.edges(state));
  else
    walk(std::vector<Edge>(automaton_.edges(state)));
}

// An explanation of a trace walks the norm and the trace side by side from both beginnings to both
// ends (van der Aalst, Adriansyah & van Dongen, WIREs DMKD 2, 2012). A place is a pair (state of
// the norm, events read); from it a way takes an event alone (log move), a step alone (model move),
// both together if they are the same (synchronous), or a step nobody can see (silent). Only what
// does not fit costs. The cheapest ways are the shortest paths of that graph; A* looks for them in
// the order of cost so far + estimate.
//
// Costs are small integers: places wait in buckets of equal total, and ties fall as the edges are
// listed, so that the same trace always gets the same path, on every machine. Every place that is
// closed has its final cost. For all cheapest ways the search goes on until the totals exceed the
// best: then every place on a cheapest way is closed, which is what tighten() rests on.
Found Search::run(const Sequence& sequence, const Forbidden& forbidden, TightGraph* graph) {
  Found found;
  found.possible = false;
  prepare(sequence, forbidden);
  if (forbidden_alien_) {
    found.exact = true;
    return found;
  }
  std::map<int64_t, std::vector<uint32_t>> open;
  const uint32_t first = slot(automaton_.begin(), 0);
  nodes_[first].cost = 0;
  if (nodes_[first].estimate < kNever) open[nodes_[first].estimate].push_back(first);
  int64_t best = kNever;
  uint32_t goal = 0;
  const auto bounds = [&](int64_t lower) {
    found.met = nodes_.size();
    found.lower = lower;
    found.possible = true;
    found.cost = costs_.unit * length_ + shortest_;
    return found;
  };
  while (!open.empty()) {
    const auto lowest = open.begin();
    const int64_t total = lowest->first;
    if (total > best) break;
    std::vector<uint32_t>& bucket = lowest->second;
    if (bucket.empty()) {
      open.erase(lowest);
      continue;
    }
    const uint32_t at = bucket.back();
    bucket.pop_back();
    const Node node = nodes_[at];
    if (node.closed || node.cost + node.estimate < total) continue;
    nodes_[at].closed = true;
    if (node.position == length_ && automaton_.is_final(node.state)) {
      if (node.cost < best) {
        best = node.cost;
        goal = at;
      }
      if (graph == nullptr) break;
    }
    if (nodes_.size() > budget_) return bounds(total);
    moves(sequence, forbidden, node.state, node.position,
          [&](uint32_t state, uint32_t position, int64_t cost, MoveKind kind, int32_t step) {
            const uint32_t to = slot(state, position);
            Node& next = nodes_[to];
            if (next.closed || next.estimate >= kNever || node.cost + cost >= next.cost) return;
            next.cost = node.cost + cost;
            next.parent = at;
            next.kind = kind;
            next.step = step;
            open[next.cost + next.estimate].push_back(to);
          });
    if (automaton_.exhausted()) return bounds(total);
  }
  found.exact = true;
  found.met = nodes_.size();
  if (best >= kNever) return found;
  found.possible = true;
  found.cost = found.lower = best;
  for (uint32_t at = goal; at != first; at = nodes_[at].parent) {
    const Node& node = nodes_[at];
    found.path.push_back({node.kind, node.step, nodes_[node.parent].position});
  }
  std::ranges::reverse(found.path);
  found.graph = graph != nullptr && tighten(sequence, best, *graph);
  return found;
}

// Moves between closed nodes whose costs differ by just the move's cost lie on a cheapest way to
// their end; those from which a cheapest end can be reached by such moves are all of them.
bool Search::tighten(const Sequence& sequence, int64_t cost, TightGraph& graph) {
  const auto count = static_cast<uint32_t>(nodes_.size());
  struct Arc {
    uint32_t from, to;
    MoveKind kind;
    int32_t step;
  };
  std::vector<Arc> arcs;
  std::vector<uint32_t> begin_of(size_t{count} + 1);  // of the arcs into a node, in `into`
  std::vector<uint32_t> queue;
  std::vector<bool> keep(count);
  for (uint32_t from = 0; from < count; ++from) {
    const Node node = nodes_[from];
    if (!node.closed || node.cost + node.estimate > cost) continue;
    if (node.position == length_ && automaton_.is_final(node.state) && node.cost == cost) {
      keep[from] = true;
      queue.push_back(from);
    }
    moves(sequence, {}, node.state, node.position,
          [&](uint32_t state, uint32_t position, int64_t c, MoveKind kind, int32_t step) {
            const auto to = known_slot(state, position);
            if (!to || !nodes_[*to].closed || nodes_[*to].cost != node.cost + c) return;
            ++begin_of[*to + 1];
            arcs.push_back({from, *to, kind, step});
          });
    if (arcs.size() > kMaxTightMoves) return false;
  }
  for (size_t i = 1; i < begin_of.size(); ++i) begin_of[i] += begin_of[i - 1];
  std::vector<uint32_t> into(arcs.size()), filled(begin_of.begin(), begin_of.end() - 1);
  for (uint32_t a = 0; a < arcs.size(); ++a) into[filled[arcs[a].to]++] = a;
  for (size_t i = 0; i < queue.size(); ++i)
    for (uint32_t a = begin_of[queue[i]]; a < begin_of[queue[i] + 1]; ++a) {
      const uint32_t from = arcs[into[a]].from;
      if (keep[from]) continue;
      keep[from] = true;
      queue.push_back(from);
    }
  std::vector<uint32_t> number(count, 0);
  graph = {};
  for (uint32_t i = 0; i < count; ++i) {
    if (!keep[i]) continue;
    number[i] = static_cast<uint32_t>(graph.arcs.size());
    graph.arcs.emplace_back();
    graph.goal.push_back(nodes_[i].position == length_ && nodes_[i].cost == cost &&
                         automaton_.is_final(nodes_[i].state));
  }
  for (const Arc& a : arcs)
    if (keep[a.from] && keep[a.to])
      graph.arcs[number[a.from]].push_back({number[a.to], a.kind, a.step, nodes_[a.from].position});
  return true;
}

}  // namespace casebox::analytics::conformance::internal
