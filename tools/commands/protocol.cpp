#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analytics/conformance/conform.h"
#include "analytics/protocol/lint.h"
#include "tools/commands/commands.h"
#include "tools/documents/conformance_document.h"
#include "tools/findings/norms.h"

namespace casebox::tools {
namespace {

namespace conformance = analytics::conformance;
using analytics::protocol::LintFinding;

Result<int> run_lint(const Args& args) {
  const std::string file = args.text("FILE");
  CASEBOX_TRY(const NormFile model, load_norm(file));
  const std::vector<LintFinding> findings = analytics::protocol::lint(model.norm);
  const bool good = std::ranges::none_of(findings, &LintFinding::error);
  const auto line = [&](const LintFinding& f) {
    const auto& checks = model.protocol.check_lines;
    if (f.check >= 0 && static_cast<size_t>(f.check) < checks.size())
      return checks[static_cast<size_t>(f.check)];
    const auto it = model.protocol.step_lines.find(f.step);
    return it == model.protocol.step_lines.end() ? 0 : it->second;
  };
  if (args.json()) {
    Json json = document("protocol");
    json["action"] = "lint";
    json["path"] = model.path;
    json["sha256"] = model.sha256;
    json["name"] = model.norm.name();
    json["ok"] = good;
    json["findings"] = Json::array();
    for (const LintFinding& f : findings) {
      Json item;
      item["kind"] = f.kind;
      item["level"] = f.error ? "error" : "advice";
      item["line"] = line(f) == 0 ? Json(nullptr) : Json(line(f));
      item["step"] = f.step.empty() ? Json(nullptr) : Json(f.step);
      item["message"] = f.message;
      json["findings"].push_back(std::move(item));
    }
    json["notices"] = model.norm.notices;
    print(json);
  } else {
    for (const std::string& notice : model.norm.notices) fmt::print("note: {}\n", notice);
    for (const LintFinding& f : findings)
      fmt::print("{}{}: {}: {}{}{}\n", file, line(f) == 0 ? "" : ":" + std::to_string(line(f)),
                 f.error ? "error" : "advice", f.step, f.step.empty() ? "" : ": ", f.message);
    fmt::print("{}: {}, {} steps, {} checks: {}\n", file, model.norm.name(),
               model.norm.source.steps_size(), model.norm.source.checks_size(),
               good ? "no errors" : "has errors");
  }
  return good ? 0 : 1;
}

/// Departures of one case under one norm, to compare: what, where.
std::map<std::string, const conformance::Departure*> keyed(const conformance::CaseResult& result) {
  std::map<std::string, const conformance::Departure*> out;
  for (const conformance::Departure& d : result.departures)
    out.emplace(fmt::format("{} {} {}", to_string(d.kind), d.step,
                            d.event ? static_cast<int64_t>(*d.event) : -1),
                &d);
  return out;
}

Result<int> run_diff(const Args& args) {
  if (!args.has("OTHER") || !args.has("--log"))
    return Error{Code::kInvalidArgument,
                 "protocol diff: needs two norms and a log; write protocol diff A B --log L"};
  CASEBOX_TRY(const NormFile a, load_norm(args.text("FILE")));
  CASEBOX_TRY(const NormFile b, load_norm(args.text("OTHER")));
  CASEBOX_TRY(const analytics::EventLog log,
              load_log(args.text("--log"), args.list("--columns"), args.text("--dates")));
  conformance::Options options;
  CASEBOX_TRY(options.order, parse_order(args.text("--order")));
  CASEBOX_TRY(const auto with_a, conformance::Conformer::create(a.norm, options));
  CASEBOX_TRY(const auto with_b, conformance::Conformer::create(b.norm, options));
  struct Change {
    std::string case_key, kind, step, text;
    bool made;
  };
  std::vector<Change> changes;
  int64_t cost_a = 0, cost_b = 0;
  uint64_t changed_cases = 0;
  for (const analytics::Trace& trace : log.traces) {
    const conformance::CaseResult ra = with_a->conform(log, trace, {});
    const conformance::CaseResult rb = with_b->conform(log, trace, {});
    cost_a += ra.cost;
    cost_b += rb.cost;
    const auto ka = keyed(ra), kb = keyed(rb);
    const size_t before = changes.size();
    for (const auto& [key, d] : ka)
      if (!kb.contains(key))
        changes.push_back({ra.case_key, to_string(d->kind), d->step, d->text, false});
    for (const auto& [key, d] : kb)
      if (!ka.contains(key))
        changes.push_back({ra.case_key, to_string(d->kind), d->step, d->text, true});
    changed_cases += changes.size() > before;
  }
  const auto made = std::ranges::count(changes, true, &Change::made);
  const auto removed = static_cast<ptrdiff_t>(changes.size()) - made;
  if (args.json()) {
    Json json = document("protocol");
    json["action"] = "diff";
    json["a"]["path"] = a.path;
    json["a"]["name"] = a.norm.name();
    json["a"]["sha256"] = a.sha256;
    json["a"]["cost"] = cost_a;
    json["b"]["path"] = b.path;
    json["b"]["name"] = b.norm.name();
    json["b"]["sha256"] = b.sha256;
    json["b"]["cost"] = cost_b;
    json["cases"] = log.traces.size();
    json["changed_cases"] = changed_cases;
    json["made"] = made;
    json["removed"] = removed;
    json["changes"] = Json::array();
    for (const Change& c : changes) {
      Json item;
      item["case"] = c.case_key;
      item["change"] = c.made ? "made" : "removed";
      item["kind"] = c.kind;
      item["step"] = c.step;
      item["text"] = c.text;
      json["changes"].push_back(std::move(item));
    }
    print(json);
    return 0;
  }
  fmt::print("{} -> {}: {} departures made, {} removed, in {} of {} cases\n", a.norm.name(),
             b.norm.name(), made, removed, changed_cases, log.traces.size());
  std::map<std::string, int> sums;
  for (const Change& c : changes)
    ++sums[fmt::format("{} {:<10} {}", c.made ? "made   " : "removed", c.kind, c.step)];
  for (const auto& [what, n] : sums) fmt::print("  {:>6}  {}\n", n, what);
  return 0;
}

Result<int> run_protocol(const Args& args) {
  const std::string action = args.text("ACTION");
  if (action == "lint") return run_lint(args);
  if (action == "diff") return run_diff(args);
  if (action == "list") {
    Json json = document("protocol");
    json["action"] = "list";
    json["protocols"] = built_in_protocols();
    if (args.json()) {
      print(json);
    } else {
      for (const std::string& id : built_in_protocols()) fmt::print("{}\n", id);
    }
    return 0;
  }
  return Error{Code::kInvalidArgument,
               "protocol: '" + action + "' is unknown; write lint, diff or list"};
}

std::vector<Arg> protocol_args() {
  std::vector<Arg> out = {
      {"ACTION", ArgKind::kText, "lint, diff or list", "", true},
      {"FILE", ArgKind::kText, "protocol file, .pnml, .bpmn or a built-in protocol's id"},
      {"OTHER", ArgKind::kText, "diff: the norm to change to"},
      {"--log", ArgKind::kText, "diff: event log whose departures are compared"},
      {"--order", ArgKind::kText, "diff: what orders intervals: start, end or source", "start"}};
  for (Arg& arg : log_args()) out.push_back(std::move(arg));
  return out;
}

}  // namespace

const Command kProtocolCommand{"protocol",
                               "Check a norm, or see what a change of norm does to departures",
                               protocol_args(), run_protocol,
                               "Examples:\n"
                               "  casebox protocol lint my-protocol.yaml\n"
                               "  casebox protocol diff v1.yaml v2.yaml --log cases.xes\n"
                               "lint: exit code 1 when there are errors (advice alone is none)."};

}  // namespace casebox::tools
