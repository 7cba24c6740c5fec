#include "tools/report/committee.h"

#include <algorithm>
#include <functional>
#include <set>

#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/documents/suppression.h"
#include "tools/report/board.h"
#include "tools/report/chains.h"
#include "tools/report/departure_weights.h"
#include "tools/report/html.h"
#include "tools/report/practice.h"
#include "tools/report/sections.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

std::string row_of(const CohortDeparture& departure) {
  return words(departure.kind) + ": " + words(departure.step) + ", " + departure.certainty;
}

class Dashboard {
 public:
  explicit Dashboard(const Cohort& cohort) : cohort_(cohort), shown_(cohort.cases.size()) {}
  std::string document();

 private:
  struct Group {
    CaseSet cases;
    bool counted = false;  // their number may be shown
  };
  struct Procedure : Group {
    std::map<NormName, Group> norms;
  };

  void divide();
  CaseSet where(const std::function<bool(const CohortCase&)>& is) const;
  std::vector<std::string> ids_of(const CaseSet& cases) const;
  Html put(BoardTable table);
  Html quality();
  Html timing(const std::string& name, const Procedure& procedure);
  Html departures(const std::string& name, const Procedure& procedure);
  /// Of cases that were compared with one norm.
  Html departures(const std::string& procedure, const NormName& norm, const Group& group);
  /// `told`: the rows of departures that are shown.
  Html weights(const std::string& procedure, const NormName& norm, const Group& of,
               const std::set<std::string>& told);
  /// Whether it changes, how rooms compare, how many ways there are.
  Html practice(const std::string& name, const Procedure& procedure);
  Html refer(Chain chain);
  /// A table all of whose rows rest on the same computation.
  Html put(BoardTable table, const std::string& what, const std::string& command);
  std::string expression(const std::string& procedure) const;

  const Cohort& cohort_;
  Suppression shown_;
  bool total_shown_ = false;
  std::map<std::string, Procedure> procedures_;
  std::vector<BoardTable> tables_;
  std::vector<Chain> chains_;
};

Html Dashboard::refer(Chain chain) {
  std::sort(chain.inputs.begin(), chain.inputs.end());
  chain.name = result_tag(chain.what, "", chain.inputs);
  chains_.push_back(chain);
  return reference(chain.name);
}

std::string Dashboard::expression(const std::string& procedure) const {
  const std::string own = "procedure = \"" + procedure + "\"";
  return cohort_.expression.empty() ? own : "(" + cohort_.expression + ") and " + own;
}

CaseSet Dashboard::where(const std::function<bool(const CohortCase&)>& is) const {
  CaseSet out;
  for (size_t i = 0; i < cohort_.cases.size(); ++i)
    if (is(cohort_.cases[i])) out.insert(i);
  return out;
}

std::vector<std::string> Dashboard::ids_of(const CaseSet& cases) const {
  std::vector<std::string> out;
  for (const size_t i : cases) out.push_back(cohort_.cases[i].case_id);
  return out;
}

Html Dashboard::put(BoardTable table) {
  tables_.push_back(std::move(table));
  return board_html(tables_.back());
}

// What the page is for is asked for first: groups compared with a norm, procedures, the cohort.
void Dashboard::divide() {
  for (const CohortCase& one : cohort_.cases) {
    if (!one.allowed) continue;
    const size_t i = static_cast<size_t>(&one - cohort_.cases.data());
    Procedure& procedure = procedures_[one.procedure];
    procedure.cases.insert(i);
    if (one.comparison.ran()) procedure.norms[one.comparison.norm].cases.insert(i);
  }
  std::vector<Group*> groups;
  for (auto& [name, procedure] : procedures_)
    for (auto& [norm, group] : procedure.norms) groups.push_back(&group);
  for (auto& [name, procedure] : procedures_) groups.push_back(&procedure);
  for (Group* group : groups) group->counted = shown_.show(group->cases);
  total_shown_ = shown_.show(where([](const CohortCase&) { return true; }));
}

