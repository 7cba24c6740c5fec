#include <algorithm>

#include "recorder/sim/internal/planner.h"

namespace casebox::recorder::sim::internal {
namespace {

constexpr const char* kTimeOut = "time-out";
constexpr const char* kView = "critical-view-of-safety";
constexpr const char* kCount = "instrument-count";
constexpr const char* kSignOut = "sign-out";

/// The steps of one case: when each is done, and whether somebody says so to the tablet.
class Team {
 public:
  explicit Team(Plan& plan) : plan_(plan), random_(plan.options.seed, "team") {
    const PhaseSpan& calot = first(Phase::kCalot);
    const double end = plan.phases.back().end_s;
    times_ = {{kTimeOut, random_.uniform(1, 4)},
              {kView, calot.end_s - (calot.end_s - calot.start_s) * random_.uniform(.02, .1)},
              {kCount, end + random_.uniform(8, 20)},
              {kSignOut, end + random_.uniform(26, 40)}};
    natural_miss_ = random_.chance(.016);
    debrief_ = random_.chance(.623);
    introductions_ = random_.chance(.426);
    debrief_s_ = end + random_.uniform(45, 57);
  }

  void plant() {
    if (plan_.has("ambiguous")) {
      // Either of the two moved: two explanations of the same cost.
      std::swap(time(kCount), time(kSignOut));
      used_ = {kCount, kSignOut};
      plan_.departures.push_back({"order", kSignOut, time(kSignOut), "", false});
    }
    if (plan_.has("order")) {
      if (random_.chance(.5)) {
        late(kView, first(Phase::kDissection));
      } else {
        late(kTimeOut, first(Phase::kCalot));
      }
    }
    const bool planted_by_seed = plan_.options.faults.empty() && !plan_.options.clean;
    if (natural_miss_ && planted_by_seed && used_.insert(kTimeOut).second)
      omit(kTimeOut, "missing", "");
    if (plan_.has("missing"))
      if (const std::string step = unused("missing"); !step.empty()) omit(step, "missing", "");
    if (plan_.has("unobserved"))
      if (const std::string step = unused("unobserved"); !step.empty()) {
        plan_.departures.push_back({"unobserved", step, time(step), "", true});
        plan_.dropouts.push_back(
            {"team.marks", std::max(0.0, time(step) - 3), time(step) + 3, false});
      }
    if (plan_.has("extra")) {
      const PhaseSpan& clipping = first(Phase::kClipping);
      extra("cholangiography", clipping.start_s + (clipping.end_s - clipping.start_s) * .4, "extra",
            "");
    }
    if (plan_.has("justified")) justify();
  }

  void write_events() {
    for (const auto& [step, t] : times_) {
      if (omitted_.contains(step)) continue;
      if (step == kView) {
        mark(t, "step.done", step, "", "surgeon");
      } else {
        mark(t, step, "", "", step == kCount ? "scrub-nurse" : "circulating-nurse");
      }
      if (step == kTimeOut)
        checklist(t + .2, "who.time-out",
                  {{"identity", true},
                   {"site", true},
                   {"antibiotics", true},
                   {"introductions", introductions_}});
      if (step == kCount)
        checklist(t + .2, "instrument-count", {{"instruments", true}, {"swabs", true}});
    }
    if (debrief_) mark(debrief_s_, "debrief", "", "", "surgeon");
    if (plan_.options.phase_marks) {
      for (const PhaseSpan& phase : plan_.phases) {
        mark(phase.start_s + random_.uniform(1, 8), "phase.begin", to_string(phase.phase), "",
             "circulating-nurse");
        mark(phase.end_s + random_.uniform(.5, 6), "phase.end", to_string(phase.phase), "",
             "circulating-nurse");
      }
    }
    TimedEvent consent{"team.consent", .3, {}};
    for (v1::ConsentScope scope :
         {v1::CONSENT_SCOPE_RECORD, v1::CONSENT_SCOPE_QUALITY, v1::CONSENT_SCOPE_PATIENT_BRIEFING})
      consent.event.mutable_consent()->add_granted(scope);
    consent.event.mutable_consent()->set_recorded_by("circulating-nurse");
    consent.event.mutable_consent()->set_given_by(v1::CONSENT_GIVER_PATIENT);
    plan_.events.push_back(consent);
    TimedEvent details{"case.details", .2, {}};
    details.event.mutable_details()->set_alias("SIM-" + std::to_string(plan_.options.seed));
    (*details.event.mutable_details()->mutable_fields())["origin"] = "simulated";
    plan_.events.push_back(details);
  }

