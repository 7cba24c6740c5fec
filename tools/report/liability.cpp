#include "tools/report/liability.h"

#include <algorithm>
#include <set>

#include "analytics/finding/finding.h"
#include "analytics/finding/labels.h"
#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/query/facts.h"
#include "tools/report/liability_record.h"
#include "tools/report/sections.h"
#include "tools/report/tags.h"
#include "tools/report/timeline_svg.h"
#include "tools/report/twin_svg.h"

namespace casebox::tools::report {
namespace {

using analytics::finding::label_of;
using analytics::finding::value_of;

const std::set<std::string> kOwnSection = {"departure", "phase", "twin",
                                           "twin-late", "run",   "weights"};

Html head(const CaseEvidence& e) {
  const CaseView& view = e.view;
  return join(
      {tag("h1", {"Liability file"}),
       tag("p", {{"class", "soft"}},
           {"Made from the sealed record by casebox " + program_version() +
            ". A departure from the agreed pathway is not an error, and nothing here says who or "
            "what caused anything. Names [F-...], [R-...] and [T-...] lead to the evidence at the "
            "end; they are the same in the committee's dashboard and the patient's briefing."}),
       tag("dl", {tag("dt", {"Case"}), tag("dd", {{"class", "mono"}}, {view.case_id}),
                  tag("dt", {"Procedure"}),
                  tag("dd", {view.procedure.empty() ? "not stated" : words(view.procedure)}),
                  tag("dt", {"Room"}), tag("dd", {view.room.empty() ? "not stated" : view.room}),
                  tag("dt", {"Began"}),
                  tag("dd", {view.start.empty() ? "no date is known"
                                                : view.start + " " + bound_text(view.start_u95_s)}),
                  tag("dt", {"Recorded"}), tag("dd", {length_text(view.duration_s)}),
                  tag("dt", {"State"}), tag("dd", {view.state})})});
}

Html time_line(const CaseEvidence& e) {
  const std::string record = record_tag(e.custody.case_digest);
  std::map<std::string, std::string> tags;
  for (const v1::Finding* finding : findings(e.view, "phase"))
    tags[to_hex(finding->id())] = finding_tag(*finding);
  std::vector<std::vector<Html>> rows, known;
  for (const query::PhaseFact& phase : e.view.phases)
    if (phase.level == "phase")
      rows.push_back(
          {words(phase.label), e.view.phase_source + (phase.by.empty() ? "" : " by " + phase.by),
           phase.placed ? clock_text(phase.t0_s) : "withheld",
           phase.placed ? bound_text(phase.start, phase.t0_s) : "",
           phase.open     ? "end not recorded"
           : phase.placed ? clock_text(phase.t1_s)
                          : "withheld",
           reference(tags.contains(phase.finding_id) ? tags[phase.finding_id] : record)});
  for (const analytics::facts::Moment& moment : e.view.moments.all)
    if (moment.kind == analytics::facts::MomentKind::kShown)
      known.push_back({moment.placed ? clock_text(seconds_of(moment.t_ns)) : "withheld",
                       moment.code, moment.value, moment.role,
                       length_text(seconds_of(moment.length_ns))});
  return join(
      {tag("h2", {"3. Time line"}), timeline_svg(e.view),
       tag("p", {{"class", "soft"}},
           {"Minutes and seconds of case time. Whiskers below a phase: 95 % bound of its "
            "beginning. "
            "Departures: filled diamond certain, triangle ambiguous, dashed circle unobserved, "
            "square justified. Known then: alarms and twin messages while the team could see "
            "them."}),
       table("Phases",
             {{"Phase"}, {"Origin"}, {"Begins", true}, {"95 % bound"}, {"Ends", true}, {}}, rows,
             "No phases are known."),
       e.view.timing_withheld.empty()
           ? Html()
           : tag("p", {tag("b", {"Durations of phases are withheld: "}),
                       e.view.timing_withheld.front() +
                           (e.view.timing_withheld.size() > 1
                                ? " (and " + std::to_string(e.view.timing_withheld.size() - 1) +
                                      " more)."
                                : ".")}),
       tag("h3", {"Known then: what a twin showed to the team"}),
       table("Messages on a display",
             {{"From", true}, {"Message"}, {"Display"}, {"Role"}, {"For", true}}, known,
             "No message of a twin was recorded as shown.")});
}

Html departure_box(const v1::Finding& finding) {
  const std::string certainty = name_of(finding.certainty());
  Children facts;
  const auto fact = [&](const std::string& name, const Html& value) {
    facts.push_back(tag("dt", {name}));
    facts.push_back(tag("dd", {value}));
  };
  fact("When", !analytics::finding::placed(finding)
                   ? "withheld: only its place in the order is known"
                   : clock_text(seconds_of(finding.t0_ns())) + " to " +
                         clock_text(seconds_of(finding.t1_ns())));
  fact("How sure", certainty_meaning(finding.certainty()));
  fact("Margin", finding.values().contains("margin")
                     ? number_text(value_of(finding, "margin").value_or(0)) +
                           " (by how much the best explanation without it costs more)"
                     : "not stated");
  fact("Would change this", what_would_change(finding));
  // What else stands in the finding is in the evidence.
  const std::pair<const char*, const char*> kShown[] = {{"value", "Value it touches"},
                                                        {"reason", "Reason recorded"},
                                                        {"check", "Rule of the protocol"},
                                                        {"observers", "Could have shown it"},
                                                        {"unwatched", "Not watched"}};
  for (const auto& [key, name] : kShown)
    if (const std::string value = label_of(finding, key); !value.empty()) fact(name, value);
  if (label_of(finding, "order_sensitive") == "true")
    fact("Order", "it is gone if events closer than their clocks can tell are exchanged");
  return tag("div", {{"class", "box " + certainty}},
             {tag("h3", {departure_title(finding), "  ", reference(finding_tag(finding))}),
              tag("p", {finding.text()}), tag("dl", facts)});
}

Html all_departures(const CaseEvidence& e) {
  static const std::pair<v1::Certainty, const char*> kGroups[] = {
      {v1::CERTAINTY_CERTAIN, "Certain"},
      {v1::CERTAINTY_AMBIGUOUS, "Ambiguous"},
      {v1::CERTAINTY_UNOBSERVED, "Unobserved"},
      {v1::CERTAINTY_JUSTIFIED, "Justified"}};
  Children out = {tag("h2", {"4. Departures from the protocol"}), tag("p", {compared_text(e)})};
  if (findings(e.view, "departure").empty()) return join(out);
  for (const auto& [certainty, name] : kGroups) {
    const auto group = departures(e.view, certainty);
    out.push_back(tag("h3", {std::string(name) + " (" + std::to_string(group.size()) + ")"}));
    out.push_back(tag("p", {{"class", "soft"}}, {certainty_meaning(certainty)}));
    if (group.empty()) out.push_back(tag("p", {{"class", "none"}}, {"None."}));
    for (const v1::Finding* finding : group) out.push_back(departure_box(*finding));
  }
  return join(out);
}

Html comparison(const CaseEvidence& e) {
  std::vector<std::vector<Html>> excluded;
  for (const auto& [reason, n] : e.comparison.excluded)
    excluded.push_back({reason, std::to_string(n)});
  return join(
      {tag("h2", {"5. Comparison class"}),
       tag("p", {"The other cases of this procedure in this store: " +
                 std::to_string(e.comparison.cases) +
                 ". Nothing is known here of other hospitals, of difficulty, or of the "
                 "patient. A group under 11 gets no number."}),
       tag("p", {e.phases_from.empty() ? "No phases of this case are known."
                                       : "This case's phases are those " + e.phases_from + "."}),
       e.untimed.empty() ? Html()
                         : tag("p", {tag("b", {"Its times may not be used: " + e.untimed + "."})}),
       e.untimed.empty() ? phase_table(e) : Html(),
       table("Cases whose times do not count", {{"Reason"}, {"Cases", true}}, excluded,
             "No other case was excluded.")});
}

Html twin(const CaseEvidence& e) {
  Children out = {tag("h2", {"6. The twin's forecast against observation"})};
  if (e.twin.empty()) out.push_back(tag("p", {{"class", "none"}}, {"No forecast was recorded."}));
  for (const TwinTrack& track : e.twin) {
    out.push_back(
        tag("h3", {track.variable + (track.unit.empty() ? "" : " (" + track.unit + ")")}));
    out.push_back(twin_svg(track, std::min(0.0, e.view.first_t_s), e.view.end_s));
    out.push_back(
        tag("p", {{"class", "soft"}},
            {std::to_string(track.timely.size()) +
                 " forecasts in time (points, with 95 % range where the twin states one) "
                 "against what was observed (line). ",
             tag("b", {std::to_string(track.late.size()) + " issued after the time they speak of"}),
             " (crosses above): hindsight, never counted. ",
             reference(record_tag(e.custody.case_digest))}));
  }
  std::vector<const v1::Finding*> scores = findings(e.view, "twin");
  for (const v1::Finding* finding : findings(e.view, "twin-late")) scores.push_back(finding);
  for (const v1::Finding* finding : scores) {
    Children facts;
    for (const auto& [key, value] :
         std::map<std::string, double>(finding->values().begin(), finding->values().end())) {
      facts.push_back(tag("dt", {value_text(key, value).first}));
      facts.push_back(tag("dd", {value_text(key, value).second}));
    }
    out.push_back(tag(
        "div", {{"class", "box"}},
        {tag("p", {finding->text(), " ", reference(finding_tag(*finding))}), tag("dl", facts)}));
  }
  out.push_back(
      tag("p", {"The range in which this twin was validated is not part of the record, so "
                "whether these forecasts lie in it cannot be said."}));
  return join(out);
}

Html sensitivity(const CaseEvidence& e) {
  Children out = {tag("h2", {"7. Sensitivity to weights"})};
  const Compared comparison = compared(e.view.findings);
  if (!comparison.weights) {
    out.push_back(tag("p", {{"class", "none"}},
                      {comparison.ran() ? "Departures are not weighed: the protocol declares no "
                                          "values, or the comparison was made before weights were "
                                          "kept."
                                        : "The case was not compared with a protocol, so there is "
                                          "nothing to weigh."}));
    return join(out);
  }
  const v1::Finding& finding = comparison.weights->finding;
  const Html chain = reference(finding_tag(finding));
  out.push_back(tag("p", {finding.text(), " ", chain}));
  if (!finding.values().contains("declared_least")) return join(out);
  const auto range = [&](const char* least, const char* most) {
    const std::string low = number_text(value_of(finding, least).value_or(0)),
                      high = number_text(value_of(finding, most).value_or(0));
    return join({low == high ? low : low + " to " + high, " ", chain});
  };
  const analytics::conformance::Values& values = comparison.weights->values;
  std::vector<std::vector<Html>> declared;
  for (size_t v = 0; v < values.ids.size(); ++v)
    declared.push_back({words(values.ids[v]), number_text(values.weights[v])});
  out.push_back(tag(
      "p", {"How much a value weighs is a choice that " + comparison.norm.id +
            " declares. Beside it stand equal weights, and " +
            number_text(value_of(finding, "draws").value_or(0)) +
            " random weights that keep the declared order. A conclusion that needs the "
            "declared numbers is a conclusion of that choice. Departures that are justified, were "
            "not observed or may have been done unseen do not count; severity is not "
            "multiplied in."}));
  out.push_back(
      table("What the departures weigh, from the lightest explanation to the heaviest",
            {{"Weights"}, {"Weight", true}},
            {{"As declared", range("declared_least", "declared_most")},
             {"All equal", range("equal_least", "equal_most")},
             {"Others in the declared order: median", range("random_median", "random_median")},
             {"Others in the declared order: 95 %", range("random_low", "random_high")}}));
  out.push_back(
      table("Values as the protocol declares them", {{"Value"}, {"Weight", true}}, declared));
  return join(out);
}

Html analyses(const CaseEvidence& e) {
  std::vector<std::vector<Html>> rows;
  std::set<std::string> seen;
  for (const v1::Finding& finding : e.view.findings) {
    const v1::AnalysisRun& run = finding.run();
    if (!seen.insert(run.job() + run.job_version() + run.protocol()).second) continue;
    rows.push_back({run.job() + " " + run.job_version(), run.binary(),
                    run.protocol().empty() ? "none" : run.protocol(),
                    run.order_basis().empty() ? "not stated" : run.order_basis(),
                    reference(finding_tag(finding))});
  }
  Children out = {tag("h2", {"8. Analyses that were run, and what else they found"}),
                  table("Runs", {{"Job"}, {"Program"}, {"Protocol"}, {"Order by"}, {"For example"}},
                        rows, "The case has not been analysed.")};
  for (const v1::Finding& finding : e.view.findings) {
    if (kOwnSection.contains(finding.kind()) || finding.text().empty()) continue;
    out.push_back(tag("p", {words(finding.kind()) + ": " + finding.text() + " ",
                            reference(finding_tag(finding))}));
  }
  return join(out);
}

Html limits(const CaseEvidence& e) {
  std::vector<std::string> sentences = {
      "Times are of the recorder's clock. A device's own time stands beside it in the record; the "
      "bound of each is in annex B.",
      "Phases named 'found' are computed from device streams; those named 'annotated' were marked "
      "by "
      "people. Both can be wrong at their boundaries.",
      "A departure is measured against the protocol version named with it and against nothing "
      "else. "
      "Another version may make or remove it.",
      "A departure's severity and value are the protocol's words. What departures weigh (section "
      "7) hangs on weights that the protocol declares, and is no score of a person.",
      "Video in the record is not redacted and is not part of this document."};
  if (!e.view.gaps.empty())
    sentences.push_back(
        "Streams have gaps (section 2). What happened in them is not known from these "
        "streams.");
  for (const query::ClockFact& clock : e.view.clocks)
    if (clock.broken)
      sentences.push_back("Clock " + std::to_string(clock.clock_id) +
                          " was broken: no statement here rests on its times.");
  if (!has_consent(e.view, "litigation"))
    sentences.push_back(
        "The case's consent does not name litigation. Whether another basis allows "
        "this document to be used is not decided here.");
  return join({tag("h2", {"9. Limits"}), sentence_list(sentences)});
}

Html reproduction(const CaseEvidence& e) {
  const std::string id = e.view.case_id;
  return join(
      {tag("h2", {"10. How to check this"}),
       tag("p", {"With the same program and a copy of the store:"}),
       tag("pre", {"casebox verify STORE\ncasebox show " + id + " --store STORE --json\n" +
                   "casebox report liability " + id + " --store STORE --out liability.html\n" +
                   "casebox why FINDING --store STORE\ncasebox recompute FINDING --store STORE"})});
}

}  // namespace

std::string liability(const CaseEvidence& e) {
  Children body = {head(e), summary(e), custody(e), accounting(e)};
  if (e.view.readable) {
    for (auto section : {time_line, all_departures, comparison, twin, sensitivity, analyses})
      body.push_back(section(e));
  } else {
    body.push_back(
        tag("div", {{"class", "withheld"}},
            {tag("h2", {"3. to 8. Content"}),
             tag("p", {"Nothing of its content is shown: " + e.view.unreadable_reason})}));
  }
  body.push_back(limits(e));
  body.push_back(reproduction(e));
  std::vector<const v1::Finding*> named;
  for (const v1::Finding& finding : e.view.findings) named.push_back(&finding);
  const std::string record = record_tag(e.custody.case_digest);
  body.push_back(custody_annex(e));
  body.push_back(accounting_annex(e));
  body.push_back(tag("h2", {"Annex C. Evidence"}));
  body.push_back(tag("div", {{"class", "box"}, {"id", record}},
                     {tag("h3", {record + "  The record"}),
                      tag("dl", {tag("dt", {"Case digest"}),
                                 tag("dd", {{"class", "mono"}}, {to_hex(e.custody.case_digest)}),
                                 tag("dt", {"Check it"}),
                                 tag("dd", {{"class", "mono"}}, {"casebox verify STORE"})})}));
  for (const PhaseStatistics& row : e.comparison.phases)
    body.push_back(
        tag("p", {{"id", row.tag}},
            {tag("span", {{"class", "tag"}}, {row.tag}),
             "  Time of " + words(row.phase) + " over " + std::to_string(row.n) + " other cases. ",
             tag("code", {"casebox analyze timing --cohort 'procedure = \"" +
                          e.comparison.procedure + "\"' --store STORE --json"})}));
  body.push_back(evidence_annex(named));
  return page("Liability file " + e.view.case_id.substr(0, 8), "liability", verdict_of(e.custody),
              body);
}

}  // namespace casebox::tools::report
