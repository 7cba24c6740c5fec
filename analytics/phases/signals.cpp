#include "analytics/phases/signals.h"

#include <algorithm>
#include <cmath>

namespace casebox::analytics::phases {

const char* to_string(Signal signal) {
  static constexpr const char* kNames[] = {"Grasper", "Bipolar",      "Hook",        "Scissors",
                                           "Clipper", "Irrigator",    "SpecimenBag", "energy",
                                           "pump",    "insufflation", "light"};
  return kNames[static_cast<size_t>(signal)];
}

std::vector<storage::SourceRef> frames_near(const Signals& signals, double t_s, double reach_s) {
  std::vector<storage::SourceRef> out;
  for (const Track& track : signals.tracks)
    for (const Change& change : track.changes)
      if (std::abs(static_cast<double>(change.t_ns) * 1e-9 - t_s) <= reach_s)
        out.push_back(change.source);
  return out;
}

void SignalsBuilder::level(Signal signal, const Change& change) {
  Track& track = out_.tracks[static_cast<size_t>(signal)];
  track.present = true;
  // Most levels repeat the one before, at 25 Hz; they are not worth keeping.
  if (!track.changes.empty() && track.changes.back().on == change.on &&
      track.changes.back().t_ns <= change.t_ns)
    return;
  track.changes.push_back(change);
}

void SignalsBuilder::unseen(Signal signal, storage::Span span) {
  if (span.from < span.to) out_.tracks[static_cast<size_t>(signal)].unseen.push_back(span);
}

void SignalsBuilder::present(Signal signal) {
  out_.tracks[static_cast<size_t>(signal)].present = true;
}

void SignalsBuilder::span(CaseTime from, CaseTime to) {
  out_.from = spanned_ ? std::min(out_.from, from) : from;
  out_.to = spanned_ ? std::max(out_.to, to) : to;
  spanned_ = true;
}

Signals SignalsBuilder::finish() {
  for (Track& track : out_.tracks) {
    std::stable_sort(track.changes.begin(), track.changes.end(),
                     [](const Change& a, const Change& b) { return a.t_ns < b.t_ns; });
    std::vector<Change> kept;
    for (const Change& change : track.changes)
      if (kept.empty() || kept.back().on != change.on) kept.push_back(change);
    // A first level of "off" changes nothing: signals begin off unless something says otherwise.
    if (!kept.empty() && !kept.front().on) kept.erase(kept.begin());
    if (!kept.empty() && kept.front().t_ns <= out_.from.ns) {
      track.initial = kept.front().on;
      kept.erase(kept.begin());
    }
    track.changes = std::move(kept);
    std::sort(track.unseen.begin(), track.unseen.end(),
              [](const auto& a, const auto& b) { return a.from < b.from; });
    std::vector<storage::Span> joined;
    for (const storage::Span& span : track.unseen) {
      if (!joined.empty() && span.from <= joined.back().to) {
        joined.back().to = std::max(joined.back().to, span.to);
      } else {
        joined.push_back(span);
      }
    }
    track.unseen = std::move(joined);
  }
  return std::move(out_);
}

}  // namespace casebox::analytics::phases
