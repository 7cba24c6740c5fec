#include "analytics/protocol/lint.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace casebox::analytics::protocol {
namespace {

constexpr size_t kMaxMarkings = 200'000;
constexpr size_t kMaxMarkingBytes = size_t{512} << 20;  // each is held twice
constexpr size_t kMarkingOverhead = 250;
constexpr size_t kMaxArcs = 20'000'000;
// A place with more is taken to fill up for ever; such markings are not followed.
constexpr uint8_t kManyTokens = 16;

struct Arc {
  int32_t step;
  uint32_t to;
};

/// All markings, and which of them can still end.
struct Graph {
  std::vector<Marking> markings;
  std::vector<std::vector<Arc>> arcs;
  std::vector<bool> final;
  std::vector<bool> can_end;
  bool whole = true;
  std::string overflow;  // a transition that would put too many tokens on a place

  explicit Graph(const Net& net) {
    std::unordered_map<std::string, uint32_t> ids;
    const auto add = [&](const Marking& m) {
      const auto [it, added] =
          ids.try_emplace(std::string(m.begin(), m.end()), static_cast<uint32_t>(markings.size()));
      if (added) markings.push_back(m);
      return it->second;
    };
    add(net.initial);
    Marking next;
    size_t arc_count = 0;
    const size_t each = 2 * net.places.size() + kMarkingOverhead;
    for (uint32_t i = 0; i < markings.size(); ++i) {
      if (markings.size() > kMaxMarkings || markings.size() * each > kMaxMarkingBytes ||
          arc_count > kMaxArcs) {
        whole = false;
        break;
      }
      std::vector<Arc> out;
      const Marking marking = markings[i];
      for (const Transition& t : net.transitions) {
        if (!net.enabled(marking, t)) continue;
        if (net.fire(marking, t, next) && std::ranges::max(next) <= kManyTokens)
          out.push_back({t.step, add(next)});
        else if (overflow.empty())
          overflow = t.name;
      }
      arc_count += out.size();
      arcs.push_back(std::move(out));
    }
    arcs.resize(markings.size());
    std::vector<std::vector<uint32_t>> before(markings.size());
    std::vector<uint32_t> queue;
    can_end.resize(markings.size());
    for (uint32_t i = 0; i < markings.size(); ++i) {
      for (const Arc& a : arcs[i]) before[a.to].push_back(i);
      final.push_back(std::ranges::find(net.finals, markings[i]) != net.finals.end());
      if (final[i]) {
        can_end[i] = true;
        queue.push_back(i);
      }
    }
    for (size_t i = 0; i < queue.size(); ++i)
      for (uint32_t b : before[queue[i]])
        if (!can_end[b]) {
          can_end[b] = true;
          queue.push_back(b);
        }
  }
};

class Linter {
 public:
  explicit Linter(const Norm& norm) : norm_(norm), graph_(norm.net) {}

  std::vector<LintFinding> run() {
    soundness();
    steps();
    for (int i = 0; i < norm_.source.checks_size(); ++i) check(i);
    pairs();
    return std::move(out_);
  }

 private:
  void add(const std::string& kind, bool error, const std::string& step, int check,
           const std::string& message) {
    out_.push_back({kind, error, step, check, message});
  }

