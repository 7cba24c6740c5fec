#include "analytics/conformance/internal/rules.h"

#include <algorithm>
#include <cmath>

#include "analytics/conformance/internal/sentences.h"

namespace casebox::analytics::conformance::internal {
namespace {

class Rules {
 public:
  Rules(const protocol::Norm& norm, const std::vector<Occurrence>& occurrences)
      : norm_(norm), all_(occurrences) {}

  std::vector<Broken> run() {
    for (int i = 0; i < norm_.source.checks_size(); ++i) {
      check_ = i;
      const v1::ProtocolCheck& c = norm_.source.checks(i);
      if (c.has_existence()) existence(c.existence());
      if (c.has_absence()) at_most(step(c.absence().step()), 0);
      if (c.has_at_most()) at_most(step(c.at_most().step()), c.at_most().count());
      if (c.has_precedence()) precedence(c.precedence());
      if (c.has_response()) response(c.response());
      if (c.has_not_together()) not_together(c.not_together());
    }
    return std::move(out_);
  }

 private:
  // compile() has seen that it is there.
  uint32_t step(const std::string& id) const { return norm_.step_with_id(id).value_or(0); }

  std::vector<size_t> places(uint32_t step) const {
    std::vector<size_t> out;
    for (size_t i = 0; i < all_.size(); ++i)
      if (all_[i].step == step) out.push_back(i);
    return out;
  }
  void add(Kind kind, uint32_t step, std::optional<size_t> place) {
    Broken broken{kind, step, {}, check_};
    if (place) broken.event = all_[*place].event;
    out_.push_back(broken);
  }

  void existence(const v1::ProtocolStepRule& rule) {
    const uint32_t s = step(rule.step());
    if (places(s).size() < std::max(rule.count(), 1u)) add(Kind::kMissing, s, {});
  }
  void at_most(uint32_t s, uint32_t count) {
    const std::vector<size_t> done = places(s);
    for (size_t i = count; i < done.size(); ++i) add(Kind::kExtra, s, done[i]);
  }
  void precedence(const v1::ProtocolPairRule& rule) {
    const uint32_t first = step(rule.first());
    const std::vector<size_t> before = places(first), after = places(step(rule.then()));
    if (after.empty()) return;
    if (before.empty()) return add(Kind::kMissing, first, {});
    if (before.front() > after.front()) add(Kind::kOrder, first, before.front());
  }
  void response(const v1::ProtocolPairRule& rule) {
    const uint32_t then = step(rule.then());
    const std::vector<size_t> asks = places(step(rule.first())), answers = places(then);
    if (asks.empty()) return;
    if (answers.empty()) return add(Kind::kMissing, then, {});
    if (answers.back() < asks.back()) add(Kind::kOrder, then, answers.back());
  }
  void not_together(const v1::ProtocolPairRule& rule) {
    const uint32_t a = step(rule.first()), b = step(rule.then());
    const std::vector<size_t> one = places(a), other = places(b);
    if (one.empty() || other.empty()) return;
    if (one.front() > other.front())
      add(Kind::kExtra, a, one.front());
    else
      add(Kind::kExtra, b, other.front());
  }

  const protocol::Norm& norm_;
  const std::vector<Occurrence>& all_;
  std::vector<Broken> out_;
  int check_ = 0;
};

class Limits {
 public:
  Limits(const protocol::Norm& norm, const CaseView& view, double scale,
         std::vector<std::string>& notices)
      : norm_(norm), view_(view), scale_(scale), notices_(notices) {}

  std::vector<Overrun> run() {
    for (int i = 0; i < norm_.source.checks_size(); ++i) {
      check_ = i;
      const v1::ProtocolCheck& c = norm_.source.checks(i);
      if (c.has_not_longer_than()) duration(c.not_longer_than(), true);
      if (c.has_not_shorter_than()) duration(c.not_shorter_than(), false);
      if (c.has_within()) within(c.within());
    }
    return std::move(out_);
  }

 private:
  int64_t limit(double seconds) const { return std::llround(seconds * scale_ * 1e9); }

