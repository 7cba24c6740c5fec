// Exact against exhaustive: on small random norms and traces the cost, the certain and ambiguous
// split and the margins equal what comes out of listing every alignment there is.

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "analytics/conformance/conform.h"
#include "analytics/conformance/internal/variant.h"

namespace casebox::analytics::conformance {
namespace {

using internal::Item;
using internal::ItemKind;
using internal::Sequence;

constexpr int kSteps = 4;

/// A random flow over steps a..d.
v1::ProtocolFlow random_flow(std::mt19937_64& random, int depth) {
  v1::ProtocolFlow flow;
  const auto pick = depth == 0 ? 0 : random() % 6;
  const auto children = [&] { return 2 + random() % 2; };
  switch (pick) {
    case 1:
      for (auto n = children(); n > 0; --n) *flow.add_sequence() = random_flow(random, depth - 1);
      break;
    case 2:
      for (auto n = children(); n > 0; --n) *flow.add_choice() = random_flow(random, depth - 1);
      break;
    case 3:
      for (int n = 0; n < 2; ++n) *flow.add_any_order() = random_flow(random, depth - 1);
      break;
    case 4: *flow.mutable_optional() = random_flow(random, depth - 1); break;
    case 5:
      *flow.mutable_loop()->mutable_body() = random_flow(random, depth - 1);
      if (random() % 2) *flow.mutable_loop()->mutable_redo() = random_flow(random, depth - 1);
      break;
    default: flow.set_step(std::string(1, static_cast<char>('a' + random() % kSteps)));
  }
  return flow;
}

protocol::Norm random_norm(std::mt19937_64& random) {
  v1::Protocol source;
  source.set_id("random");
  source.set_version("1.0.0");
  for (int i = 0; i < kSteps; ++i) {
    v1::ProtocolStep& step = *source.add_steps();
    step.set_id(std::string(1, static_cast<char>('a' + i)));
    step.set_repeat(random() % 5 == 0);
  }
  *source.mutable_flow() = random_flow(random, 3);
  auto norm = protocol::compile(source);
  EXPECT_TRUE(norm) << norm.error().message;
  return *std::move(norm);
}

/// Every set of moves of every alignment up to a cost, straight from the net, by depth-first search
/// over markings: no automaton, no heuristic, no sharing of states.
class Enumeration {
 public:
  Enumeration(const protocol::Net& net, const Sequence& sequence, int64_t silent, int64_t unit)
      : net_(net), sequence_(sequence), silent_(silent), unit_(unit) {}

  /// Signatures (sorted moves, with repetitions) with their least cost, up to `limit`; nullopt when
  /// there are too many to be listed in a test.
  std::optional<std::map<std::vector<int>, int64_t>> run(int64_t limit) {
    limit_ = limit;
    walk(net_.initial, 0, 0, {});
    if (seen_.size() > kMost) return std::nullopt;
    return out_;
  }

 private:
  void walk(const protocol::Marking& marking, size_t position, int64_t cost,
            std::vector<int> moves) {
    if (cost > limit_ || seen_.size() > kMost) return;
    std::vector<int> sorted = moves;
    std::sort(sorted.begin(), sorted.end());
    // The same place with the same moves was reached at no more cost: nothing new comes of it.
    const auto [it, fresh] = seen_.try_emplace({marking, position, sorted}, cost);
    if (!fresh && it->second <= cost) return;
    it->second = cost;
    if (position == sequence_.size() &&
        std::find(net_.finals.begin(), net_.finals.end(), marking) != net_.finals.end()) {
      const auto [known, added] = out_.try_emplace(sorted, cost);
      if (!added) known->second = std::min(known->second, cost);
    }
    if (position < sequence_.size()) {
      moves.push_back(static_cast<int>(position));
      walk(marking, position + 1, cost + unit_, moves);
      moves.pop_back();
    }
    for (const protocol::Transition& t : net_.transitions) {
      if (!net_.enabled(marking, t)) continue;
      protocol::Marking next;
      if (!net_.fire(marking, t, next)) continue;
      if (t.step == protocol::kSilent) {
        walk(next, position, cost + silent_, moves);
        continue;
      }
      if (position < sequence_.size() && sequence_[position] == t.step)
        walk(next, position + 1, cost, moves);
      moves.push_back(1000 + t.step);
      walk(next, position, cost + unit_, moves);
      moves.pop_back();
    }
  }

