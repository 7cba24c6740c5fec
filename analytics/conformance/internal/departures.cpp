#include "analytics/conformance/internal/departures.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace casebox::analytics::conformance::internal {

void DepartureBuilder::build(const Variant& variant, VariantAligner& aligner, CaseResult& out) {
  from_flow(variant);
  from_rules();
  if (variant.found.exact && variant.judged) mark_order_sensitive(variant, aligner, out);
  if (variant.found.exact && !variant.judged && options_.ambiguity)
    out.notices.push_back(
        "too many explanations are as good to tell certain from ambiguous departures: these may be "
        "either");
  from_limits(out);
  classify();
  out.scored_cost = std::max<int64_t>(0, out.cost - excused(variant));
  for (Draft& draft : drafts_) {
    draft.departure.text = sentence(draft.departure, draft.details);
    out.departures.push_back(std::move(draft.departure));
  }
  std::ranges::stable_sort(out.departures, [](const Departure& a, const Departure& b) {
    return a.t0_ns != b.t0_ns ? a.t0_ns < b.t0_ns : a.t1_ns < b.t1_ns;
  });
}

DepartureBuilder::Draft DepartureBuilder::make(Kind kind, int32_t step,
                                               std::optional<uint32_t> event) const {
  Draft draft;
  Departure& d = draft.departure;
  d.kind = d.deviation = kind;
  d.event = event;
  if (event) {
    const LogEvent& e = view_.event(*event);
    d.activity = view_.activity(*event);
    d.t0_ns = e.t0_ns;
    d.t1_ns = e.t1_ns;
    d.timed = e.timed;
    d.sources = e.sources;
  }
  if (step < 0) {
    d.step = d.title = d.activity;
    return draft;
  }
  const v1::ProtocolStep& s = norm_.step(static_cast<uint32_t>(step));
  d.step = s.id();
  d.title = norm_.title(static_cast<uint32_t>(step));
  d.severity = s.severity();
  d.value = s.value();
  if (s.latitude() != v1::PROTOCOL_LATITUDE_UNSPECIFIED) d.latitude = s.latitude();
  draft.details.detect = s.has_detect() ? s.detect() : 1;
  return draft;
}

// Where a missing step could have been: from the event before its earliest place to the one after
// its latest. Those two are its evidence.
void DepartureBuilder::place(Draft& draft, const std::pair<uint32_t, uint32_t>& span) const {
  Departure& d = draft.departure;
  const auto& events = view_.events;
  if (span.first > events.size()) return;
  const bool before = span.first > 0, after = span.second < events.size();
  int64_t t0 = before ? view_.time(events[span.first - 1]) : view_.t0_ns;
  int64_t t1 = after ? view_.time(events[span.second]) : view_.t1_ns;
  t1 = std::max(t0, t1);
  const bool timed = (!before || view_.event(events[span.first - 1]).timed) &&
                     (!after || view_.event(events[span.second]).timed) && !events.empty();
  if (d.event) {
    draft.details.expected = timed;
    draft.details.expected_t0_ns = t0;
    draft.details.expected_t1_ns = t1;
    return;
  }
  d.t0_ns = t0;
  d.t1_ns = t1;
  d.timed = timed;
  const auto bound = [&](uint32_t index) {
    const LogEvent& event = view_.event(events[index]);
    const int64_t u95_ns =
        view_.basis == OrderBasis::kEnd ? event.end_u95_ns() : event.start_u95_ns();
    return event.timed && u95_ns >= 0 ? u95_ns : view_.t1_ns - view_.t0_ns;
  };
  if (before) draft.before_ns = bound(span.first - 1);
  if (after) draft.after_ns = bound(span.second);
  draft.open_before = !before;
  draft.open_after = !after;
  for (const auto& [there, index] : {std::pair{before, span.first - 1}, {after, span.second}})
    if (there)
      for (const v1::SourceRange& source : view_.event(events[index]).sources)
        d.sources.push_back(source);
}