Html Dashboard::quality() {
  struct Row {
    const char* name;
    bool (*is)(const CohortCase&);
  };
  static const Row kRows[] = {
      {"no key opens it", [](const CohortCase& c) { return c.sealed; }},
      {"consent does not include quality", [](const CohortCase& c) { return !c.allowed; }},
      {"consent is not stated in the record",
       [](const CohortCase& c) { return !c.consent_stated; }},
      {"at least one declared gap", [](const CohortCase& c) { return c.has_gaps; }},
      {"a device clock was broken: no timing claim",
       [](const CohortCase& c) { return c.broken_clock; }},
      {"no phases are known", [](const CohortCase& c) { return c.times.seconds.empty(); }},
      {"not compared with a protocol", [](const CohortCase& c) { return !c.comparison.ran(); }}};
  const size_t total = cohort_.cases.size();
  std::map<std::string, CaseSet> verdicts;
  for (size_t i = 0; i < total; ++i)
    verdicts[verify::to_string(cohort_.cases[i].verdict)].insert(i);
  const Html chain = refer({"", "data quality", "casebox cases --store STORE --json",
                            ids_of(where([](const CohortCase&) { return true; })), false});
  const std::string evidence = chains_.back().name;
  BoardTable by_verdict{
      "",
      "Verdict when opened: signatures and chains, and what was read of the content",
      {{"Verdict"}, {"Cases", true}},
      {},
      "None.",
      {}};
  BoardTable by_remark{"",
                       "What limits the rest of this page",
                       {{"Cases with"}, {"n", true}, {"Share", true}},
                       {},
                       "None.",
                       {}};
  std::vector<CaseSet> sets;
  for (const auto& [name, cases] : verdicts) sets.push_back(cases);
  for (const Row& row : kRows) sets.push_back(where(row.is));
  const std::vector<bool> shown = shown_.show_each(sets);
  size_t at = 0;
  for (const auto& [name, cases] : verdicts)
    by_verdict.rows.push_back({{name, count_text(cases.size(), shown[at++])}, evidence});
  for (const Row& row : kRows) {
    const size_t n = sets[at].size();
    by_remark.rows.push_back(
        {{row.name, count_text(n, shown[at]), percent_text(n, shown[at], total, total_shown_)},
         evidence});
    ++at;
  }
  Children out = {tag("h2", {"1. Quality of the data"}),
                  tag("p", {"Cases: " + count_text(total, total_shown_) + ". ", chain})};
  if (!cohort_.copies.empty())
    out.push_back(tag("p", {"Some records are of an operation that is counted already (the same "
                            "content, perhaps in another format). They count nowhere on this "
                            "page; the command that made it names them."}));
  if (!cohort_.left_out.empty())
    out.push_back(tag("p", {"Some cases are left out, because consent or access does not allow "
                            "them to be counted. They count nowhere on this page; the command that "
                            "made it names them."}));
  out.push_back(put(std::move(by_verdict)));
  out.push_back(put(std::move(by_remark)));
  return join(out);
}

Html Dashboard::timing(const std::string& name, const Procedure& procedure) {
  std::vector<CaseTimes> times;
  std::map<std::string, CaseSet> of_phase, of_reason;
  for (const size_t i : procedure.cases) {
    const CaseTimes& one = cohort_.cases[i].times;
    times.push_back(one);
    if (!one.excluded.empty()) of_reason[one.excluded].insert(i);
    if (one.excluded.empty())
      for (const auto& [phase, seconds] : one.seconds) of_phase[phase].insert(i);
  }
  const Comparison result = compare(name, times);
  const std::string command =
      "casebox analyze timing --cohort " + quoted(expression(name)) + " --store STORE --json";
  std::vector<CaseSet> sets;
  for (const PhaseStatistics& row : result.phases) sets.push_back(of_phase[row.phase]);
  for (const auto& [reason, cases] : of_reason) sets.push_back(cases);
  const std::vector<bool> shown = shown_.show_each(sets);
  BoardTable phases{words(name),
                    "Active time of each phase",
                    {{"Phase"},
                     {"n", true},
                     {"Median", true},
                     {"95 % interval of the median", true},
                     {"10th to 90th percentile", true}},
                    {},
                    "No phases are known.",
                    {}};
  BoardTable excluded{words(name), "Cases whose times do not count", {{"Reason"}, {"Cases", true}},
                      {},          "No case was excluded.",          {}};
  size_t at = 0;
  for (const PhaseStatistics& row : result.phases) {
    const std::string n = count_text(row.n, shown[at++]);
    if (!Suppression::enough(row.n)) {
      phases.rows.push_back({{words(row.phase), n, "withheld", "", ""}, ""});
      continue;
    }
    chains_.push_back({row.tag, "active time of " + words(row.phase), command, {}, false});
    phases.rows.push_back({{words(row.phase), n, length_text(row.median_s),
                            length_text(row.low_s) + " to " + length_text(row.high_s),
                            length_text(row.p10_s) + " to " + length_text(row.p90_s)},
                           row.tag});
    phases.bars.push_back({words(row.phase), row.p10_s, row.median_s, row.p90_s});
  }
  for (const auto& [reason, cases] : of_reason)
    excluded.rows.push_back({{reason, count_text(cases.size(), shown[at++])}, ""});
  return join({tag("h3", {"Phase times: " + words(name)}), put(std::move(phases)),
               put(std::move(excluded))});
}

