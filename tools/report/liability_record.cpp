#include "tools/report/liability_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "analytics/finding/finding.h"
#include "tools/cli/names.h"
#include "tools/query/facts.h"
#include "tools/report/gap_spans.h"
#include "tools/report/sections.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

using analytics::facts::StreamFact;

constexpr size_t kMostInSummary = 25;  // departures: two pages

/// "12 openings: 9 report, 3 analysis; refused beside them: 1"
std::string openings_text(const CaseEvidence& e) {
  if (!e.openings_known) return "There is no keystore here that could say who opened the case.";
  std::map<std::string, size_t> by_purpose;
  size_t refused = 0;
  for (const Opening& opening : e.openings) {
    if (opening.allowed) {
      ++by_purpose[opening.purpose];
    } else {
      ++refused;
    }
  }
  std::string out = std::to_string(e.openings.size() - refused) +
                    " audited openings of the case's key, this report's own included";
  for (const auto& [purpose, n] : by_purpose)
    out += (out.ends_with("included") ? ": " : ", ") + purpose + " " + std::to_string(n);
  return out + "; refused beside them: " + std::to_string(refused) + ". Each is in annex A.";
}

std::vector<Html> stream_row(const StreamFact& view) {
  return {view.stream.name(), dashed(name_of(view.stream.kind())), std::to_string(view.items),
          std::to_string(view.missing) +
              (view.unknown_gaps > 0
                   ? " and gaps of unknown count: " + std::to_string(view.unknown_gaps)
                   : ""),
          view.stream.by_policy_absent() ? "not recorded by policy: " + view.stream.policy_reason()
          : view.items == 0              ? "no items"
                                         : ""};
}

/// How far device clocks can be trusted.
std::string clocks_text(const CaseView& view) {
  if (view.clocks.empty()) return "No device clock was estimated.";
  const auto broken = std::ranges::count(view.clocks, true, &query::ClockFact::broken);
  std::optional<double> worst;
  bool unbounded = false;
  for (const query::ClockFact& clock : view.clocks) {
    if (clock.broken) continue;
    if (clock.u95_s) worst = std::max(worst.value_or(0), *clock.u95_s);
    unbounded = unbounded || !clock.u95_s;
  }
  std::string out = "Of " + std::to_string(view.clocks.size()) + " device clocks " +
                    std::to_string(broken) + " were broken: no timing claim rests on them";
  if (worst) out += "; the largest 95 % bound of the others is " + bound_text(*worst);
  if (unbounded) out += ", and of some no bound can be given";
  return out + ". Each is in annex B.";
}

const std::vector<Column> kStreamColumns = {
    {"Stream"}, {"Kind"}, {"Items", true}, {"Missing", true}, {"Remark"}};

}  // namespace

Html sentence_list(const std::vector<std::string>& sentences) {
  Children items;
  for (const std::string& sentence : sentences) items.push_back(tag("li", {sentence}));
  return items.empty() ? tag("p", {{"class", "none"}}, {"Nothing."}) : tag("ul", items);
}

/// Whether the case was compared with a protocol, and what that gave; why not.
std::string compared_text(const CaseEvidence& e) {
  const Compared with = compared(e.view.findings);
  switch (with.outcome) {
    case Compared::Outcome::kNever:
      return "The case was not compared with a protocol: nothing is known of departures.";
    case Compared::Outcome::kSkipped:
      return "The case was not compared with a protocol (" + with.reason +
             "): nothing is known of departures.";
    case Compared::Outcome::kFailed:
      return "The comparison with a protocol failed (" + with.reason +
             "): nothing is known of departures.";
    case Compared::Outcome::kRan: break;
  }
  std::string out = "Compared with " + with.norm.id + ": ";
  const auto n = [&](v1::Certainty certainty) {
    return std::to_string(departures(e.view, certainty).size());
  };
  out += n(v1::CERTAINTY_CERTAIN) + " departures certain, " + n(v1::CERTAINTY_AMBIGUOUS) +
         " ambiguous, " + n(v1::CERTAINTY_UNOBSERVED) + " unobserved, " +
         n(v1::CERTAINTY_JUSTIFIED) + " justified";
  if (const auto left = departures(e.view, v1::CERTAINTY_UNSPECIFIED).size(); left > 0)
    out += ", " + std::to_string(left) + " whose certainty was not judged";
  return out + ".";
}

