#include "analytics/facts/coverage.h"

#include <algorithm>
#include <map>
#include <set>

#include "analytics/device_clocks.h"
#include "proto/frame/role.h"

namespace casebox::analytics::facts {
namespace {

constexpr int64_t kBefore = INT64_MIN, kAfter = INT64_MAX;

/// When one stream was recorded in one epoch.
struct Part {
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;
};

bool of_people(v1::StreamKind kind) {
  return kind == v1::STREAM_KIND_TEAM || kind == v1::STREAM_KIND_PHASE;
}

/// Labels that lie closer than this are taken as side by side: people place them to a second.
constexpr int64_t kSideBySide = 2'000'000'000;

/// What people labelled, by stream: nobody knows whether what lies between was looked at.
Result<std::map<std::string, std::vector<Part>>> labelled(const storage::CaseReader& reader) {
  std::map<std::string, std::vector<Part>> out;
  if (!reader.readable()) return out;
  std::map<uint32_t, std::string> names;
  for (const v1::Stream& stream : reader.streams()) names[stream.stream_id()] = stream.name();
  CASEBOX_TRY(const auto events, reader.events(v1::STREAM_KIND_PHASE));
  for (const storage::EventAt& at : events) {
    int64_t end = at.t.ns;
    if (at.event.has_interval()) end += std::max<int64_t>(0, at.event.interval().duration_ns());
    out[names[at.source.stream.value]].push_back({at.t.ns, end});
  }
  for (auto& [name, parts] : out) {
    std::ranges::sort(parts, {}, &Part::t0_ns);
    std::vector<Part> joined;
    for (const Part& part : parts) {
      if (joined.empty() || part.t0_ns > joined.back().t1_ns + kSideBySide) {
        joined.push_back(part);
      } else {
        joined.back().t1_ns = std::max(joined.back().t1_ns, part.t1_ns);
      }
    }
    parts = std::move(joined);
  }
  return out;
}

/// What lies before, between and after the parts.
void add_outside(std::vector<Part> parts, bool recorded, Watch& watch) {
  std::ranges::sort(parts, {}, &Part::t0_ns);
  watch.lapses.push_back({kBefore, parts.front().t0_ns - 1,
                          recorded ? "the record begins later"
                                   : "it is not known before its first "
                                     "item"});
  int64_t reached = parts.front().t1_ns;
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].t0_ns > reached + 1)
      watch.lapses.push_back({reached + 1, parts[i].t0_ns - 1,
                              watch.kind == v1::STREAM_KIND_PHASE ? "nothing is labelled there"
                                                                  : "nothing was recorded"});
    reached = std::max(reached, parts[i].t1_ns);
  }
  watch.lapses.push_back(
      {reached + 1, kAfter,
       recorded ? "the record ends earlier" : "it is not known after its last item"});
}

}  // namespace

std::vector<Lapse> Watch::covering(int64_t t0_ns, int64_t t1_ns) const {
  std::vector<Lapse> out;
  for (const Lapse& lapse : lapses)
    if (lapse.t1_ns >= t0_ns && lapse.t0_ns <= t1_ns) out.push_back(lapse);
  return out;
}

const Watch* Coverage::find(const std::string& stream) const {
  const auto at = std::ranges::find(streams, stream, &Watch::stream);
  return at == streams.end() ? nullptr : &*at;
}

