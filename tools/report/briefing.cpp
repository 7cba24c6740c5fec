#include "tools/report/briefing.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "analytics/conformance/labels.h"
#include "analytics/finding/finding.h"
#include "analytics/finding/labels.h"
#include "tools/cli/names.h"
#include "tools/query/facts.h"
#include "tools/report/gap_spans.h"
#include "tools/report/sections.h"
#include "tools/report/tags.h"
#include "tools/report/timeline_svg.h"

namespace casebox::tools::report {
namespace {

using analytics::finding::deviation_below;
using analytics::finding::label_of;
using analytics::finding::value_of;

constexpr size_t kMostItems = 8;  // of a list, so that the briefing stays two pages

/// "the safety check before the start"; what no protocol has words for is written out as it is.
std::string plain(const CaseEvidence& e, const std::string& step) {
  const std::string wanted = analytics::conformance::folded(step);
  for (const auto& [id, lay] : e.lay.steps)
    if (analytics::conformance::folded(id) == wanted) return lay;
  std::string out = words(step);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] + 32);
  return out;
}

/// As people speak of time: "about 14 minutes".
std::string about(double seconds) {
  if (seconds < 60) return "less than a minute";
  const int64_t minutes = std::llround(seconds / 60);
  if (minutes < 60)
    return "about " + std::to_string(minutes) + (minutes == 1 ? " minute" : " minutes");
  std::string out = "about " + std::to_string(minutes / 60) + (minutes < 120 ? " hour" : " hours");
  if (const int64_t rest = minutes % 60; rest > 0) out += " " + std::to_string(rest) + " minutes";
  return out;
}

/// "12 minutes" of about().
std::string bare(double seconds) {
  const std::string text = about(seconds);
  return text.starts_with("about ") ? text.substr(6) : text;
}

std::string step_of(const v1::Finding& finding) {
  return finding.step().empty() ? label_of(finding, "step") : finding.step();
}

/// "the counting of instruments was not marked by anybody"
std::string plain_departure(const CaseEvidence& e, const v1::Finding& finding) {
  const std::string step = capital(plain(e, step_of(finding)));
  const std::string deviation = deviation_below(finding);
  if (deviation == "missing") {
    const std::string by = label_of(finding, "shown_by");
    if (by == "people") return step + " was not marked";
    if (by == "devices") return step + " left no trace in what the devices recorded";
    return step + " was neither marked nor seen in the recording";
  }
  if (deviation == "extra") return step + " was recorded, and the plan does not have it there";
  if (deviation == "order") return step + " came at another place than in the plan";
  if (deviation == "time")
    return step + (value_of(finding, "excess_s").value_or(0) < 0
                       ? " was shorter than the plan says"
                       : " took longer than the plan says");
  return step + " was not as in the plan";
}

/// "1 message", "2 messages"
std::string counted(size_t n, const std::string& thing) {
  return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
}

std::string device_of(const CaseView& view, const std::string& stream) {
  for (const analytics::facts::StreamFact& one : view.streams)
    if (one.stream.name() == stream && !one.stream.device().empty())
      return words(one.stream.device());
  return words(stream);
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
  const Compared with = compared(e.view.findings);
  Children out = {tag("h2", {"What was planned"})};
  const std::string procedure = e.lay.procedure.empty() ? words(e.view.procedure) : e.lay.procedure;
  out.push_back(
      e.view.procedure.empty()
          ? tag("p", {"Which operation was planned is not in the recording."})
          : tag("p", {"The recording names this operation: ", tag("b", {procedure}), "."}));
  out.push_back(
      tag("p", {with.ran() ? "What was recorded was compared with a written plan for such "
                             "operations. Other ways can be just as good."
                           : "Your operation was not compared with a plan. So this paper does not "
                             "say whether anything differed from one."}));
  return join(out);
}

