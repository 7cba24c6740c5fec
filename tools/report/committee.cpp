#include "tools/report/committee.h"

#include <algorithm>
#include <set>

#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/report/cells.h"
#include "tools/report/departure_weights.h"
#include "tools/report/html.h"
#include "tools/report/sections.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

constexpr size_t kMostTags = 60;  // of the findings behind one number

/// A number's chain: what it was computed from.
struct Chain {
  std::string name, what, command;
  std::vector<std::string> inputs;  // tags of findings, or ids of cases (only their count is shown)
  bool inputs_are_tags = false;
};

/// As one word of a shell's command line.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

class Dashboard {
 public:
  explicit Dashboard(const Cohort& cohort) : cohort_(cohort) {}
  std::string document();

 private:
  Html quality();
  Html timing(const std::string& procedure, const std::vector<const CohortCase*>& cases);
  Html departures(const std::string& procedure, const std::vector<const CohortCase*>& cases);
  /// Of cases that were compared with one norm; at least 11.
  Html departures(const std::string& procedure, const NormName& norm,
                  const std::vector<const CohortCase*>& cases);
  Html weights(const std::string& procedure, const NormName& norm,
               const std::vector<const CohortCase*>& cases);
  Html annex() const;
  Html refer(Chain chain);
  /// Rows "name, count, share" of cases that have something; counts under 11 are withheld.
  std::vector<std::vector<Html>> rows_of(
      const std::string& job, const std::map<std::string, std::set<std::string>>& cases_by_name,
      const std::map<std::string, std::vector<std::string>>& tags_by_name, size_t total,
      const std::string& command);
  std::string expression(const std::string& procedure) const;

  const Cohort& cohort_;
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
  std::map<std::string, size_t> verdicts;
  std::vector<std::string> ids;
  for (const CohortCase& one : cohort_.cases) {
    ++verdicts[verify::to_string(one.verdict)];
    ids.push_back(one.case_id);
  }
  std::vector<size_t> counts;
  for (const auto& [name, n] : verdicts) counts.push_back(n);
  const std::vector<bool> shown = shown_parts(counts);
  const Html chain = refer({"", "data quality", "casebox cases --store STORE --json", ids, false});
  std::vector<std::vector<Html>> by_verdict, by_remark;
  for (const auto& [name, n] : verdicts)
    by_verdict.push_back(
        {name, join({shown[by_verdict.size()] ? std::to_string(n) : "withheld", " ", chain})});
  for (const Row& row : kRows) {
    const Cell cell{
        static_cast<size_t>(std::count_if(cohort_.cases.begin(), cohort_.cases.end(), row.is)),
        total};
    by_remark.push_back({row.name, join({cell.text(), " ", chain}), cell.share()});
  }
  return join({tag("h2", {"1. Quality of the data"}),
               tag("p", {std::to_string(total) + " cases. ", chain}),
               table("Verdict of verification, from the frames themselves",
                     {{"Verdict"}, {"Cases", true}}, by_verdict),
               table("What limits the rest of this page",
                     {{"Cases with"}, {"n", true}, {"Share (95 % interval)", true}}, by_remark)});
}