  static constexpr size_t kMost = 20'000;
  const protocol::Net& net_;
  const Sequence& sequence_;
  int64_t silent_, unit_, limit_ = 0;
  std::map<std::tuple<protocol::Marking, size_t, std::vector<int>>, int64_t> seen_;
  std::map<std::vector<int>, int64_t> out_;
};

std::set<Item> departures_of(const std::vector<int>& moves, const Sequence& sequence) {
  std::map<int, uint32_t> missing;
  for (int m : moves)
    if (m >= 1000) ++missing[m - 1000];
  std::set<Item> out;
  for (int m : moves) {
    if (m >= 1000) continue;
    const int32_t step = sequence[static_cast<size_t>(m)];
    const bool pairs = step >= 0 && missing[step] > 0;
    if (pairs) --missing[step];
    out.insert({pairs ? ItemKind::kOrder : ItemKind::kExtra, static_cast<uint32_t>(m), step, 0});
  }
  for (const auto& [step, n] : missing)
    for (uint32_t k = 0; k < n; ++k) out.insert({ItemKind::kMissing, 0, step, k});
  return out;
}

struct Truth {
  int64_t cost;
  std::set<Item> in_all, in_some;
  size_t explanations;
};

std::optional<Truth> truth_of(const protocol::Net& net, const Sequence& sequence, int64_t cost,
                              int64_t silent, int64_t unit) {
  Truth truth{INT64_MAX, {}, {}, 0};
  const auto listed = Enumeration(net, sequence, silent, unit).run(cost);
  if (!listed) return std::nullopt;
  const std::map<std::vector<int>, int64_t>& all = *listed;
  for (const auto& [moves, c] : all) truth.cost = std::min(truth.cost, c);
  std::set<std::set<Item>> explanations;
  for (const auto& [moves, c] : all)
    if (c == truth.cost) explanations.insert(departures_of(moves, sequence));
  truth.explanations = explanations.size();
  std::map<Item, size_t> times;
  for (const std::set<Item>& e : explanations)
    for (const Item& item : e) ++times[item];
  for (const auto& [item, n] : times) {
    truth.in_some.insert(item);
    if (n == explanations.size()) truth.in_all.insert(item);
  }
  return truth;
}

Sequence random_sequence(std::mt19937_64& random) {
  Sequence out(random() % 6);
  for (int32_t& step : out) {
    step = static_cast<int32_t>(random() % (kSteps + 1));
    if (step == kSteps) step = internal::kAlien;
  }
  return out;
}

/// 100; the long form of tests/run 2,000; or as said.
int rounds() {
  if (const char* set = std::getenv("CASEBOX_PROPERTY_ROUNDS")) return std::atoi(set);
  return std::getenv("CASEBOX_TEST_LONG") == nullptr ? 100 : 2000;
}

/// Adds to `compared` how many sequences were.
void compare_with_enumeration(int& compared, uint64_t seed, int64_t unit, int64_t silent,
                              uint32_t max_markings, size_t explain_limit) {
  std::mt19937_64 random(seed);
  const protocol::Norm norm = random_norm(random);
  internal::NormStates states(norm.net, max_markings, silent == 0), replayed = states;
  internal::Automaton& automaton = states.all();
  if (automaton.complete() && automaton.steps_to_end(0) == internal::kNoPath) return;
  internal::Search search(automaton, {unit, silent}, 1'000'000);
  for (int k = 0; k < 4; ++k) {
    const Sequence sequence = random_sequence(random);
    internal::TightGraph graph;
    const internal::Found found = search.all_cheapest(sequence, graph);
    ASSERT_TRUE(found.exact);
    ASSERT_TRUE(found.possible);
    if (silent == 0) {
      EXPECT_EQ(replayed.fits(sequence), found.cost == 0) << "seed " << seed;
      EXPECT_EQ(states.fits(sequence), found.cost == 0) << "seed " << seed;
    }
    EXPECT_EQ(search.cheapest(sequence).cost, found.cost);
    const auto listed = truth_of(norm.net, sequence, found.cost, silent, unit);
    if (!listed) continue;
    ++compared;
    const Truth& truth = *listed;
    ASSERT_EQ(found.cost, truth.cost) << "seed " << seed << "\n" << norm.source.DebugString();
    const internal::Explained explained = internal::explain(graph, sequence, kSteps, explain_limit);
    if (!explained.complete) {
      // Judged one by one: moves, not pairs.
      std::set<Item> certain;
      for (size_t i = 0; i < explained.items.size(); ++i)
        if (explained.certain[i]) certain.insert(explained.items[i]);
      for (const Item& item : truth.in_all)
        if (item.kind == ItemKind::kExtra) {
          EXPECT_TRUE(certain.contains(item) ||
                      certain.contains({ItemKind::kOrder, item.position, item.step, 0}))
              << "seed " << seed;
        }
      continue;
    }
    EXPECT_EQ(explained.explanations.size(), truth.explanations) << "seed " << seed;
    EXPECT_EQ(std::set<Item>(explained.items.begin(), explained.items.end()), truth.in_some);
    std::set<Item> certain;
    for (size_t i = 0; i < explained.items.size(); ++i)
      if (explained.certain[i]) certain.insert(explained.items[i]);
    EXPECT_EQ(certain, truth.in_all) << "seed " << seed << "\n" << norm.source.DebugString();
  }
}

TEST(Alignment, CostAndSplitEqualExhaustiveEnumeration) {
  int compared = 0;
  for (int seed = 1; seed <= rounds(); ++seed)
    compare_with_enumeration(compared, static_cast<uint64_t>(seed), 1, 0, 10'000, 1 << 20);
  EXPECT_GE(compared, rounds());
}

TEST(Alignment, IsTheSameWhenSilentStepsCost) {
  int compared = 0;
  for (int seed = 1; seed <= rounds(); ++seed)
    compare_with_enumeration(compared, static_cast<uint64_t>(seed), 4, 1, 10'000, 1 << 20);
  EXPECT_GE(compared, rounds());
}

TEST(Alignment, IsTheSameWhenMarkingsAreFoundOnTheWay) {
  int compared = 0;
  for (int seed = 1; seed <= rounds(); ++seed)
    compare_with_enumeration(compared, static_cast<uint64_t>(seed), 1, 0, 1, 1 << 20);
  EXPECT_GE(compared, rounds());
}

TEST(Alignment, JudgesDeparturesOneByOneWhenThereAreTooManyExplanations) {
  int compared = 0;
  for (int seed = 1; seed <= rounds(); ++seed)
    compare_with_enumeration(compared, static_cast<uint64_t>(seed), 1, 0, 10'000, 4);
  EXPECT_GE(compared, rounds());
}

TEST(Alignment, MarginIsTheCostOfTheBestExplanationWithoutTheDeparture) {
  int compared = 0;
  for (int seed = 1; seed <= rounds(); ++seed) {
    std::mt19937_64 random(static_cast<uint64_t>(seed));
    const protocol::Norm norm = random_norm(random);
    internal::NormStates states(norm.net, 10'000, true);
    internal::VariantAligner aligner(states, {}, {1'000'000, 64, true}, kSteps);
    ASSERT_TRUE(aligner.measure_shortest());
    const Sequence sequence = random_sequence(random);
    const internal::Variant& variant = aligner.align(sequence);
    const int64_t cost = variant.found.cost;
    const auto listed = Enumeration(norm.net, sequence, 0, 1).run(cost + 2);
    if (!listed) continue;
    ++compared;
    const std::map<std::vector<int>, int64_t>& all = *listed;
    for (const internal::VariantDeparture& d : variant.departures) {
      if (!d.certain) {
        EXPECT_EQ(d.margin, 0);
        continue;
      }
      // The least cost of an alignment without the move, or without one of the pair.
      std::optional<int64_t> least;
      for (const auto& [moves, c] : all) {
        const auto has = [&](int m) {
          return std::find(moves.begin(), moves.end(), m) != moves.end();
        };
        const bool log = has(static_cast<int>(d.item.position)), model = has(1000 + d.item.step);
        const bool without = d.item.kind == ItemKind::kExtra     ? !log
                             : d.item.kind == ItemKind::kMissing ? !model
                                                                 : !log || !model;
        if (without && (!least || c < *least)) least = c;
      }
      if (least) {
        EXPECT_EQ(d.margin, *least - cost) << "seed " << seed;
      } else {
        EXPECT_TRUE(!d.margin || *d.margin > 2) << "seed " << seed;
      }
    }
  }
  EXPECT_GE(compared, rounds() * 8 / 10);
}

// Whatever the budget is: the bounds enclose the cost, a margin that is not exact is below the
// exact one, and what is said to be exact is.
TEST(Alignment, BoundsHoldForAnyBudget) {
  size_t ended = 0, least = 0;
  for (int seed = 1; seed <= rounds(); ++seed) {
    std::mt19937_64 random(static_cast<uint64_t>(seed));
    const protocol::Norm norm = random_norm(random);
    internal::NormStates states(norm.net, seed % 2 ? 10'000 : 1, true);
    const Sequence sequence = random_sequence(random);
    internal::VariantAligner whole(states, {}, {1'000'000, 64, true}, kSteps);
    ASSERT_TRUE(whole.measure_shortest());
    const internal::Variant& truth = whole.align(sequence);
    for (uint64_t budget = 1; budget < 60; budget += 1 + random() % 5) {
      internal::VariantAligner aligner(states, {}, {1'000'000, 64, true}, kSteps);
      ASSERT_TRUE(aligner.measure_shortest());
      aligner.set_budget(budget);
      const internal::Variant& v = aligner.align(sequence);
      EXPECT_LE(v.found.lower, truth.found.cost) << "seed " << seed << " budget " << budget;
      EXPECT_GE(v.found.cost, truth.found.cost) << "seed " << seed << " budget " << budget;
      if (!v.found.exact) {
        ++ended;
        continue;
      }
      ASSERT_EQ(v.departures.size(), truth.departures.size());
      for (size_t i = 0; i < v.departures.size(); ++i) {
        const internal::VariantDeparture &a = v.departures[i], &b = truth.departures[i];
        EXPECT_EQ(a.certain, b.certain);
        if (a.margin_exact) {
          EXPECT_EQ(a.margin, b.margin) << "seed " << seed << " budget " << budget;
        } else {
          ++least;
          ASSERT_TRUE(a.margin);
          EXPECT_TRUE(!b.margin || *a.margin <= *b.margin) << "seed " << seed;
        }
      }
    }
  }
  EXPECT_GT(ended, 0u);
  EXPECT_GT(least, 0u);
}

}  // namespace
}  // namespace casebox::analytics::conformance