void DepartureBuilder::from_flow(const Variant& variant) {
  for (const VariantDeparture& from : variant.departures) {
    const Item& item = from.item;
    std::optional<uint32_t> event;
    if (item.kind != ItemKind::kMissing) event = view_.events[item.position];
    const Kind kind = item.kind == ItemKind::kMissing ? Kind::kMissing
                      : item.kind == ItemKind::kExtra ? Kind::kExtra
                                                      : Kind::kOrder;
    Draft draft = make(kind, item.step, event);
    draft.item = item;
    if (kind != Kind::kExtra) place(draft, variant.span[static_cast<size_t>(item.step)]);
    Departure& d = draft.departure;
    d.certainty = !variant.judged ? v1::CERTAINTY_UNSPECIFIED
                  : from.certain  ? v1::CERTAINTY_CERTAIN
                                  : v1::CERTAINTY_AMBIGUOUS;
    d.margin = from.margin;
    d.margin_exact = from.margin_exact;
    d.explanations = from.explanations;
    drafts_.push_back(std::move(draft));
  }
}

void DepartureBuilder::use_check(Departure& d, int check) const {
  const v1::ProtocolCheck& c = norm_.source.checks(check);
  d.check = check_name(norm_, check);
  if (c.severity() > d.severity) d.severity = c.severity();
  if (!c.value().empty()) d.value = c.value();
  if (c.latitude() != v1::PROTOCOL_LATITUDE_UNSPECIFIED) d.latitude = c.latitude();
}

// A rule that the flow has already found broken is only noted there.
void DepartureBuilder::from_rules() {
  using Key = std::tuple<Kind, std::string, int64_t>;  // deviation, step, event; -1: any
  std::map<Key, size_t> known;
  const auto keep = [&](size_t index) {
    const Departure& d = drafts_[index].departure;
    known.try_emplace({d.deviation, d.step, -1}, index);
    if (d.event) known.try_emplace({d.deviation, d.step, *d.event}, index);
  };
  const std::vector<Broken> all = broken_rules(norm_, view_.occurrences);
  for (size_t i = 0; !all.empty() && i < drafts_.size(); ++i) keep(i);
  for (const Broken& broken : all) {
    const std::string& step = norm_.step(broken.step).id();
    const auto it = known.find(
        {broken.deviation, step, broken.event ? static_cast<int64_t>(*broken.event) : -1});
    if (it != known.end()) {
      Departure& d = drafts_[it->second].departure;
      if (d.check.empty()) use_check(d, broken.check);
      continue;
    }
    Draft draft = make(broken.deviation, static_cast<int32_t>(broken.step), broken.event);
    draft.broken = broken;
    if (!broken.event) {
      draft.departure.t0_ns = view_.t0_ns;
      draft.departure.t1_ns = view_.t1_ns;
    }
    use_check(draft.departure, broken.check);
    drafts_.push_back(std::move(draft));
    keep(drafts_.size() - 1);
  }
}

void DepartureBuilder::from_limits(CaseResult& out) {
  for (const Overrun& o : overruns(norm_, view_, options_.limit_scale * observability_.limit_scale,
                                   observability_.clocks_trusted, out.notices)) {
    Draft draft = make(Kind::kTime, static_cast<int32_t>(o.step), o.event);
    Departure& d = draft.departure;
    d.t0_ns = o.t0_ns;
    d.t1_ns = o.t1_ns;
    d.excess_ns = o.excess_ns;
    draft.details.limit_ns = o.limit_ns;
    draft.details.took_ns = o.took_ns;
    if (o.after) draft.details.after = norm_.title(*o.after);
    use_check(d, o.check);
    drafts_.push_back(std::move(draft));
  }
}

