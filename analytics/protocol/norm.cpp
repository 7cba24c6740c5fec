#include "analytics/protocol/norm.h"

#include <algorithm>
#include <cmath>

#include "analytics/protocol/internal/flow_compiler.h"

namespace casebox::analytics::protocol {
namespace {

constexpr int kMaxSteps = 10'000;

Error bad(const std::string& what) { return Error{Code::kInvalidArgument, what}; }

bool semantic_version(const std::string& text) {
  int numbers = 0;
  size_t i = 0;
  while (i < text.size() && numbers < 3) {
    const size_t begin = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    if (i == begin) return false;
    ++numbers;
    if (i < text.size() && numbers < 3 && text[i] == '.')
      ++i;
    else
      break;
  }
  return numbers == 3 && (i == text.size() || text[i] == '-' || text[i] == '+');
}

Result<void> add_steps(Norm& norm) {
  const v1::Protocol& source = norm.source;
  if (source.steps_size() > kMaxSteps) return bad("more than 10000 steps; split the protocol");
  std::set<std::string> ids, values;
  for (const v1::ProtocolValue& value : source.values()) {
    if (value.id().empty()) return bad("a value has no id; name it");
    if (!values.insert(value.id()).second) return bad("value '" + value.id() + "' is there twice");
    if (!std::isfinite(value.weight()) || value.weight() < 0)
      return bad("value '" + value.id() + "': its weight must be 0 or more");
  }
  for (int i = 0; i < source.steps_size(); ++i) {
    const v1::ProtocolStep& step = source.steps(i);
    if (step.id().empty()) return bad("steps[" + std::to_string(i) + "] has no id; name it");
    if (!ids.insert(step.id()).second)
      return bad("step '" + step.id() + "' is there twice; keep one");
    if (!step.value().empty() && !values.contains(step.value()))
      return bad("step '" + step.id() + "': value '" + step.value() + "' is not among the values");
    if (step.severity() > 4) return bad("step '" + step.id() + "': severity is 0 to 4");
    if (step.has_detect() && !(step.detect() >= 0 && step.detect() <= 1))
      return bad("step '" + step.id() + "': detect is a probability, 0 to 1");
    std::vector<std::string> names(step.activities().begin(), step.activities().end());
    if (names.empty()) names.push_back(step.id());
    for (const std::string& name : names)
      if (!norm.step_of.emplace(name, static_cast<uint32_t>(i)).second)
        return bad("activity '" + name + "' means two steps; give it to one");
  }
  for (const std::string& activity : source.ignore()) {
    if (norm.step_of.contains(activity))
      return bad("activity '" + activity + "' is a step and ignored; keep one");
    norm.ignored.insert(activity);
  }
  return ok();
}

Result<void> check_checks(const Norm& norm) {
  std::set<std::string> ids;
  for (int i = 0; i < norm.source.checks_size(); ++i) {
    const v1::ProtocolCheck& check = norm.source.checks(i);
    const std::string where =
        check.id().empty() ? "checks[" + std::to_string(i) + "]" : "check '" + check.id() + "'";
    if (!check.id().empty() && !ids.insert(check.id()).second)
      return bad(where + " is there twice");
    const v1::ProtocolStepRule* single[] = {
        check.has_existence() ? &check.existence() : nullptr,
        check.has_absence() ? &check.absence() : nullptr,
        check.has_at_most() ? &check.at_most() : nullptr,
        check.has_not_longer_than() ? &check.not_longer_than() : nullptr,
        check.has_not_shorter_than() ? &check.not_shorter_than() : nullptr};
    const v1::ProtocolPairRule* pair[] = {
        check.has_precedence() ? &check.precedence() : nullptr,
        check.has_response() ? &check.response() : nullptr,
        check.has_not_together() ? &check.not_together() : nullptr,
        check.has_within() ? &check.within() : nullptr};
    int rules = 0;
    const auto known = [&](const std::string& id) -> Result<void> {
      if (!norm.step_with_id(id)) return bad(where + ": step '" + id + "' is not among the steps");
      return ok();
    };
    for (const auto* rule : single) {
      if (rule == nullptr) continue;
      ++rules;
      CASEBOX_CHECK(known(rule->step()));
    }
    for (const auto* rule : pair) {
      if (rule == nullptr) continue;
      ++rules;
      CASEBOX_CHECK(known(rule->first()));
      CASEBOX_CHECK(known(rule->then()));
    }
    if (rules != 1) return bad(where + " has " + std::to_string(rules) + " rules; write one");
    for (double limit : {check.not_longer_than().limit_s(), check.not_shorter_than().limit_s(),
                         check.within().limit_s()})
      if (!std::isfinite(limit) || limit < 0 || limit > 1e8)
        return bad(where + ": limit_s is a number of seconds, 0 to 100000000");
    if ((check.has_not_longer_than() && check.not_longer_than().limit_s() == 0) ||
        (check.has_not_shorter_than() && check.not_shorter_than().limit_s() == 0))
      return bad(where + ": limit_s is missing; write the limit in seconds");
    if (!check.value().empty() && std::ranges::none_of(norm.source.values(), [&](const auto& v) {
          return v.id() == check.value();
        }))
      return bad(where + ": value '" + check.value() + "' is not among the values");
    if (check.severity() > 4) return bad(where + ": severity is 0 to 4");
  }
  return ok();
}

}  // namespace

std::optional<uint32_t> Norm::step_with_id(const std::string& id) const {
  for (int i = 0; i < source.steps_size(); ++i)
    if (source.steps(i).id() == id) return static_cast<uint32_t>(i);
  return std::nullopt;
}

const std::string& Norm::title(uint32_t index) const {
  const v1::ProtocolStep& s = step(index);
  return s.title().empty() ? s.id() : s.title();
}

std::string Norm::name() const {
  return source.version().empty() ? source.id() : source.id() + "@" + source.version();
}

Result<Norm> compile(const v1::Protocol& protocol) {
  Norm norm;
  norm.source = protocol;
  if (protocol.id().empty()) return bad("the protocol has no id; name it");
  if (!semantic_version(protocol.version()))
    return bad("version '" + protocol.version() + "' is not of the form 1.2.3");
  if (protocol.steps_size() == 0) return bad("the protocol has no steps");
  CASEBOX_CHECK(add_steps(norm));
  CASEBOX_CHECK(check_checks(norm));
  if (protocol.has_flow() && protocol.pathways_size() > 0)
    return bad("flow and pathways are both given; write the flow as one of the pathways");

  Net& net = norm.net;
  std::map<std::string, uint32_t> index;
  for (int i = 0; i < protocol.steps_size(); ++i)
    index.emplace(protocol.steps(i).id(), static_cast<uint32_t>(i));
  internal::FlowCompiler compiler(net, [&](const std::string& id) -> Result<uint32_t> {
    const auto it = index.find(id);
    if (it == index.end()) return bad("step '" + id + "' is not among the steps; add it there");
    if (protocol.steps(static_cast<int>(it->second)).latitude() == v1::PROTOCOL_LATITUDE_FREE)
      return bad("step '" + id + "' has latitude free and needs no place in the flow; take it out");
    return it->second;
  });
  compiler.repeats = [&](uint32_t i) { return protocol.steps(static_cast<int>(i)).repeat(); };
  const uint32_t begin = net.add_place("begin"), end = net.add_place("end");
  if (protocol.has_flow()) {
    CASEBOX_CHECK(compiler.compile(protocol.flow(), "flow", begin, end));
  } else if (protocol.pathways_size() > 0) {
    for (const v1::ProtocolPathway& pathway : protocol.pathways())
      CASEBOX_CHECK(compiler.compile(pathway.flow(), "pathway '" + pathway.id() + "'", begin, end));
  } else {
    net.transitions.push_back({"nothing", kSilent, {begin}, {end}});
  }
  net.finish();
  net.initial[begin] = 1;
  net.finals.push_back(Marking(net.places.size()));
  net.finals.back()[end] = 1;
  return norm;
}

}  // namespace casebox::analytics::protocol
