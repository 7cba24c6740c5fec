#include "tools/report/briefing.h"

#include <algorithm>
#include <set>

#include "analytics/finding/finding.h"
#include "tools/cli/names.h"
#include "tools/report/sections.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

constexpr size_t kMostItems = 8;  // of a list, so that the briefing stays two pages

/// Names that a patient may know; others are written out as they are.
std::string plain(const std::string& code) {
  static const std::map<std::string, std::string> kPlain = {
      {"lap-cholecystectomy", "keyhole removal of the gallbladder"},
      {"laparoscopic-cholecystectomy", "keyhole removal of the gallbladder"},
      {"gastric-bypass", "keyhole stomach bypass"},
      {"Preparation", "Getting ready inside the abdomen"},
      {"CalotTriangleDissection", "Freeing the duct and the artery of the gallbladder"},
      {"ClippingCutting", "Closing and cutting the duct and the artery"},
      {"GallbladderDissection", "Freeing the gallbladder from the liver"},
      {"GallbladderPackaging", "Putting the gallbladder into a bag"},
      {"CleaningCoagulation", "Cleaning and stopping small bleeding"},
      {"GallbladderRetraction", "Taking the gallbladder out"},
      {"time-out", "Safety check before the start (time-out)"},
      {"sign-out", "Safety check at the end (sign-out)"},
      {"debrief", "Team talk after the operation"},
      {"instrument-count", "Counting of the instruments"},
      {"critical-view", "Check of the view before cutting"}};
  const auto it = kPlain.find(code);
  return it == kPlain.end() ? words(code) : it->second;
}

/// "Not marked: Counting of the instruments"
std::string plain_departure(const v1::Finding& finding) {
  const std::string title = departure_title(finding);
  const std::string step = finding.step().empty() ? label_of(finding, "step") : finding.step();
  return title.substr(0, title.find(':')) + ": " + plain(step);
}

/// "1 message", "2 messages"
std::string counted(size_t n, const std::string& thing) {
  return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
}

std::string device_of(const CaseView& view, const std::string& stream) {
  for (const StreamView& one : view.streams)
    if (one.stream.name() == stream && !one.stream.device().empty())
      return words(one.stream.device()) + " (" + stream + ")";
  return words(stream);
}

Html small(const std::string& name) {
  return tag("span", {{"class", "tag soft"}}, {" [" + name + "]"});
}

Html list(Children items, size_t left_out, const std::string& none) {
  if (items.empty()) return tag("p", {none});
  for (Html& item : items) item = tag("li", {item});
  if (left_out > 0)
    items.push_back(
        tag("li", {"and " + std::to_string(left_out) + " more; ask to see the full list"}));
  return tag("ul", items);
}

Html planned(const CaseEvidence& e) {
  std::set<std::string> protocols;
  for (const v1::Finding& finding : e.view.findings)
    if (!finding.run().protocol().empty()) protocols.insert(finding.run().protocol());
  Children out = {
      tag("h2", {"What was planned"}),
      tag("p", {"The operation planned was: ", tag("b", {plain(e.view.procedure)}), "."})};
  for (const std::string& protocol : protocols)
    out.push_back(tag("p", {"The team's agreed way of doing it is written down as \"" + protocol +
                            "\". Other ways can be just as good."}));
  return join(out);
}

Html done(const CaseEvidence& e) {
  const std::string record = record_tag(e.custody.case_digest);
  Children items;
  if (!e.view.timing_withheld.empty()) {
    std::set<std::string> parts;
    for (const PhaseSpan& span : e.phases)
      if (parts.insert(span.label).second)
        items.push_back(join({tag("b", {plain(span.label)}), ".", small(record)}));
    items.push_back(
        "How long each part took is not said: what was recorded of their times does not "
        "fit together well enough.");
  }
  for (const auto& [phase, seconds] : e.view.timing_withheld.empty()
                                          ? phase_seconds(e.phases)
                                          : decltype(phase_seconds(e.phases))()) {
    const PhaseStatistics* usual = e.comparison.find(phase);
    std::string range = "there are too few other operations here to say what is usual";
    if (usual != nullptr && usual->n >= kMinimumGroup)
      range = "in 8 of 10 of our " + std::to_string(usual->n) +
              " other operations: " + length_text(usual->p10_s) + " to " +
              length_text(usual->p90_s);
    items.push_back(
        join({tag("b", {plain(phase)}), ": " + length_text(seconds) + "; " + range + ".",
              small(usual != nullptr && usual->n >= kMinimumGroup ? usual->tag : record)}));
  }
  return join(
      {tag("h2", {"What was done, and what is usual"}),
       tag("p", {"The recording lasts " + length_text(e.view.duration_s) + ".", small(record)}),
       list(items, 0, "The parts of the operation were not told apart in this recording."),
       tag("p", {"Taking longer or shorter than usual is not a mistake. Every body is "
                 "different."})});
}