// Exchanges events, nearest first, whose times differ by no more than is known of them, and looks
// which departures are gone.
void DepartureBuilder::mark_order_sensitive(const Variant& variant, VariantAligner& aligner,
                                            CaseResult& out) {
  if (drafts_.empty() || !options_.ambiguity) return;
  const auto& events = view_.events;
  uint32_t swaps = 0, untried = 0;
  const auto say_untried = [&] {
    if (untried > 0)
      out.notices.push_back("order sensitivity: " + std::to_string(untried) +
                            " exchanges of events were not tried, the search's budget ended");
  };
  const auto close = [&](uint32_t a, uint32_t b) {
    const LogEvent &x = view_.event(a), &y = view_.event(b);
    if (!x.timed || !y.timed || x.activity == y.activity) return false;
    if (x.u95_ns < 0 || y.u95_ns < 0) return true;  // no bound is known
    return view_.time(b) - view_.time(a) <= x.u95_ns + y.u95_ns + 2 * options_.tolerance_ns;
  };
  for (size_t distance = 1; distance < events.size(); ++distance) {
    bool any = false;
    for (size_t i = 0; i + distance < events.size(); ++i) {
      const size_t j = i + distance;
      if (!close(events[i], events[j])) continue;
      any = true;
      if (++swaps > options_.max_swaps) {
        out.notices.push_back("order sensitivity: more than " + std::to_string(options_.max_swaps) +
                              " pairs of events are closer than their clocks tell; not all tried");
        return say_untried();
      }
      std::vector<uint32_t> order(events.size());
      for (size_t k = 0; k < order.size(); ++k) order[k] = static_cast<uint32_t>(k);
      std::vector<uint32_t> other = order;
      std::rotate(order.begin() + static_cast<ptrdiff_t>(i),
                  order.begin() + static_cast<ptrdiff_t>(j),
                  order.begin() + static_cast<ptrdiff_t>(j) + 1);  // j before i
      untried += !mark_against(aligner, order, variant.listed);
      if (distance == 1) continue;
      std::rotate(other.begin() + static_cast<ptrdiff_t>(i),
                  other.begin() + static_cast<ptrdiff_t>(i) + 1,
                  other.begin() + static_cast<ptrdiff_t>(j) + 1);  // i after j
      untried += !mark_against(aligner, other, variant.listed);
    }
    if (!any && distance >= 4) break;  // further pairs are further apart
  }
  say_untried();
}

// `order[k]`: which of the case's events stands at place k. False: it could not be judged.
bool DepartureBuilder::mark_against(VariantAligner& aligner, const std::vector<uint32_t>& order,
                                    bool listed) {
  Sequence sequence;
  for (uint32_t k : order) sequence.push_back(view_.sequence[k]);
  const std::vector<Item>* found = aligner.items(sequence, listed);
  if (found == nullptr) return false;
  std::vector<Item> items = *found;
  for (Item& item : items)
    if (item.kind != ItemKind::kMissing) item.position = order[item.position];
  std::ranges::sort(items);
  std::vector<uint32_t> place(view_.trace.events.size(), UINT32_MAX);
  for (uint32_t k = 0; k < order.size(); ++k) place[view_.events[order[k]]] = k;
  // Only events of the flow are exchanged; others keep their places among them.
  std::vector<Occurrence> occurrences = view_.occurrences;
  std::vector<Occurrence> moved;
  for (const Occurrence& o : occurrences)
    if (place[o.event] != UINT32_MAX) moved.push_back(o);
  std::ranges::sort(moved, {}, [&](const Occurrence& o) { return place[o.event]; });
  size_t next = 0;
  for (Occurrence& o : occurrences)
    if (place[o.event] != UINT32_MAX) o = moved[next++];
  const auto key = [](const Broken& b) {
    return std::tuple(b.deviation, b.step, b.event ? static_cast<int64_t>(*b.event) : -1, b.check);
  };
  std::set<decltype(key(std::declval<Broken>()))> broken;
  for (const Broken& b : broken_rules(norm_, occurrences)) broken.insert(key(b));
  for (Draft& draft : drafts_) {
    const bool there = draft.item ? std::ranges::binary_search(items, *draft.item)
                                  : broken.contains(key(*draft.broken));
    if (!there) draft.departure.order_sensitive = true;
  }
  return true;
}