Html Dashboard::departures(const std::string& name, const Procedure& procedure) {
  Children out;
  bool small = false;
  for (const auto& [norm, group] : procedure.norms) {
    if (!group.counted)
      small = true;
    else
      out.push_back(departures(name, norm, group));
  }
  if (out.empty())
    return join({tag("h3", {"Departures: " + words(name)}),
                 tag("p", {"Fewer than 11 cases were compared with a protocol, or all but so few "
                           "were: nothing is shown."})});
  if (small)
    out.push_back(tag(
        "p", {words(name) + ": fewer than 11 cases were compared with another protocol, or all but "
                            "so few were; nothing is shown of them."}));
  return join(out);
}

Html Dashboard::departures(const std::string& procedure, const NormName& norm, const Group& group) {
  struct Row {
    CaseSet cases;
    std::vector<std::string> tags;  // one a case: how many departures a case has is not told
    std::string command;
  };
  std::map<std::string, Row> kinds, values;
  const size_t n = group.cases.size();
  for (const size_t i : group.cases) {
    for (const CohortDeparture& one : cohort_.cases[i].departures) {
      const std::string kind = row_of(one);
      const std::string value =
          (one.value.empty() ? "no value is named by the protocol" : words(one.value)) + ", " +
          one.certainty;
      Row& row = kinds[kind];
      if (row.cases.insert(i).second) row.tags.push_back(one.tag);
      row.command = "casebox query " +
                    quoted(expression(procedure) + " and departure(\"" + one.kind + "\", \"" +
                           one.step + "\")") +
                    " --store STORE --json";
      values[value].cases.insert(i);
    }
  }
  std::vector<CaseSet> sets;
  for (const auto& [name, row] : kinds) sets.push_back(row.cases);
  const std::vector<bool> kinds_shown = shown_.show_each(sets);
  sets.clear();
  for (const auto& [name, row] : values) sets.push_back(row.cases);
  const std::vector<bool> values_shown = shown_.show_each(sets);

  const std::string of = procedure + " by " + norm.id;
  BoardTable by_value{words(procedure) + ", " + norm.id,
                      "By value touched",
                      {{"Value and certainty"}, {"Cases", true}, {"Share (95 % interval)", true}},
                      {},
                      "None was found.",
                      {}};
  BoardTable by_kind{
      words(procedure) + ", " + norm.id,
      "By kind and step",
      {{"Departure and certainty"}, {"Cases", true}, {"Share (95 % interval)", true}},
      {},
      "None was found.",
      {}};
  std::set<std::string> told;  // rows of departures that are shown
  size_t at = 0;
  for (const auto& [name, row] : kinds) {
    const bool shown = kinds_shown[at++];
    std::string evidence;
    if (shown) {
      told.insert(name);
      refer({"", "departures by kind of " + of + ": " + name, row.command, row.tags, true});
      evidence = chains_.back().name;
    }
    by_kind.rows.push_back({{name, count_text(row.cases.size(), shown),
                             share_text(row.cases.size(), shown, n, group.counted)},
                            evidence});
  }
  at = 0;
  for (const auto& [name, row] : values) {
    const bool shown = values_shown[at++];
    std::string evidence;
    if (shown) {
      // Its findings would count those of rows that are withheld: the rows above name theirs.
      refer({"", "departures by value of " + of + ": " + name + ", from the rows of departures",
             "casebox analyze conformance --cohort " + quoted(expression(procedure)) +
                 " --store STORE --json",
             ids_of(row.cases), false});
      evidence = chains_.back().name;
    }
    by_value.rows.push_back({{name, count_text(row.cases.size(), shown),
                              share_text(row.cases.size(), shown, n, group.counted)},
                             evidence});
  }
  return join(
      {tag("h3", {"Departures: " + words(procedure)}),
       tag("p", {"Cases compared with " + norm.id + " (sha256 ",
                 tag("span", {{"class", "mono"}}, {norm.sha256}),
                 "): " + count_text(n, group.counted) +
                     ". Cases, not departures, are counted: a case counts once in a row. "
                     "\"Unobserved\" and \"justified\" are not scored, nor is a step that may have "
                     "been done unseen."}),
       put(std::move(by_value)), put(std::move(by_kind)), weights(procedure, norm, group, told)});
}