Html differed(const CaseEvidence& e) {
  Children items;
  size_t left_out = 0;
  for (v1::Certainty certainty :
       {v1::CERTAINTY_CERTAIN, v1::CERTAINTY_JUSTIFIED, v1::CERTAINTY_AMBIGUOUS}) {
    for (const v1::Finding* finding : departures(e.view, certainty)) {
      if (items.size() == kMostItems) {
        ++left_out;
        continue;
      }
      const std::string reason = label_of(*finding, "reason");
      std::string why = reason.empty()
                            ? "No reason was recorded. That does not mean that there was none."
                            : "The reason recorded at the time: " + words(reason) + ".";
      const std::string sure =
          certainty == v1::CERTAINTY_AMBIGUOUS
              ? "This may have been so; the recording can also be explained without it. "
              : "";
      items.push_back(join({tag("b", {plain_departure(*finding)}), ". " + sure + why,
                            small(finding_tag(*finding))}));
    }
  }
  const bool compared = std::ranges::any_of(e.view.findings, [](const v1::Finding& finding) {
    return finding.kind() == "run" && finding.run().job() == "conformance" &&
           label_of(finding, "outcome") == "ran";
  });
  return join(
      {tag("h2", {"What differed from the agreed way, and why"}),
       list(items, left_out,
            compared ? "Nothing that was recorded differed from it."
                     : "This operation was not compared with a plan."),
       tag("p", {"Teams leave the agreed way for good reasons every day. A difference is not "
                 "an error."})});
}

Html moments(const CaseEvidence& e) {
  struct Moment {
    double t_s;
    std::string text, name;
  };
  const std::string record = record_tag(e.custody.case_digest);
  std::vector<Moment> all;
  for (const query::PhaseFact& phase : e.view.phases)
    if (phase.level == "phase" && phase.placed)
      all.push_back({phase.t0_s, plain(phase.label), record});
  for (v1::Certainty certainty : {v1::CERTAINTY_CERTAIN, v1::CERTAINTY_JUSTIFIED})
    for (const v1::Finding* finding : departures(e.view, certainty))
      if (analytics::finding::placed(*finding))
        all.push_back({static_cast<double>(finding->t0_ns()) * 1e-9, plain_departure(*finding),
                       finding_tag(*finding)});
  std::stable_sort(all.begin(), all.end(),
                   [](const Moment& a, const Moment& b) { return a.t_s < b.t_s; });
  std::vector<std::vector<Html>> rows;
  for (const Moment& moment : all)
    if (rows.size() < 2 * kMostItems)
      rows.push_back({clock_text(moment.t_s), join({moment.text, small(moment.name)})});
  return join(
      {tag("h2", {"Moments you can ask to be shown"}),
       table("Time from the start of the recording", {{"Time", true}, {"What happens"}}, rows,
             "No moments could be told apart."),
       tag("p", {"Pictures are not printed here. Before anyone shows you the recording, people "
                 "in it are made unrecognisable and a person checks that."})});
}

Html not_recorded(const CaseEvidence& e) {
  Children items;
  size_t left_out = 0;
  const std::string record = record_tag(e.custody.case_digest);
  const auto add = [&](const Html& item) {
    if (items.size() < kMostItems)
      items.push_back(item);
    else
      ++left_out;
  };
  for (const v1::Finding* finding : departures(e.view, v1::CERTAINTY_UNOBSERVED))
    add(join({plain(finding->step()) +
                  ": nothing that could have seen it was recording. It may well "
                  "have been done.",
              small(finding_tag(*finding))}));
  std::map<std::string, double> lost;
  for (const GapView& gap : e.view.gaps) lost[gap.stream] += std::max(0.0, gap.t1_s - gap.t0_s);
  for (const auto& [stream, seconds] : lost)
    add(join({device_of(e.view, stream) + ": " + length_text(seconds) + " in all are missing.",
              small(record)}));
  for (const StreamView& view : e.view.streams)
    if (view.stream.by_policy_absent())
      add(join(
          {device_of(e.view, view.stream.name()) + ": never recorded, as a rule.", small(record)}));
  return join({tag("h2", {"What was not recorded"}),
               list(items, left_out, "No gap in the recording is known.")});
}