Result<Coverage> read_coverage(const storage::CaseReader& reader) {
  Coverage out;
  const v1::CaseRecord& record = reader.record();
  std::map<uint64_t, const v1::EpochRecord*> epochs;
  const v1::EpochRecord *first = nullptr, *last = nullptr;
  for (const v1::EpochRecord& epoch : record.epochs()) {
    if (!frame::owns_case(epoch.role())) continue;
    epochs[epoch.epoch()] = &epoch;
    if (first == nullptr || epoch.index() < first->index()) first = &epoch;
    if (last == nullptr || epoch.index() > last->index()) last = &epoch;
  }
  if (first == nullptr) return out;
  out.holds_beginning = first->role() == v1::PRODUCER_ROLE_RECORDER;
  out.holds_end = last->role() == v1::PRODUCER_ROLE_RECORDER && last->closed() &&
                  last->close().reason() == v1::CloseFrame::REASON_CASE_ENDED &&
                  last->close().cause() == v1::CloseFrame::CAUSE_SOURCES_ENDED;

  CASEBOX_TRY(auto labels, labelled(reader));
  CASEBOX_TRY(const auto gaps, reader.gaps());
  CASEBOX_TRY(const auto pauses, reader.pauses());
  CASEBOX_TRY(const auto clock_records, reader.clocks());
  std::set<uint32_t> broken;
  for (const DeviceClock& clock : device_clocks(clock_records))
    if (clock.broken) broken.insert(clock.clock_id);

  struct Found {
    Watch watch;
    v1::Stream entry;
    std::vector<Part> parts;
    bool recorded = false;
    std::set<std::pair<uint64_t, uint32_t>> places;
  };
  std::map<std::string, Found> found;
  for (const v1::StreamRecord& row : record.streams()) {
    const auto epoch = epochs.find(row.epoch());
    if (epoch == epochs.end()) continue;
    Found& one = found[row.stream().name()];
    one.watch.stream = row.stream().name();
    one.watch.kind = row.stream().kind();
    one.watch.people = of_people(row.stream().kind());
    one.watch.items += row.items();
    one.entry = row.stream();
    one.places.insert({row.epoch(), row.stream().stream_id()});
    if (row.stream().by_policy_absent()) continue;
    // Labels come from a file even where a recorder read it: only what is labelled was looked at.
    const bool of_labels = row.stream().kind() == v1::STREAM_KIND_PHASE && reader.readable();
    if (epoch->second->role() == v1::PRODUCER_ROLE_RECORDER && !of_labels) {
      one.recorded = true;
      const v1::StreamRecord& control = epoch->second->control();
      const int64_t end =
          epoch->second->closed() ? epoch->second->close().end_t_ns() : control.last_t_ns();
      one.parts.push_back({control.first_t_ns(), std::max(end, control.first_t_ns())});
    } else if (row.items() > 0) {
      if (const auto label = labels.find(row.stream().name()); label != labels.end()) {
        one.parts.insert(one.parts.end(), label->second.begin(), label->second.end());
        labels.erase(label);  // of all its epochs
      } else if (row.stream().kind() != v1::STREAM_KIND_PHASE || one.parts.empty()) {
        one.parts.push_back({row.first_t_ns(), row.last_t_ns()});
      }
    }
  }
  for (auto& [name, one] : found) {
    Watch& watch = one.watch;
    const auto never = [&](const std::string& why) {
      watch.lapses.push_back({kBefore, kAfter, why});
    };
    if (one.entry.by_policy_absent()) {
      never("it is not recorded here by policy");
    } else if (watch.items == 0 || one.parts.empty()) {
      never("it gave nothing in the whole case");
    } else {
      add_outside(one.parts, one.recorded, watch);
    }
    if (broken.contains(one.entry.clock_id())) never("its clock is broken");
    for (const storage::GapAt& at : gaps)
      if (one.places.contains({at.epoch.value, at.stream.value}))
        watch.lapses.push_back({at.gap.t_begin_ns(), at.gap.t_end_ns(), at.gap.reason()});
    std::optional<std::pair<int64_t, std::string>> pause;
    for (const auto& [t, said] : pauses) {
      if (said.begins() && !pause) pause.emplace(t.ns, said.reason());
      if (!said.begins() && pause) {
        watch.lapses.push_back({pause->first, t.ns, "pause: " + pause->second});
        pause.reset();
      }
    }
    if (pause) watch.lapses.push_back({pause->first, kAfter, "pause: " + pause->second});
    std::ranges::stable_sort(watch.lapses, {}, &Lapse::t0_ns);
    out.streams.push_back(std::move(watch));
  }
  return out;
}

}  // namespace casebox::analytics::facts