  bool timed(uint32_t event, const std::string& what) {
    const LogEvent& e = view_.event(event);
    if (e.timed && e.u95_ns >= 0) return true;
    notices_.push_back(
        what + ": no timing claim, " +
        (e.timed ? "its clock has no known uncertainty" : "only its order is known"));
    return false;
  }

  // `beyond` > 0: the limit is broken by that much.
  void claim(uint32_t step, uint32_t event, int64_t beyond, int64_t uncertainty, int64_t limit_ns,
             int64_t took, int64_t t0, int64_t t1, bool longer,
             std::optional<uint32_t> after = {}) {
    if (beyond <= 0) return;
    if (beyond <= uncertainty) {
      notices_.push_back(norm_.title(step) + ": " + duration_text(beyond) +
                         " beyond the limit of " + duration_text(limit_ns) +
                         ", but times are known to " + duration_text(uncertainty) +
                         " only: no claim");
      return;
    }
    out_.push_back({step, event, check_, t0, t1, longer ? beyond : -beyond, limit_ns, took, after});
  }

  void duration(const v1::ProtocolStepRule& rule, bool longer) {
    const uint32_t step = norm_.step_with_id(rule.step()).value_or(0);
    const int64_t limit_ns = limit(rule.limit_s());
    for (const Occurrence& o : view_.occurrences) {
      if (o.step != step) continue;
      const LogEvent& e = view_.event(o.event);
      if (e.open && !longer) continue;  // it may have gone on
      if (!timed(o.event, norm_.title(step))) continue;
      const int64_t took = e.t1_ns - e.t0_ns;
      claim(step, o.event, longer ? took - limit_ns : limit_ns - took,
            e.start_u95_ns() + e.end_u95_ns(), limit_ns, took,
            longer ? e.t0_ns + limit_ns : e.t0_ns, e.t1_ns, longer);
    }
  }

  void within(const v1::ProtocolPairRule& rule) {
    const uint32_t first = norm_.step_with_id(rule.first()).value_or(0);
    const uint32_t then = norm_.step_with_id(rule.then()).value_or(0);
    const int64_t limit_ns = limit(rule.limit_s());
    std::optional<uint32_t> from;
    for (const Occurrence& o : view_.occurrences) {
      if (o.step == then && from) {
        const LogEvent& a = view_.event(*from);
        const LogEvent& b = view_.event(o.event);
        if (timed(*from, norm_.title(first)) && timed(o.event, norm_.title(then)) && !a.open)
          claim(then, o.event, b.t0_ns - a.t1_ns - limit_ns, a.end_u95_ns() + b.start_u95_ns(),
                limit_ns, b.t0_ns - a.t1_ns, a.t1_ns + limit_ns, b.t0_ns, true, first);
        from.reset();
      }
      if (o.step == first) from = o.event;
    }
  }

  const protocol::Norm& norm_;
  const CaseView& view_;
  double scale_;
  std::vector<std::string>& notices_;
  std::vector<Overrun> out_;
  int check_ = 0;
};

bool has_limits(const protocol::Norm& norm) {
  return std::ranges::any_of(norm.source.checks(), [](const v1::ProtocolCheck& c) {
    return c.has_not_longer_than() || c.has_not_shorter_than() || c.has_within();
  });
}

}  // namespace

std::vector<Broken> broken_rules(const protocol::Norm& norm,
                                 const std::vector<Occurrence>& occurrences) {
  return Rules(norm, occurrences).run();
}

std::vector<Overrun> overruns(const protocol::Norm& norm, const CaseView& view, double scale,
                              bool clocks_trusted, std::vector<std::string>& notices) {
  if (!has_limits(norm)) return {};
  if (!clocks_trusted) {
    notices.push_back("no timing claim: the case's clocks are not to be trusted");
    return {};
  }
  return Limits(norm, view, scale, notices).run();
}

std::string check_name(const protocol::Norm& norm, int check) {
  const std::string& id = norm.source.checks(check).id();
  return id.empty() ? "checks[" + std::to_string(check) + "]" : id;
}

}  // namespace casebox::analytics::conformance::internal