/// What a reader has to know before anything else.
Html summary(const CaseEvidence& e) {
  const CaseView& view = e.view;
  std::vector<std::string> points;
  const std::string verdict = verify::to_string(e.custody.verdict);
  points.push_back("Custody: " + verdict + "; " +
                   (e.custody.problems.empty()
                        ? std::string("no problem was found")
                        : std::to_string(e.custody.problems.size()) +
                              " problems, the first: " + e.custody.problems.front().detail) +
                   ". What is proven and what is not stands in section 1.");
  points.push_back("Recorded: " + length_text(view.duration_s) + " in " +
                   std::to_string(view.streams.size()) + " streams; " +
                   (view.gaps.empty()
                        ? std::string("no gap was declared")
                        : "at one or more of them something is missing for " +
                              length_text(length_s(gap_spans(view.gaps))) + " together") +
                   " (section 2).");
  const auto broken = std::ranges::count(view.clocks, true, &query::ClockFact::broken);
  if (broken > 0)
    points.push_back(std::to_string(broken) + " of " + std::to_string(view.clocks.size()) +
                     " device clocks were broken: no timing claim rests on them.");
  if (!view.readable) {
    points.push_back("Content: no key here opens it. Nothing is said of what happened.");
    return join({tag("h2", {"Summary"}), sentence_list(points)});
  }
  points.push_back(
      e.phases_from.empty()
          ? "Phases: none are known."
          : "Phases: " + e.phases_from +
                (view.timing_withheld.empty()
                     ? "; their times may be used (section 3)."
                     : "; their durations are withheld: " + view.timing_withheld.front() + "."));
  points.push_back(compared_text(e));
  size_t timely = 0, late = 0;
  for (const TwinTrack& track : e.twin) {
    timely += track.timely.size();
    late += track.late.size();
  }
  if (timely + late > 0)
    points.push_back("Twin: " + std::to_string(timely) + " forecasts in time, " +
                     std::to_string(late) + " issued after the time they speak of (section 6).");
  if (!has_consent(view, "litigation"))
    points.push_back(view.consent_stated ? "The recorded consent does not name litigation."
                                         : "No consent is stated in the record.");
  std::vector<std::vector<Html>> rows;
  for (v1::Certainty certainty : {v1::CERTAINTY_CERTAIN, v1::CERTAINTY_AMBIGUOUS,
                                  v1::CERTAINTY_UNOBSERVED, v1::CERTAINTY_JUSTIFIED})
    for (const v1::Finding* finding : departures(view, certainty))
      rows.push_back({name_of(certainty), departure_title(*finding),
                      analytics::finding::placed(*finding)
                          ? clock_text(seconds_of(finding->t0_ns()))
                          : "withheld",
                      reference(finding_tag(*finding))});
  const size_t all = rows.size();
  if (rows.size() > kMostInSummary) rows.resize(kMostInSummary);
  Children out = {tag("h2", {"Summary"}), sentence_list(points)};
  if (!rows.empty())
    out.push_back(table("Departures; what each rests on stands in section 4",
                        {{"Certainty"}, {"Departure"}, {"At, or from", true}, {}}, rows));
  if (all > rows.size())
    out.push_back(tag("p", {"and " + std::to_string(all - rows.size()) + " more in section 4."}));
  return join(out);
}

Html custody(const CaseEvidence& e) {
  const verify::Report& report = e.custody;
  const std::string verdict = verify::to_string(report.verdict);
  const bool good = verify::is_complete(report.verdict);
  std::vector<std::vector<Html>> problems;
  for (const verify::Problem& problem : report.problems)
    problems.push_back({problem.kind, problem.where, problem.detail});
  const std::string record = record_tag(report.case_digest);
  return join(
      {tag("h2", {"1. Custody"}),
       tag("p", {tag("span", {{"class", good ? "verdict good" : "verdict bad"}}, {verdict}), "  ",
                 reference(record)}),
       tag("p", {"Valid up to " + clock_text(report.valid_to_s) +
                 " of case time: up to there a beat that the recorder signed covers everything. " +
                 std::to_string(report.frames) + " frames, " + std::to_string(report.bytes) +
                 " bytes were checked when this report was made."}),
       tag("h3", {"Proven"}), sentence_list(report.proven), tag("h3", {"Not proven"}),
       sentence_list(report.not_proven), tag("h3", {"Problems"}),
       table("What does not hold", {{"Kind"}, {"Where"}, {"What"}}, problems, "None were found."),
       tag("p", {openings_text(e)})});
}