Html done(const CaseEvidence& e) {
  Children items;
  std::set<std::string> parts, open;
  bool any_usual = false, timed = false;
  for (const PhaseSpan& span : e.phases) {
    parts.insert(span.label);
    if (span.open) open.insert(span.label);
  }
  if (!e.view.timing_withheld.empty()) {
    for (const PhaseSpan& span : e.phases)
      if (parts.erase(span.label) > 0)
        items.push_back(join({tag("b", {capital(plain(e, span.label))}), "."}));
    if (!items.empty())
      items.push_back(
          "How long each part took is not said: what was recorded of their times does not "
          "fit together well enough.");
  } else {
    const auto usual_of = [&](const std::string& phase) {
      const PhaseStatistics* usual = e.comparison.find(phase);
      return usual != nullptr && usual->n >= kMinimumGroup ? usual : nullptr;
    };
    const auto lengths = phase_seconds(e.phases);
    any_usual = std::ranges::any_of(
        lengths, [&](const auto& one) { return usual_of(one.first) != nullptr; });
    for (const auto& [phase, seconds] : lengths) {
      std::string range;
      if (const PhaseStatistics* usual = usual_of(phase))
        range = "; in 8 of 10 of " + std::to_string(usual->n) +
                " other operations here: " + bare(usual->p10_s) + " to " + bare(usual->p90_s);
      else if (any_usual)
        range = "; too few other operations here have it to say what is usual";
      items.push_back(
          join({tag("b", {capital(plain(e, phase))}), ": " + about(seconds) + range + "."}));
    }
    timed = !lengths.empty();
    for (const std::string& label : open)
      items.push_back(join({tag("b", {capital(plain(e, label))}),
                            ": its end was not recorded, so nobody knows how long it took."}));
  }
  static const std::map<std::string, std::string> kTold = {
      {"annotated", "People told the parts apart when they looked at the recording."},
      {"marked", "People marked the parts during the operation."},
      {"found",
       "A program told the parts apart from signals of the devices. It can be wrong, most "
       "of all about where one part ends and the next begins."}};
  const auto told = kTold.find(e.phases_from);
  const Html by = items.empty() || told == kTold.end() ? Html() : tag("p", {told->second});
  return join(
      {tag("h2", {"What was recorded, and what is usual"}),
       tag("p", {"The recording lasts " + about(e.view.duration_s) + "."}),
       list(items, 0, "The parts of the operation were not told apart in this recording."), by,
       timed && !any_usual
           ? tag("p", {"There are too few other such operations here to say what is usual."})
           : Html(),
       tag("p", {"Taking longer or shorter than usual is not a mistake. Every body is "
                 "different."})});
}

Html differed(const CaseEvidence& e) {
  const Html head = tag("h2", {"What differed from the plan, and why"});
  if (!compared(e.view.findings).ran())
    return join({head, tag("p", {"Your operation was not compared with a plan, so nothing can be "
                                 "said about differences."})});
  Children items;
  size_t left_out = 0;
  for (v1::Certainty certainty : {v1::CERTAINTY_CERTAIN, v1::CERTAINTY_JUSTIFIED,
                                  v1::CERTAINTY_AMBIGUOUS, v1::CERTAINTY_UNSPECIFIED}) {
    for (const v1::Finding* finding : departures(e.view, certainty)) {
      if (items.size() == kMostItems) {
        ++left_out;
        continue;
      }
      const std::string reason = label_of(*finding, "reason");
      std::string why = reason.empty()
                            ? "No reason was recorded. That does not mean that there was none."
                            : "The reason recorded at the time: " + words(reason) + ".";
      if (value_of(*finding, "done_unseen").value_or(0) > 0)
        why = "It may have been done without being seen. " + why;
      else if (certainty == v1::CERTAINTY_AMBIGUOUS || certainty == v1::CERTAINTY_UNSPECIFIED)
        why = "This may have been so; the recording can also be explained without it. " + why;
      items.push_back(join({tag("b", {plain_departure(e, *finding)}), ". " + why}));
    }
  }
  const bool unseen = !departures(e.view, v1::CERTAINTY_UNOBSERVED).empty();
  return join(
      {head,
       list(items, left_out,
            unseen ? "Nothing that was recorded differed from it. Parts of the plan could not be "
                     "compared, as nothing was recording there: they are named below."
                   : "Nothing that was recorded differed from it."),
       tag("p", {"Teams leave a plan for good reasons every day. A difference is not an error."})});
}