Html Dashboard::timing(const std::string& procedure, const std::vector<const CohortCase*>& cases) {
  std::vector<CaseTimes> times;
  for (const CohortCase* one : cases) times.push_back(one->times);
  const Comparison result = compare(procedure, times);
  const std::string command =
      "casebox analyze timing --cohort " + quoted(expression(procedure)) + " --store STORE --json";
  std::vector<std::vector<Html>> rows, excluded;
  for (const PhaseStatistics& row : result.phases) {
    const Cell cell{row.n, result.cases};
    if (row.n < kMinimumGroup) {
      rows.push_back({words(row.phase), cell.text(), "withheld"});
      continue;
    }
    chains_.push_back({row.tag, "active time of " + words(row.phase), command, {}, false});
    for (const CaseTimes& one : times)
      if (one.excluded.empty() && one.seconds.contains(row.phase))
        chains_.back().inputs.push_back(one.case_id);
    rows.push_back({words(row.phase), cell.text(), length_text(row.median_s),
                    length_text(row.low_s) + " to " + length_text(row.high_s),
                    join({length_text(row.p10_s) + " to " + length_text(row.p90_s), " ",
                          reference(row.tag)})});
  }
  std::vector<size_t> counts = {result.cases};
  for (const auto& [reason, n] : result.excluded) {
    counts.push_back(n);
    counts[0] -= n;
  }
  const std::vector<bool> shown = shown_parts(counts);
  for (const auto& [reason, n] : result.excluded)
    excluded.push_back({reason, shown[excluded.size() + 1] ? std::to_string(n) : "withheld"});
  return join({tag("h3", {"Phase times: " + words(procedure)}),
               table("Active time of each phase",
                     {{"Phase"},
                      {"n", true},
                      {"Median", true},
                      {"95 % interval of the median", true},
                      {"10th to 90th percentile", true}},
                     rows, "No phases are known."),
               table("Cases whose times do not count", {{"Reason"}, {"Cases", true}}, excluded,
                     "No case was excluded.")});
}

std::vector<std::vector<Html>> Dashboard::rows_of(
    const std::string& job, const std::map<std::string, std::set<std::string>>& cases_by_name,
    const std::map<std::string, std::vector<std::string>>& tags_by_name, size_t total,
    const std::string& command) {
  std::vector<std::vector<Html>> rows;
  for (const auto& [name, cases] : cases_by_name) {
    const Cell cell{cases.size(), total};
    Html chain;
    if (cell.shown())
      chain = join({" ", refer({"", job + ": " + name, command, tags_by_name.at(name), true})});
    rows.push_back({name, join({cell.text(), chain}), cell.share()});
  }
  return rows;
}

Html Dashboard::departures(const std::string& procedure,
                           const std::vector<const CohortCase*>& cases) {
  std::map<NormName, std::vector<const CohortCase*>> by_norm;
  for (const CohortCase* one : cases)
    if (one->comparison.ran()) by_norm[one->comparison.norm].push_back(one);
  Children out;
  bool small = false;
  for (const auto& [norm, group] : by_norm) {
    if (group.size() < kMinimumGroup)
      small = true;
    else
      out.push_back(departures(procedure, norm, group));
  }
  if (out.empty())
    return join(
        {tag("h3", {"Departures: " + words(procedure)}),
         tag("p", {"Fewer than 11 cases were compared with a protocol: nothing is shown."})});
  if (small)
    out.push_back(tag("p", {words(procedure) +
                            ": fewer than 11 cases were compared with another protocol; nothing is "
                            "shown of them."}));
  return join(out);
}

Html Dashboard::departures(const std::string& procedure, const NormName& norm,
                           const std::vector<const CohortCase*>& cases) {
  std::map<std::string, std::set<std::string>> kind_cases, value_cases;
  std::map<std::string, std::vector<std::string>> kind_tags, value_tags;
  for (const CohortCase* one : cases) {
    for (const CohortDeparture& departure : one->departures) {
      const std::string kind =
          words(departure.kind) + ": " + words(departure.step) + ", " + departure.certainty;
      kind_cases[kind].insert(one->case_id);
      kind_tags[kind].push_back(departure.tag);
      const std::string value =
          (departure.value.empty() ? "no value is named by the protocol" : words(departure.value)) +
          ", " + departure.certainty;
      value_cases[value].insert(one->case_id);
      value_tags[value].push_back(departure.tag);
    }
  }
  const std::string command = "casebox query " +
                              quoted(expression(procedure) + " and departure(\"KIND\", \"STEP\")") +
                              " --store STORE --json";
  const std::string of = procedure + " by " + norm.id;
  return join(
      {tag("h3", {"Departures: " + words(procedure)}),
       tag("p", {"Cases compared with " + norm.id + " (sha256 ",
                 tag("span", {{"class", "mono"}}, {norm.sha256}),
                 "): " + std::to_string(cases.size()) +
                     ". Cases, not departures, are counted: a case counts once in a row. "
                     "\"Unobserved\" and \"justified\" are not scored, nor is a step that may have "
                     "been done unseen."}),
       table(
           "By value touched",
           {{"Value and certainty"}, {"Cases", true}, {"Share (95 % interval)", true}},
           rows_of("departures by value of " + of, value_cases, value_tags, cases.size(), command),
           "None was found."),
       table("By kind and step",
             {{"Departure and certainty"}, {"Cases", true}, {"Share (95 % interval)", true}},
             rows_of("departures by kind of " + of, kind_cases, kind_tags, cases.size(), command),
             "None was found."),
       weights(procedure, norm, cases)});
}