 private:
  const PhaseSpan& first(Phase phase) const {
    return *std::ranges::find(plan_.phases, phase, &PhaseSpan::phase);
  }
  double& time(const std::string& step) {
    return std::ranges::find(times_, step, &std::pair<std::string, double>::first)->second;
  }

  void mark(double t, const std::string& code, const std::string& label, const std::string& reason,
            const std::string& role) {
    TimedEvent out{"team.marks", t, {}};
    v1::TeamMark& m = *out.event.mutable_mark();
    m.set_code(code);
    m.set_label(label);
    m.set_reason(reason);
    m.set_role(role);
    plan_.events.push_back(out);
  }

  void checklist(double t, const std::string& code,
                 const std::vector<std::pair<std::string, bool>>& items) {
    TimedEvent out{"team.checklist", t, {}};
    v1::Checklist& list = *out.event.mutable_checklist();
    list.set_code(code);
    bool complete = true;
    for (const auto& [name, done] : items) {
      (*list.mutable_items())[name] = done;
      complete = complete && done;
    }
    list.set_complete(complete);
    plan_.events.push_back(out);
  }

  // A step no departure has touched yet, or "" (then the kind is not planted).
  std::string unused(const std::string& kind) {
    std::vector<std::string> left;
    for (const auto& [step, t] : times_)
      if (!used_.contains(step)) left.push_back(step);
    if (left.empty()) {
      plan_.chosen.erase(kind);
      return "";
    }
    const std::string step = left[random_.below(left.size())];
    used_.insert(step);
    return step;
  }

  // Done only after a whole later step has passed: one explanation is cheaper than any other.
  void late(const std::string& step, const PhaseSpan& during) {
    used_.insert(step);
    time(step) = during.start_s + (during.end_s - during.start_s) * random_.uniform(.3, .6);
    plan_.departures.push_back({"order", step, time(step), "", true});
  }

  void omit(const std::string& step, const std::string& kind, const std::string& reason) {
    omitted_.insert(step);
    plan_.departures.push_back({kind, step, time(step), reason, true});
    if (!reason.empty())
      mark(time(step) + random_.uniform(1, 4), "reason", step, reason, "surgeon");
  }

  void extra(const std::string& step, double t, const std::string& kind,
             const std::string& reason) {
    mark(t, "step.done", step, "", "surgeon");
    plan_.departures.push_back({kind, step, t, reason, true});
    if (!reason.empty()) mark(t + random_.uniform(1, 4), "reason", step, reason, "surgeon");
  }

  void justify() {
    if (!used_.contains(kView) && random_.chance(.6)) {
      used_.insert(kView);
      omit(kView, "justified", "adhesions");
      return;
    }
    const PhaseSpan& dissection = first(Phase::kDissection);
    extra("drain-placement", dissection.end_s - (dissection.end_s - dissection.start_s) * .1,
          "justified", "bile-leak");
  }

  Plan& plan_;
  Random random_;
  std::vector<std::pair<std::string, double>> times_;
  std::set<std::string> used_;
  std::set<std::string> omitted_;
  bool natural_miss_ = false;
  bool debrief_ = false;
  bool introductions_ = false;
  double debrief_s_ = 0;
};

}  // namespace

void plan_team(Plan& plan) {
  Team team(plan);
  team.plant();
  team.write_events();
}

}  // namespace casebox::recorder::sim::internal