std::string range_text(double least, double most) {
  const std::string low = fixed(least, 2), high = fixed(most, 2);
  return low == high ? low : low + " to " + high;
}

Html Dashboard::weights(const std::string& procedure, const NormName& norm, const Group& of,
                        const std::set<std::string>& told) {
  std::vector<const CohortCase*> cases;
  for (const size_t i : of.cases) cases.push_back(&cohort_.cases[i]);
  const GroupWeights group = group_weights(
      cases, [&](const CohortDeparture& one) { return told.contains(row_of(one)); },
      [&](const std::vector<const CohortCase*>& weighed) {
        CaseSet set;
        for (const CohortCase* one : weighed)
          set.insert(static_cast<size_t>(one - cohort_.cases.data()));
        return shown_.show(set);
      });
  const std::string title = "What departures weigh";
  if (!group.withheld.empty())
    return join({tag("p", {tag("b", {title}), ": " + group.withheld + "; nothing is shown."})});
  const analytics::conformance::Weighing& all = group.weighing;
  std::string values, left_out;
  for (size_t v = 0; v < all.values.ids.size(); ++v)
    values +=
        (v == 0 ? "" : ", ") + words(all.values.ids[v]) + " " + shortest(all.values.weights[v]);
  for (const std::string& id : group.left_out)
    left_out += (left_out.empty() ? "" : ", ") + words(id);
  const Html chain = refer({"",
                            "what departures weigh, of " + procedure + " by " + norm.id +
                                (left_out.empty() ? "" : ", without " + left_out),
                            "casebox analyze conformance --cohort " +
                                quoted(expression(procedure)) + " --store STORE --json",
                            group.tags, true});
  const auto n = static_cast<double>(group.weighed);
  const auto mean = [&](double total) { return total / n; };
  const auto share = [](double part) { return fixed(100 * part, 1) + " %"; };
  const bool differ = all.pairs > 0;
  const double turned =
      differ ? static_cast<double>(all.reversed_equal) / static_cast<double>(all.pairs) : 0;
  const std::vector<std::vector<Html>> rows = {
      {"As declared",
       join(
           {range_text(mean(all.total.declared.least), mean(all.total.declared.most)), " ", chain}),
       differ ? "compared with" : "no two cases differ"},
      {"All equal",
       join({range_text(mean(all.total.equal.least), mean(all.total.equal.most)), " ", chain}),
       differ ? share(turned) : ""},
      {"Others in the declared order: median and 95 %",
       join({fixed(mean(all.total.random.median), 2) + " (" +
                 range_text(mean(all.total.random.low), mean(all.total.random.high)) + ")",
             " ", chain}),
       differ ? share(all.reversed.median) + " (" + share(all.reversed.low) + " to " +
                    share(all.reversed.high) + ")"
              : ""}};
  Children out = {
      tag("p", {tag("b", {title}),
                ": numbers for values are the protocol's choice, so they are tried otherwise too. "
                "Weighed are the scored departures of " +
                    std::to_string(group.weighed) + " cases by " + values +
                    "; 1 is one departure from a value of average weight. Where a case has several "
                    "explanations, from the lightest to the heaviest."}),
      table(title,
            {{"Weights"}, {"Mean of a case", true}, {"Pairs of cases the other way round", true}},
            rows)};
  if (!left_out.empty())
    out.push_back(tag(
        "p", {{"class", "soft"}},
        {"Left out, as a row that is withheld could be computed otherwise: " + left_out + "."}));
  return join(out);
}

Html Dashboard::put(BoardTable table, const std::string& what, const std::string& command) {
  if (!table.rows.empty()) {
    refer({"", what, command, {}, false});
    for (BoardRow& row : table.rows) row.evidence = chains_.back().name;
  }
  return put(std::move(table));
}