Html computer(const CaseEvidence& e) {
  size_t timely = 0, late = 0, shown = 0;
  for (const TwinTrack& track : e.twin) {
    timely += track.timely.size();
    late += track.late.size();
  }
  for (const EventView& event : e.view.events) shown += event.kind == "twin-shown";
  const std::string record = record_tag(e.custody.case_digest);
  Children out = {tag("h2", {"What a computer contributed, and what people decided"})};
  if (timely + late == 0)
    out.push_back(tag("p", {"No computer forecast was recorded during your operation."}));
  else
    out.push_back(tag("p", {"A computer model forecast measurements such as blood pressure " +
                                counted(timely + late, "time") + ". " + std::to_string(late) +
                                " of these came too late and are not counted as forecasts. " +
                                "To the team were shown: " + counted(shown, "message") + ".",
                            small(record)}));
  out.push_back(
      tag("p", {"People made every decision. After the operation a program worked out the "
                "times on the first page and what differed; it does not judge anybody."}));
  return join(out);
}

Html rights(const CaseEvidence& e, const std::string& contact) {
  static const std::map<std::string, std::string> kScopes = {
      {"record", "making the recording"},
      {"quality", "improving care in this hospital"},
      {"teaching", "teaching"},
      {"research", "research"},
      {"patient-briefing", "telling you about it (this paper)"},
      {"litigation", "legal questions"},
      {"staff-record", "the staff's own learning"}};
  Children items;
  for (const std::string& scope : e.view.consent) {
    const auto it = kScopes.find(scope);
    items.push_back(it == kScopes.end() ? words(scope) : it->second);
  }
  std::string openings = "Every time somebody opens the recording, that is written down.";
  if (e.openings_known)
    openings += " So far it was opened " + std::to_string(e.openings.size()) +
                " times, by programs of this hospital, this paper included.";
  return join(
      {tag("h2", {"Who sees this, and for how long"}),
       tag("p", {"You agreed that the recording may be used for:"}), list(items, 0, "nothing."),
       tag("p", {openings, small(record_tag(e.custody.case_digest)),
                 " How long it is kept is this hospital's rule and is not part of the recording; "
                 "please ask."}),
       tag("h2", {"If you object, or want to add something"}),
       tag("p",
           {"You may withdraw any of these uses at any time; your care does not depend on it. You "
            "may add your own account, and it is kept with the recording. Please speak to " +
                contact + ", and give this number: ",
            tag("span", {{"class", "mono"}}, {e.view.case_id}), "."})});
}

}  // namespace

Result<void> briefing_allowed(const CaseView& view) {
  const std::string which = "case " + view.case_id.substr(0, 8) + ": ";
  if (!view.readable)
    return Error{Code::kDenied,
                 which +
                     "no key here opens it, so its consent cannot be read; run this where the "
                     "case's keystore is"};
  if (!has_consent(view, kBriefingScope))
    return Error{Code::kDenied, which + "its consent does not include " + kBriefingScope +
                                    ", so no briefing is made; record the patient's consent with "
                                    "`casebox consent` first"};
  return ok();
}

Result<std::string> briefing(const CaseEvidence& e, const std::string& contact) {
  CASEBOX_CHECK(briefing_allowed(e.view));
  return page("About your operation", "briefing", verdict_of(e.custody),
              {tag("h1", {"About your operation"}),
               tag("p", {{"class", "soft"}},
                   {e.view.start.substr(0, 10) +
                    ". Made by a program from the recording of your operation. The "
                    "small names in brackets let experts check every number."}),
               planned(e), done(e), differed(e),
               tag("section", {{"class", "second"}},
                   {moments(e), not_recorded(e), computer(e), rights(e, contact)})});
}

}  // namespace casebox::tools::report