void DepartureBuilder::classify() {
  for (Draft& draft : drafts_) {
    Departure& d = draft.departure;
    if (const Reason* reason = reason_for(d)) {
      d.kind = Kind::kJustified;
      d.certainty = v1::CERTAINTY_JUSTIFIED;
      d.reason = reason->code;
      continue;
    }
    // On a clock that cannot be used nobody knows what came first.
    if (d.kind == Kind::kOrder && !d.timed && observability_.observers &&
        d.certainty == v1::CERTAINTY_CERTAIN)
      d.certainty = v1::CERTAINTY_AMBIGUOUS;
    if (d.kind != Kind::kMissing) continue;
    const auto step = norm_.step_with_id(d.step);
    if (step) watch(draft, norm_.step(*step));
    if (d.kind == Kind::kUnobserved) continue;
    if (const Unfound* unfound = unfound_for(d);
        unfound != nullptr && unfound->probability > d.done_unseen.value_or(-1)) {
      d.certainty = v1::CERTAINTY_AMBIGUOUS;
      d.done_unseen = unfound->probability;
      draft.details.by_detect = false;
    }
  }
}

// Who can show the step, and whether at least one of them watched at every moment of the time in
// which it could have been done.
void DepartureBuilder::watch(Draft& draft, const v1::ProtocolStep& step) const {
  Departure& d = draft.departure;
  const auto unobserved = [&](std::string why) {
    d.kind = Kind::kUnobserved;
    d.certainty = v1::CERTAINTY_UNOBSERVED;
    d.unwatched = std::move(why);
  };
  if (step.has_detect() && step.detect() == 0) return unobserved("nothing can show it");
  if (!observability_.observers) {
    d.shown_by = ShownBy::kLog;
    return;
  }
  if (step.observed_by_size() == 0) return unobserved("the norm names nothing that can show it");
  std::vector<const Observer*> there;
  std::string absent;
  bool people = false, devices = false;
  for (const std::string& name : step.observed_by()) {
    const auto at = std::ranges::find(*observability_.observers, name, &Observer::stream);
    if (at == observability_.observers->end()) {
      absent += (absent.empty() ? "" : ", ") + name;
      continue;
    }
    there.push_back(&*at);
    d.observers.push_back(name);
    (at->people ? people : devices) = true;
  }
  if (there.empty()) return unobserved(absent + " is no part of this case");
  d.shown_by = people && devices ? ShownBy::kBoth : people ? ShownBy::kPeople : ShownBy::kDevices;
  if (std::string why = unwatched(draft, there); !why.empty()) return unobserved(std::move(why));
  // Watched throughout by something that misses the step too often to swear by.
  if (step.has_detect() && 1 - step.detect() > options_.doubt) {
    d.certainty = v1::CERTAINTY_AMBIGUOUS;
    d.done_unseen = 1 - step.detect();
    draft.details.by_detect = true;
  }
}