Html Dashboard::practice(const std::string& name, const Procedure& procedure) {
  const std::string of = quoted(expression(name)) + " --store STORE --json";
  const auto cases_of = [&](const CaseSet& set) {
    Cases out;
    for (const size_t i : set) out.push_back(&cohort_.cases[i]);
    return out;
  };
  const auto shown = [&](const Cases& cases) {
    CaseSet set;
    for (const CohortCase* one : cases) set.insert(static_cast<size_t>(one - cohort_.cases.data()));
    return shown_.show(set);
  };
  const Cases all = cases_of(procedure.cases);
  Children out = {tag("h3", {"Practice: " + words(name)}),
                  put(durations_over_time(words(name), all), "durations over time, of " + name,
                      "casebox analyze spc --measure duration --subgroup 11 --cohort " + of),
                  put(ways_of_doing(words(name), all), "orders of phases, of " + name,
                      "casebox analyze diversity --cohort " + of)};
  for (const auto& [norm, group] : procedure.norms)
    if (group.counted)
      out.push_back(put(rooms_compared(words(name) + ", " + norm.id, cases_of(group.cases), shown),
                        "rooms, of " + name + " by " + norm.id,
                        "casebox analyze spc --measure departed --chart funnel --cohort " + of));
  return join(out);
}

std::string Dashboard::document() {
  Children body = {
      tag("h1", {"Quality committee"}),
      tag("p", {{"class", "soft"}},
          {"Made from the sealed records by casebox " + program_version() +
           ". No person is named and no case. Groups under 11 are withheld, and so is whatever "
           "would "
           "let one be computed from this page. Two pages about cohorts that differ by a few cases "
           "tell of those few: pass on one. There is no ranking and no score of blame: a departure "
           "from the "
           "agreed pathway is not an error."}),
      tag("p", {"Cohort: ", tag("code", {cohort_.expression.empty() ? "all cases of the store"
                                                                    : cohort_.expression})})};
  if (cohort_.cases.size() < kMinimumGroup) {
    body.push_back(tag(
        "div", {{"class", "withheld"}},
        {tag("h2", {"Fewer than 11 cases"}),
         tag("p",
             {"A table about so few cases could show who they are. Nothing of their content, "
              "times or departures is shown; this page says only that the cohort is under 11."}),
         tag("p", {"Widen the condition, or look at one case with the rights for it: ",
                   tag("code", {"casebox report liability CASE --store STORE --out FILE"})})}));
    return page("Quality committee", "committee", {}, body);
  }
  divide();
  body.push_back(quality());
  Children timing_parts, departure_parts, practice_parts;
  // Departures first: what is shown of them decides which counts of the timing tables may be.
  for (const auto& [name, procedure] : procedures_)
    if (Suppression::enough(procedure.cases.size()))
      departure_parts.push_back(departures(name, procedure));
  for (const auto& [name, procedure] : procedures_)
    timing_parts.push_back(
        Suppression::enough(procedure.cases.size())
            ? timing(name, procedure)
            : tag("p", {words(name) + ": fewer than 11 cases; nothing is shown."}));
  for (const auto& [name, procedure] : procedures_)
    if (Suppression::enough(procedure.cases.size()))
      practice_parts.push_back(practice(name, procedure));
  body.push_back(tag("h2", {"2. How long phases took"}));
  body.push_back(join(timing_parts));
  body.push_back(tag("h2", {"3. Departures by value touched"}));
  body.push_back(departure_parts.empty() ? tag("p", {{"class", "none"}}, {"Nothing may be shown."})
                                         : join(departure_parts));
  body.push_back(tag("h2", {"4. How practice changes and differs"}));
  body.push_back(practice_parts.empty() ? tag("p", {{"class", "none"}}, {"Nothing may be shown."})
                                        : join(practice_parts));
  body.push_back(csv_download(board_csv(tables_)));
  body.push_back(tag("h2", {"5. Evidence behind each number"}));
  body.push_back(annex_of(chains_));
  body.push_back(tag(
      "p", {{"class", "soft"}},
      {"Not on this page: charts whose points are single cases (casebox analyze spc shows them to "
       "those who may open the cases), what a single case weighs, and the protocol's own health. "
       "Difficulty is not known, so groups are not adjusted for it."}));
  return page("Quality committee", "committee", {}, body);
}

}  // namespace

std::string committee(const Cohort& cohort) { return Dashboard(cohort).document(); }

}  // namespace casebox::tools::report