Html moments(const CaseEvidence& e) {
  struct Moment {
    double t_s;
    std::string text;
  };
  std::vector<Moment> all;
  for (const query::PhaseFact& phase : e.view.phases)
    if (phase.level == "phase" && phase.placed)
      all.push_back({phase.t0_s, capital(plain(e, phase.label))});
  // What is not there has no moment.
  for (v1::Certainty certainty : {v1::CERTAINTY_CERTAIN, v1::CERTAINTY_JUSTIFIED})
    for (const v1::Finding* finding : departures(e.view, certainty))
      if (analytics::finding::placed(*finding) && deviation_below(*finding) != "missing")
        all.push_back({seconds_of(finding->t0_ns()), plain_departure(e, *finding)});
  std::stable_sort(all.begin(), all.end(),
                   [](const Moment& a, const Moment& b) { return a.t_s < b.t_s; });
  std::vector<std::vector<Html>> rows;
  for (const Moment& moment : all)
    if (rows.size() < 2 * kMostItems) rows.push_back({axis_text(moment.t_s), moment.text});
  const bool video =
      std::ranges::any_of(e.view.streams, [](const analytics::facts::StreamFact& one) {
        return one.stream.kind() == v1::STREAM_KIND_VIDEO && one.items > 0;
      });
  return join(
      {tag("h2", {"Moments in the recording"}),
       table("Hours, minutes and seconds from the start of the recording",
             {{"Time", true}, {"What begins"}}, rows, "No moments could be told apart."),
       tag("p", {video ? "Pictures were recorded and are not printed here. Please ask whether they "
                         "can be shown to you: other people may be in them."
                       : "No pictures were recorded."})});
}

/// Of such a stream something comes as long as it runs; alarms and marks come when there are any.
bool comes_by_itself(v1::StreamKind kind) {
  return kind == v1::STREAM_KIND_WAVE || kind == v1::STREAM_KIND_NUMERIC ||
         kind == v1::STREAM_KIND_VIDEO || kind == v1::STREAM_KIND_AUDIO ||
         kind == v1::STREAM_KIND_TWIN_SERIES;
}

Html not_recorded(const CaseEvidence& e) {
  Children items;
  size_t left_out = 0;
  const auto add = [&](const std::string& item) {
    if (items.size() < kMostItems)
      items.push_back(item);
    else
      ++left_out;
  };
  if (!e.view.complete)
    add("The recording itself did not pass its check, or was not closed as it should be. What is "
        "on "
        "this paper may be incomplete.");
  for (const v1::Finding* finding : departures(e.view, v1::CERTAINTY_UNOBSERVED))
    add(capital(plain(e, step_of(*finding))) +
        ": what could have shown it was not recording all the time. It may well have been done.");
  std::set<std::string> streams;
  for (const query::GapFact& gap : e.view.gaps) streams.insert(gap.stream);
  for (const std::string& stream : streams)
    add(device_of(e.view, stream) + ": " + about(length_s(gap_spans(e.view.gaps, stream))) +
        " in all are missing.");
  if (streams.size() > 1)
    add("At one or more of these together something is missing for " +
        about(length_s(gap_spans(e.view.gaps))) + " of the recording.");
  std::set<std::string> gave;  // devices of which something was recorded
  for (const analytics::facts::StreamFact& view : e.view.streams)
    if (view.items > 0) gave.insert(device_of(e.view, view.stream.name()));
  std::set<std::string> silent;
  for (const analytics::facts::StreamFact& view : e.view.streams) {
    const std::string device = device_of(e.view, view.stream.name());
    if (view.stream.by_policy_absent())
      add(device + ": never recorded, as a rule.");
    else if (view.items > 0 || streams.contains(view.stream.name()))
      continue;
    else if (!gave.contains(device) && silent.insert(device).second)
      add(device + ": nothing came from it in the whole recording.");
    else if (gave.contains(device) && comes_by_itself(view.stream.kind()))
      add(words(view.stream.name()) + ": nothing of it is in the recording.");
  }
  return join({tag("h2", {"What was not recorded"}),
               list(items, left_out, "No gap in the recording is known.")});
}

