#include <gmock/gmock.h>

#include <functional>

#include "analytics/protocol/lint.h"
#include "analytics/protocol/norm.h"

namespace casebox::analytics::protocol {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

v1::Protocol base() {
  v1::Protocol p;
  p.set_id("p");
  p.set_version("1.2.3");
  for (const char* id : {"a", "b", "c"}) {
    p.add_steps()->set_id(id);
    p.mutable_steps(p.steps_size() - 1)->add_observed_by("team.marks");
    p.mutable_flow()->add_sequence()->set_step(id);
  }
  return p;
}

std::string refusal(const std::function<void(v1::Protocol&)>& change) {
  v1::Protocol p = base();
  change(p);
  const auto norm = compile(p);
  return norm ? "accepted" : norm.error().message;
}

std::vector<std::string> kinds(const std::function<void(v1::Protocol&)>& change) {
  v1::Protocol p = base();
  change(p);
  const auto norm = compile(p);
  EXPECT_TRUE(norm) << norm.error().message;
  std::vector<std::string> out;
  for (const LintFinding& f : lint(*norm)) out.push_back(f.kind + " " + f.step);
  return out;
}

TEST(Protocol, WhatCannotMeanAnythingIsRefused) {
  EXPECT_EQ(refusal([](auto&) {}), "accepted");
  EXPECT_THAT(refusal([](auto& p) { p.set_version("1.2"); }), HasSubstr("1.2.3"));
  EXPECT_THAT(refusal([](auto& p) { p.add_steps()->set_id("a"); }), HasSubstr("there twice"));
  EXPECT_THAT(refusal([](auto& p) { p.mutable_flow()->add_sequence()->set_step("x"); }),
              HasSubstr("'x' is not among the steps"));
  EXPECT_THAT(refusal([](auto& p) { p.mutable_flow()->add_sequence(); }),
              HasSubstr("says nothing"));
  EXPECT_THAT(refusal([](auto& p) { p.mutable_flow()->set_step("a"); }),
              HasSubstr("says several things"));
  EXPECT_THAT(refusal([](auto& p) { p.add_pathways(); }), HasSubstr("flow and pathways"));
  EXPECT_THAT(refusal([](auto& p) { p.add_checks(); }), HasSubstr("0 rules"));
  EXPECT_THAT(refusal([](auto& p) { p.add_checks()->mutable_absence()->set_step("x"); }),
              HasSubstr("'x'"));
  EXPECT_THAT(refusal([](auto& p) { p.add_checks()->mutable_not_longer_than()->set_step("a"); }),
              HasSubstr("limit_s is missing"));
  EXPECT_THAT(refusal([](auto& p) { p.mutable_steps(0)->set_value("v"); }),
              HasSubstr("not among the values"));
  EXPECT_THAT(refusal([](auto& p) { p.mutable_steps(0)->add_activities("b"); }),
              HasSubstr("means two steps"));
  EXPECT_THAT(
      refusal([](auto& p) { p.mutable_steps(0)->set_latitude(v1::PROTOCOL_LATITUDE_FREE); }),
      HasSubstr("latitude free"));
}

TEST(Lint, AGoodProtocolHasNoFindings) {
  EXPECT_THAT(kinds([](auto&) {}), testing::ElementsAre());
}

TEST(Lint, FindsStepsNothingCanObserve) {
  EXPECT_THAT(kinds([](auto& p) { p.mutable_steps(1)->clear_observed_by(); }),
              Contains("unobservable b"));
  EXPECT_THAT(kinds([](auto& p) { p.mutable_steps(1)->set_detect(0); }),
              Contains("unobservable b"));
}

TEST(Lint, FindsChecksTheFlowContradictsOrAlwaysKeeps) {
  const auto rule = [](const char* first, const char* then) {
    return [=](v1::Protocol& p) {
      p.add_checks()->mutable_precedence()->set_first(first);
      p.mutable_checks(0)->mutable_precedence()->set_then(then);
    };
  };
  EXPECT_THAT(kinds(rule("a", "b")), Contains("redundant b"));
  EXPECT_THAT(kinds(rule("b", "a")), Contains("contradiction a"));
  EXPECT_THAT(kinds([](auto& p) { p.add_checks()->mutable_absence()->set_step("b"); }),
              Contains("contradiction b"));
  EXPECT_THAT(kinds([](auto& p) {
                p.mutable_flow()->mutable_sequence(1)->clear_step();
                p.mutable_flow()->mutable_sequence(1)->mutable_optional()->set_step("b");
                p.add_checks()->mutable_absence()->set_step("b");
              }),
              Not(Contains("contradiction b")));
}

TEST(Lint, FindsNetsThatAreNotSound) {
  auto norm = compile(base());
  ASSERT_TRUE(norm);
  // b also puts a token on a place nothing takes it from.
  const uint32_t trap = norm->net.add_place("trap");
  norm->net.transitions[1].out.push_back(trap);
  norm->net.finish();
  std::vector<std::string> messages;
  for (const LintFinding& f : lint(*norm)) messages.push_back(f.message);
  EXPECT_THAT(messages, Contains(HasSubstr("end cannot be reached")));
  EXPECT_THAT(messages, Contains(HasSubstr("still run")));

  auto stuck = compile(base());
  stuck->net.transitions.push_back({"astray", kSilent, {0}, {stuck->net.add_place("dead end")}});
  stuck->net.finish();
  messages.clear();
  for (const LintFinding& f : lint(*stuck)) messages.push_back(f.message);
  EXPECT_THAT(messages, Contains(HasSubstr("get stuck")));

  auto endless = compile(base());
  endless->net.transitions.push_back({"more", kSilent, {0}, {0, 2}});
  endless->net.finish();
  messages.clear();
  for (const LintFinding& f : lint(*endless)) messages.push_back(f.message);
  EXPECT_THAT(messages, Contains(HasSubstr("without bound")));
}

TEST(Lint, FindsStepsNoRunDoes) {
  auto norm = compile(base());
  norm->net.transitions.push_back({"c again", 2, {norm->net.add_place("never")}, {1}});
  norm->source.add_steps()->set_id("d");
  norm->net.transitions.push_back(
      {"d", 3, {static_cast<uint32_t>(norm->net.places.size() - 1)}, {1}});
  norm->net.finish();
  std::vector<std::string> found;
  for (const LintFinding& f : lint(*norm)) found.push_back(f.kind + " " + f.step);
  EXPECT_THAT(found, Contains("unreachable d"));
  EXPECT_THAT(found, Not(Contains("unreachable c")));
}

}  // namespace
}  // namespace casebox::analytics::protocol