// Absence of evidence is evidence of absence only where there would have been evidence (Altman &
// Bland, BMJ 311, 1995). So a step is missing for certain only if in every moment in which it could
// have been done something looked that would have shown it: the span of time between its
// neighbours is taken as dark, each observer's watch is cut out of it, and whatever stays dark says
// "unobserved", with the place.
//
// What of the step's time none of the observers watched, in words; empty: they watched all of it.
// Its time ends at the events between which it belongs, as wide as those are uncertain. Where none
// of the norm's stands before (after) it, it ends where the record begins (ends) if that is known
// to lie before (after) the first (last) event, and nowhere if not.
std::string DepartureBuilder::unwatched(const Draft& draft,
                                        const std::vector<const Observer*>& observers) const {
  const auto bound = [&](const LogEvent& event, int64_t u95_ns) {
    return event.timed && u95_ns >= 0 ? u95_ns : view_.t1_ns - view_.t0_ns;
  };
  int64_t t0 = draft.departure.t0_ns - draft.before_ns;
  int64_t t1 = draft.departure.t1_ns + draft.after_ns;
  bool begun = observability_.holds_beginning, ended = observability_.holds_end;
  for (uint32_t index : view_.events) {
    const LogEvent& event = view_.event(index);
    begun = begun && event.t0_ns - bound(event, event.start_u95_ns()) > view_.t0_ns;
    ended = ended && event.t1_ns + bound(event, event.end_u95_ns()) < view_.t1_ns;
  }
  if (draft.open_before) t0 = begun ? view_.t0_ns : INT64_MIN;
  if (draft.open_after) t1 = ended ? view_.t1_ns : INT64_MAX;
  std::vector<Lapse> dark = {{t0, t1, ""}};
  for (const Observer* observer : observers) {
    std::vector<Lapse> still;
    for (const Lapse& span : dark)
      for (const Lapse& lapse : observer->lapses) {
        const int64_t from = std::max(span.t0_ns, lapse.t0_ns);
        const int64_t to = std::min(span.t1_ns, lapse.t1_ns);
        if (from > to) continue;
        const std::string why = observer->stream + ": " + lapse.why;
        still.push_back({from, to, span.why.empty() ? why : span.why + ", " + why});
      }
    dark = std::move(still);
    if (dark.empty()) return "";
  }
  const Lapse& worst = *std::ranges::max_element(dark, {}, [](const Lapse& lapse) {
    const bool open = lapse.t0_ns == INT64_MIN || lapse.t1_ns == INT64_MAX;
    return open ? INT64_MAX : lapse.t1_ns - lapse.t0_ns;
  });
  std::string out = worst.why;
  if (worst.t0_ns != INT64_MIN && worst.t1_ns != INT64_MAX)
    out += " (" + clock_text(worst.t0_ns) + " to " + clock_text(worst.t1_ns) + ")";
  if (dark.size() > 1) out += ", and " + std::to_string(dark.size() - 1) + " more";
  return out;
}

const Reason* DepartureBuilder::reason_for(const Departure& d) const {
  for (const Reason& reason : observability_.reasons)
    if (names(reason.step, d)) return &reason;
  return nullptr;
}

// Whether `name`, a step's id or an activity, is that of the departure's step.
bool DepartureBuilder::names(const std::string& name, const Departure& d) const {
  if (name == d.step || (!d.activity.empty() && name == d.activity)) return true;
  const auto step = norm_.step_of.find(name);
  return step != norm_.step_of.end() && norm_.step(step->second).id() == d.step;
}

// What looked for the step and would not swear that it was not done.
const Unfound* DepartureBuilder::unfound_for(const Departure& d) const {
  for (const Unfound& unfound : observability_.unfound)
    if (!unfound.sure && names(unfound.step, d)) return &unfound;
  return nullptr;
}

// Of the cost: what the best explanation owes to departures that are not scored.
int64_t DepartureBuilder::excused(const Variant& variant) const {
  const int64_t unit = options_.unit;
  std::vector<int64_t> by_explanation(std::max<uint32_t>(variant.explanations, 1), 0);
  int64_t always = 0;
  for (const Draft& draft : drafts_) {
    const Departure& d = draft.departure;
    if (!draft.item || d.scored()) continue;
    const int64_t cost = d.deviation == Kind::kOrder ? 2 * unit : unit;
    if (d.explanations.empty() && draft.departure.margin != 0) always += cost;
    for (uint32_t e : d.explanations) by_explanation[e] += cost;
  }
  return always + std::ranges::max(by_explanation);
}

}  // namespace casebox::analytics::conformance::internal
