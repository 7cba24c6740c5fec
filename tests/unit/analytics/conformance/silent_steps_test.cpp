#include "analytics/conformance/internal/silent_steps.h"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace casebox::analytics::conformance::internal {
namespace {

using protocol::kSilent;
using protocol::Marking;
using protocol::Net;
using Words = std::set<std::vector<int32_t>>;

/// Steps that lead from the beginning to an end, up to four of them; nullopt when the net is not
/// small.
std::optional<Words> words(const Net& net, uint8_t most_tokens) {
  Words out;
  std::set<std::pair<std::vector<int32_t>, Marking>> seen{{{}, net.initial}};
  std::vector<std::pair<std::vector<int32_t>, Marking>> queue(seen.begin(), seen.end());
  for (size_t i = 0; i < queue.size(); ++i) {
    if (queue.size() > 5000) return std::nullopt;
    const auto [word, marking] = queue[i];
    if (std::ranges::max(marking) > most_tokens) return std::nullopt;
    if (std::ranges::find(net.finals, marking) != net.finals.end()) out.insert(word);
    for (const protocol::Transition& t : net.transitions) {
      Marking next;
      if (!net.enabled(marking, t) || !net.fire(marking, t, next)) continue;
      std::vector<int32_t> longer = word;
      if (t.step != kSilent) longer.push_back(t.step);
      if (longer.size() <= 4 && seen.insert({longer, next}).second)
        queue.emplace_back(longer, next);
    }
  }
  return out;
}

Net random_net(std::mt19937_64& random) {
  Net net;
  constexpr uint32_t kPlaces = 6;
  for (uint32_t p = 0; p < kPlaces; ++p) net.add_place("p" + std::to_string(p));
  for (int i = 0; i < 8; ++i) {
    protocol::Transition t;
    t.step = random() % 2 ? kSilent : static_cast<int32_t>(random() % 3);
    for (auto* places : {&t.in, &t.out})
      for (auto n = 1 + random() % 4 / 3; n > 0; --n)
        places->push_back(static_cast<uint32_t>(random() % kPlaces));
    net.transitions.push_back(t);
  }
  net.finish();
  net.initial[0] = 1;
  net.finals.emplace_back(kPlaces);
  net.finals.back()[kPlaces - 1] = 1;
  return net;
}

TEST(SilentSteps, AreTakenAwayWithoutChangingWhatTheNetAllows) {
  std::mt19937_64 random(1);
  size_t compared = 0, smaller = 0;
  for (int round = 0; round < 1500; ++round) {
    const Net net = random_net(random);
    const auto before = words(net, 3);
    if (!before || before->empty()) continue;
    const Net reduced = without_needless_silence(net);
    const auto after = words(reduced, 40);
    ASSERT_TRUE(after) << round;
    ASSERT_EQ(*after, *before) << round;
    ++compared;
    smaller += reduced.places.size() < net.places.size();
  }
  EXPECT_GT(compared, 100u);
  EXPECT_GT(smaller, compared / 2);
}

// begin -> split -> (a | b) -> join -> end: only a and b are left.
TEST(SilentSteps, OfASplitAndAJoinGo) {
  Net net;
  for (const char* name : {"begin", "a0", "a1", "b0", "b1", "joined", "end"}) net.add_place(name);
  net.transitions = {{"split", kSilent, {0}, {1, 3}},
                     {"a", 0, {1}, {2}},
                     {"b", 1, {3}, {4}},
                     {"join", kSilent, {2, 4}, {5}},
                     {"c", 2, {5}, {6}}};
  net.finish();
  net.initial[0] = 1;
  net.finals.push_back({0, 0, 0, 0, 0, 0, 1});
  const Net reduced = without_needless_silence(net);
  EXPECT_EQ(std::ranges::count(reduced.transitions, kSilent, &protocol::Transition::step), 1);
  EXPECT_EQ(*words(reduced, 9), (Words{{0, 1, 2}, {1, 0, 2}}));
}

}  // namespace
}  // namespace casebox::analytics::conformance::internal