std::string range_text(double least, double most) {
  const std::string low = fixed(least, 2), high = fixed(most, 2);
  return low == high ? low : low + " to " + high;
}

Html Dashboard::weights(const std::string& procedure, const NormName& norm,
                        const std::vector<const CohortCase*>& cases) {
  const GroupWeights group = group_weights(cases);
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

Html Dashboard::annex() const {
  Children out = {tag("h2", {"4. Evidence behind each number"})};
  std::set<std::string> seen;
  for (const Chain& chain : chains_) {
    if (!seen.insert(chain.name).second) continue;
    Children tags;
    if (chain.inputs_are_tags)
      for (size_t i = 0; i < std::min(kMostTags, chain.inputs.size()); ++i)
        tags.push_back(join({tag("span", {{"class", "tag"}}, {chain.inputs[i]}), " "}));
    if (chain.inputs_are_tags && chain.inputs.size() > kMostTags)
      tags.push_back("and " + std::to_string(chain.inputs.size() - kMostTags) + " more");
    out.push_back(
        tag("div", {{"class", "box"}, {"id", chain.name}},
            {tag("p", {tag("span", {{"class", "tag"}}, {chain.name}),
                       "  " + chain.what + ", from " + std::to_string(chain.inputs.size()) +
                           (chain.inputs_are_tags ? " findings: " : " cases. "),
                       join(tags)}),
             tag("p", {tag("code", {chain.command})})}));
  }
  return join(out);
}

std::string Dashboard::document() {
  Children body = {
      tag("h1", {"Quality committee"}),
      tag("p", {{"class", "soft"}},
          {"Made from the sealed records by casebox " + program_version() +
           ". No person is named and no case. Groups under 11 are withheld, and so is whatever "
           "would "
           "let one be computed. There is no ranking and no score of blame: a departure from the "
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
  body.push_back(quality());
  std::map<std::string, std::vector<const CohortCase*>> by_procedure;
  for (const CohortCase& one : cohort_.cases)
    if (one.allowed) by_procedure[one.procedure].push_back(&one);
  Children timing_parts, departure_parts;
  for (const auto& [procedure, cases] : by_procedure) {
    if (cases.size() < kMinimumGroup) {
      timing_parts.push_back(
          tag("p", {words(procedure) + ": fewer than 11 cases; nothing is shown."}));
      continue;
    }
    timing_parts.push_back(timing(procedure, cases));
    departure_parts.push_back(departures(procedure, cases));
  }
  body.push_back(tag("h2", {"2. How long phases took"}));
  body.push_back(join(timing_parts));
  body.push_back(tag("h2", {"3. Departures by value touched"}));
  body.push_back(departure_parts.empty() ? tag("p", {{"class", "none"}}, {"Nothing may be shown."})
                                         : join(departure_parts));
  body.push_back(annex());
  body.push_back(
      tag("p", {{"class", "soft"}},
          {"Not on this page: control charts (a point of one is a single case; casebox analyze spc "
           "shows them to those who may open the cases), what a single case weighs, diversity of "
           "practice and the protocol's own health. Difficulty is not known, so groups are not "
           "adjusted for it."}));
  return page("Quality committee", "committee", {}, body);
}

}  // namespace

std::string committee(const Cohort& cohort) { return Dashboard(cohort).document(); }

}  // namespace casebox::tools::report