  void soundness() {
    if (!graph_.whole)
      add("too_large", true, "", -1,
          "more than 200000 states, or more than memory allows; fewer steps in any order would "
          "make "
          "it exact");
    if (!graph_.overflow.empty())
      add("unsound", true, "", -1,
          "'" + graph_.overflow +
              "' seems to happen without bound: it puts more than 16 tokens on "
              "a place");
    if (!graph_.can_end[0] && graph_.whole) {
      add("unsound", true, "", -1, "the end cannot be reached from the beginning");
    } else if (graph_.whole) {
      const auto stuck = std::ranges::count(graph_.can_end, false);
      if (stuck > 0)
        add("unsound", true, "", -1,
            "a case can get stuck: from " + std::to_string(stuck) + " of " +
                std::to_string(graph_.markings.size()) + " states the end cannot be reached");
    }
    std::set<uint32_t> unsafe;
    for (const Marking& m : graph_.markings)
      for (uint32_t p = 0; p < m.size(); ++p)
        if (m[p] > 1) unsafe.insert(p);
    if (!unsafe.empty())
      add("unsound", true, "", -1,
          "not safe: place '" + norm_.net.places[*unsafe.begin()] +
              "' can hold several tokens, so a branch can run twice at once");
    const auto more = std::ranges::any_of(graph_.markings, [&](const Marking& m) {
      return std::ranges::any_of(norm_.net.finals, [&](const Marking& f) {
        return m != f && std::ranges::equal(m, f, std::ranges::greater_equal());
      });
    });
    if (more)
      add("unsound", true, "", -1, "a case can reach its end while other branches still run");
  }

  void steps() {
    std::set<int32_t> in_flow, doable;
    for (const Transition& t : norm_.net.transitions) in_flow.insert(t.step);
    for (uint32_t i = 0; i < graph_.markings.size(); ++i)
      for (const Arc& a : graph_.arcs[i])
        if (graph_.can_end[a.to]) doable.insert(a.step);
    std::set<std::string> in_checks;
    for (const v1::ProtocolCheck& c : norm_.source.checks())
      for (const std::string& id :
           {c.existence().step(), c.absence().step(), c.at_most().step(),
            c.not_longer_than().step(), c.not_shorter_than().step(), c.precedence().first(),
            c.precedence().then(), c.response().first(), c.response().then(),
            c.not_together().first(), c.not_together().then(), c.within().first(),
            c.within().then()})
        in_checks.insert(id);
    const bool imported = norm_.source.version().empty();  // PNML and BPMN say nothing of streams
    for (int i = 0; i < norm_.source.steps_size(); ++i) {
      const v1::ProtocolStep& s = norm_.source.steps(i);
      if (in_flow.contains(i) && !doable.contains(i) && graph_.whole)
        add("unreachable", true, s.id(), -1, "no run from beginning to end does this step");
      if (!in_flow.contains(i) && !in_checks.contains(s.id()) &&
          s.latitude() != v1::PROTOCOL_LATITUDE_FREE)
        add("unused", false, s.id(), -1,
            "neither the flow nor a check is about this step; say latitude: free if that is meant");
      if (imported) continue;
      if (s.has_detect() && s.detect() == 0)
        add("unobservable", true, s.id(), -1, "detect is 0: whether it was done can never be said");
      else if (s.observed_by_size() == 0 && s.latitude() != v1::PROTOCOL_LATITUDE_FREE)
        add("unobservable", false, s.id(), -1,
            "observed_by names no stream, so a gap can never explain that it was not seen");
    }
  }

  std::optional<int32_t> step(const std::string& id) const {
    const auto found = norm_.step_with_id(id);
    if (!found) return std::nullopt;
    return static_cast<int32_t>(*found);
  }
  bool in_flow(int32_t step) const {
    return std::ranges::any_of(norm_.net.transitions,
                               [&](const Transition& t) { return t.step == step; });
  }

  /// Is there a run whose steps an observer accepts at the end? The observer has few states: `next`
  /// gives the state after a step, negative = refused.
  template <typename Next, typename Accepts>
  bool some_run(int start, Next next, Accepts accepts) const {
    std::set<std::pair<uint32_t, int>> seen{{0, start}};
    std::vector<std::pair<uint32_t, int>> queue{{0, start}};
    for (size_t i = 0; i < queue.size(); ++i) {
      const auto [marking, state] = queue[i];
      if (graph_.final[marking] && accepts(state)) return true;
      for (const Arc& a : graph_.arcs[marking]) {
        const int to = a.step == kSilent ? state : next(state, a.step);
        if (to >= 0 && seen.insert({a.to, to}).second) queue.emplace_back(a.to, to);
      }
    }
    return false;
  }