/// Annex A: who wrote into the case, and who opened it.
Html custody_annex(const CaseEvidence& e) {
  std::vector<std::vector<Html>> epochs, openings;
  for (const EpochView& epoch : e.epochs)
    epochs.push_back({epoch.role, tag("span", {{"class", "mono"}}, {epoch.epoch}),
                      epoch.closed ? "closed" : "not closed",
                      tag("span", {{"class", "mono"}}, {epoch.signing_key})});
  for (const Opening& opening : e.openings)
    openings.push_back(
        {opening.at, opening.purpose, opening.subject, opening.allowed ? "opened" : "refused"});
  return join({tag("h2", {"Annex A. Producers and openings"}),
               table("Each run of a program that wrote into the case",
                     {{"Role"}, {"Epoch"}, {"State"}, {"Signing key (Ed25519)"}}, epochs),
               e.openings_known
                   ? table("Every audited opening of the case's key, this report's own included",
                           {{"When"}, {"Purpose"}, {"By"}, {"Result"}}, openings)
                   : tag("p", {{"class", "none"}}, {"There is no keystore here that could say."})});
}

Html accounting(const CaseEvidence& e) {
  const Html record = reference(record_tag(e.custody.case_digest));
  std::vector<std::vector<Html>> streams, gaps;
  for (const StreamFact& view : e.view.streams)
    if (view.missing > 0 || view.unknown_gaps > 0 || view.items == 0 ||
        view.stream.by_policy_absent())
      streams.push_back(stream_row(view));
  std::map<std::string, std::vector<const query::GapFact*>> by_stream;
  for (const query::GapFact& gap : e.view.gaps) by_stream[gap.stream].push_back(&gap);
  for (const auto& [stream, all] : by_stream) {
    std::set<std::string> reasons;
    for (const query::GapFact* gap : all) reasons.insert(gap->reason + " (" + gap->origin + ")");
    std::string text;
    for (const std::string& reason : reasons) text += (text.empty() ? "" : ", ") + reason;
    gaps.push_back({stream, std::to_string(all.size()),
                    length_text(length_s(gap_spans(e.view.gaps, stream))), text});
  }
  const size_t whole = e.view.streams.size() - streams.size();
  return join(
      {tag("h2", {"2. What was recorded, and what was not"}),
       tag("p",
           {"Every number in this section is of the record itself: ", record,
            " Of " + std::to_string(e.view.streams.size()) + " streams " + std::to_string(whole) +
                " have items and no gap; all are in annex B, and every single gap."}),
       table("Streams with a gap, or without items", kStreamColumns, streams, "No stream has any."),
       table("Gaps by stream; overlapping ones count once",
             {{"Stream"}, {"Gaps", true}, {"Together", true}, {"Reasons"}}, gaps,
             "No gap was declared."),
       tag("p", {clocks_text(e.view)})});
}

/// Annex B: all streams and all gaps.
Html accounting_annex(const CaseEvidence& e) {
  std::vector<std::vector<Html>> streams, gaps, clocks;
  for (const StreamFact& view : e.view.streams) streams.push_back(stream_row(view));
  for (const query::GapFact& gap : e.view.gaps)
    gaps.push_back({gap.stream, clock_text(gap.t0_s), clock_text(gap.t1_s),
                    gap.missing ? std::to_string(*gap.missing) : "unknown",
                    gap.reason + " (" + gap.origin + ")"});
  for (const query::ClockFact& clock : e.view.clocks)
    clocks.push_back({fmt::format("{}: {}", clock.clock_id, fmt::join(clock.streams, ", ")),
                      fmt::format("{:.3f}", clock.offset_s),
                      clock.rate_ppm ? fmt::format("{:.1f}", *clock.rate_ppm) : "not estimated",
                      clock.broken  ? "broken: no timing claim"
                      : clock.u95_s ? bound_text(*clock.u95_s)
                                    : "not known",
                      std::to_string(clock.sets)});
  return join(
      {tag("h2", {"Annex B. Streams and gaps"}), table("Streams", kStreamColumns, streams),
       table("Gaps", {{"Stream"}, {"From", true}, {"To", true}, {"Missing", true}, {"Reason"}},
             gaps, "No gap was declared."),
       table("Device clocks against the recorder's",
             {{"Clock of"},
              {"Offset, s", true},
              {"Rate, ppm", true},
              {"Largest 95 % bound"},
              {"Times set", true}},
             clocks, "No device clock was estimated.")});
}

}  // namespace casebox::tools::report