Html computer(const CaseEvidence& e) {
  size_t timely = 0, late = 0, shown = 0;
  for (const TwinTrack& track : e.twin) {
    timely += track.timely.size();
    late += track.late.size();
  }
  for (const analytics::facts::Moment& moment : e.view.moments.all)
    shown += moment.kind == analytics::facts::MomentKind::kShown;
  Children out = {tag("h2", {"What a computer contributed"})};
  if (timely + late == 0)
    out.push_back(tag("p", {"No computer forecast is in this recording."}));
  else
    out.push_back(tag(
        "p",
        {"A computer model forecast measurements " + counted(timely + late, "time") + ". " +
         (late == 0   ? ""
          : late == 1 ? "One of these came too late and is not counted as a forecast. "
                      : std::to_string(late) +
                            " of these came too late and are not counted as forecasts. ") +
         (shown == 0 ? "That the team was shown any of them is not recorded."
                     : "As shown to the team are recorded: " + counted(shown, "message") + ".")}));
  const bool analysed = std::ranges::any_of(
      e.view.findings, [](const v1::Finding& one) { return one.run().job() != "twin"; });
  out.push_back(tag(
      "p", {analysed ? "A program worked out from the recording what is on this paper. It judges "
                       "nobody, and what people decided and why is not in it."
                     : "No program has looked at this recording yet."}));
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
  std::string openings = "Each opening of the recording with this program is written down.";
  if (e.openings_known)
    openings +=
        " Written down here so far: " +
        counted(static_cast<size_t>(std::ranges::count(e.openings, true, &Opening::allowed)),
                "opening") +
        ", those for this paper included.";
  return join(
      {tag("h2", {"Who may use this, and for how long"}),
       tag("p", {"By the recording, you agreed that it may be used for:"}),
       list(items, 0, "nothing."),
       tag("p", {openings + " How long it is kept is this hospital's rule and is not part of the "
                            "recording; please ask."}),
       tag("h2", {"If you object, or see something otherwise"}),
       tag("p",
           {"You may withdraw any of these uses at any time. Please speak to " + contact + "."})});
}

/// The one line of names: with it an expert finds what every sentence rests on.
Html for_experts(const CaseEvidence& e) {
  std::set<std::string> names;
  for (const v1::Finding& finding : e.view.findings)
    if (finding.kind() == "departure") names.insert(finding_tag(finding));
  for (const auto& [phase, seconds] : phase_seconds(e.phases))
    if (const PhaseStatistics* usual = e.comparison.find(phase);
        usual != nullptr && usual->n >= kMinimumGroup && e.view.timing_withheld.empty())
      names.insert(usual->tag);
  std::string text =
      "For experts: recording " + e.view.case_id + ", " + record_tag(e.custody.case_digest);
  if (const Compared with = compared(e.view.findings); with.ran()) text += ", plan " + with.norm.id;
  for (const std::string& name : names) text += ", " + name;
  return tag("p", {{"class", "tag soft"}}, {text + "."});
}

}  // namespace

Result<void> briefing_allowed(const CaseView& view) {
  const std::string which = "case " + view.case_id.substr(0, 8) + ": ";
  if (!view.readable && !view.complete && !view.problems.empty())
    return Error{Code::kCorrupt, which + "it is " + view.verdict + " (" +
                                     view.problems.front().where + ": " +
                                     view.problems.front().detail +
                                     "), so no briefing is made of it; run `casebox verify` on the "
                                     "store"};
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
  return page(
      "About your operation", "briefing", verdict_of(e.custody),
      {tag("h1", {"About your operation"}),
       tag("p", {{"class", "soft"}},
           {(e.view.start.empty() ? std::string("The recording carries no date")
                                  : e.view.start.substr(0, 10)) +
            ". Made by a program from the recording of your operation."}),
       planned(e), done(e), differed(e),
       tag("section", {{"class", "second"}},
           {moments(e), not_recorded(e), computer(e), rights(e, contact), for_experts(e)})});
}

}  // namespace casebox::tools::report