  // Judges a check by whether some run of the flow keeps it and some run breaks it.
  template <typename Next, typename Accepts>
  void judge(int index, const std::string& step, int start, Next next, Accepts accepts) {
    if (!graph_.whole) return;
    if (!some_run(start, next, accepts))
      add("contradiction", true, step, index, "no run of the flow keeps this check");
    else if (!some_run(start, next, [&](int state) { return !accepts(state); }))
      add("redundant", false, step, index, "every run of the flow keeps this check");
  }

  void check(int index) {
    const v1::ProtocolCheck& c = norm_.source.checks(index);
    const auto count = [&](const v1::ProtocolStepRule& rule, int low, int high) {
      const auto s = step(rule.step());
      if (!s || !in_flow(*s)) return;
      const int cap = std::max(low, high) + 1;
      judge(
          index, rule.step(), 0,
          [&](int n, int32_t label) { return label == *s ? std::min(n + 1, cap) : n; },
          [&](int n) { return n >= low && n <= high; });
    };
    constexpr int kMany = 1000;
    if (c.has_existence())
      count(c.existence(), static_cast<int>(std::clamp<uint32_t>(c.existence().count(), 1, kMany)),
            kMany);
    if (c.has_absence()) count(c.absence(), 0, 0);
    if (c.has_at_most())
      count(c.at_most(), 0, static_cast<int>(std::min<uint32_t>(c.at_most().count(), kMany - 1)));
    const auto pair = [&](const v1::ProtocolPairRule& rule, auto next, auto accepts) {
      const auto a = step(rule.first()), b = step(rule.then());
      if (!a || !b || !in_flow(*a) || !in_flow(*b)) return;
      judge(
          index, rule.then(), 0,
          [&](int state, int32_t label) { return next(state, label == *a, label == *b); }, accepts);
    };
    // States: bit 0 first was done, bit 1 broken or (response, together) the other was.
    if (c.has_precedence())
      pair(
          c.precedence(),
          [](int s, bool a, bool b) { return s | (b && !(s & 1) ? 2 : 0) | (a ? 1 : 0); },
          [](int s) { return (s & 2) == 0; });
    if (c.has_response())
      pair(
          c.response(), [](int s, bool a, bool b) { return a   ? 1
                                                           : b ? 0
                                                               : s; },
          [](int s) { return s == 0; });
    if (c.has_not_together())
      pair(
          c.not_together(), [](int s, bool a, bool b) { return s | (a ? 1 : 0) | (b ? 2 : 0); },
          [](int s) { return s != 3; });
  }

  // Checks that cannot both be kept whatever the flow.
  void pairs() {
    const auto& checks = norm_.source.checks();
    for (int i = 0; i < checks.size(); ++i) {
      for (int k = 0; k < checks.size(); ++k) {
        const v1::ProtocolCheck &a = checks[i], &b = checks[k];
        if (a.has_existence() && b.has_absence() && a.existence().step() == b.absence().step())
          add("contradiction", true, a.existence().step(), i,
              "asked for and forbidden by two checks");
        if (a.has_existence() && b.has_at_most() && a.existence().step() == b.at_most().step() &&
            std::max(a.existence().count(), 1u) > b.at_most().count())
          add("contradiction", true, a.existence().step(), i,
              "asked for more often than another check allows");
        if (a.has_not_shorter_than() && b.has_not_longer_than() &&
            a.not_shorter_than().step() == b.not_longer_than().step() &&
            a.not_shorter_than().limit_s() > b.not_longer_than().limit_s())
          add("contradiction", true, a.not_shorter_than().step(), i,
              "its least duration is above its longest");
        if (i < k && a.has_precedence() && b.has_precedence() &&
            a.precedence().first() == b.precedence().then() &&
            a.precedence().then() == b.precedence().first())
          add("contradiction", true, a.precedence().first(), k,
              "two checks ask for each of two steps before the other");
      }
    }
  }

  const Norm& norm_;
  Graph graph_;
  std::vector<LintFinding> out_;
};

}  // namespace

std::vector<LintFinding> lint(const Norm& norm) { return Linter(norm).run(); }

}  // namespace casebox::analytics::protocol
