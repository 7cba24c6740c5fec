#include "analytics/quality/gate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace casebox::analytics::quality {
namespace {

using Frames = std::vector<storage::SourceRef>;

Frames frames_of(const std::optional<storage::SourceRef>& one) {
  return one ? Frames{*one} : Frames{};
}

Frames frames_of(const std::vector<v1::SourceRange>& ranges) {
  Frames out;
  for (const v1::SourceRange& range : ranges)
    out.push_back({Epoch{range.epoch()}, StreamId{range.stream_id()},
                   ItemNumber{range.first_number()},
                   static_cast<uint32_t>(range.last_number() - range.first_number() + 1)});
  return out;
}

std::string seconds_text(int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(ns) * 1e-9);
  return text;
}

void check_clocks(const Facts& facts, const Options& options, std::vector<Issue>& out) {
  for (const DeviceClock& clock : facts.clocks) {
    std::string streams;
    bool needed = false;
    for (const StreamFact& stream : facts.streams) {
      if (stream.clock_id != clock.clock_id) continue;
      streams += (streams.empty() ? "" : ", ") + stream.name;
      needed = needed || stream.needed;
    }
    const std::string what =
        "clock " + std::to_string(clock.clock_id) + (streams.empty() ? "" : " (" + streams + ")");
    if (clock.broken) {
      out.push_back({"clock-broken", needed, std::to_string(clock.clock_id),
                     what + " is broken: no bound can be given for its times" +
                         (needed ? "" : "; the phases do not rest on it"),
                     facts.t0_ns, facts.t1_ns, frames_of(clock.said_by)});
    } else if (clock.sets > 0) {
      out.push_back({"clock-set", false, std::to_string(clock.clock_id),
                     what + " was set during the case", facts.t0_ns, facts.t1_ns,
                     frames_of(clock.said_by)});
    }
  }
  for (size_t i = 0; i < facts.wall.size(); ++i) {
    const WallReading& now = facts.wall[i];
    bool jumped = false;
    if (i > 0) {
      const WallReading& before = facts.wall[i - 1];
      const auto wall = static_cast<int64_t>(now.utc_ns - before.utc_ns);
      const auto mono = static_cast<int64_t>(now.mono_ns - before.mono_ns);
      jumped =
          now.stepped || std::abs(static_cast<double>(wall - mono)) > options.wall_jump_s * 1e9;
    }
    if (jumped)
      out.push_back({"wall-jump", true, "wall clock",
                     "the wall clock jumped against the recorder's at " + seconds_text(now.t_ns),
                     now.t_ns, now.t_ns, frames_of(now.said_by)});
  }
}

void check_gaps(const Facts& facts, const Options& options, std::vector<Issue>& out) {
  const double length = static_cast<double>(std::max<int64_t>(1, facts.t1_ns - facts.t0_ns));
  for (const StreamFact& stream : facts.streams) {
    if (!stream.needed || stream.gaps.empty()) continue;
    int64_t sum = 0, longest = 0;
    for (const storage::Span& gap : stream.gaps) {
      sum += gap.to.ns - gap.from.ns;
      longest = std::max(longest, gap.to.ns - gap.from.ns);
    }
    const bool much = static_cast<double>(sum) > options.gap_share * length ||
                      static_cast<double>(longest) > options.gap_s * 1e9;
    out.push_back({"gap", much, stream.name,
                   stream.name + " misses " + seconds_text(sum) + " in " +
                       std::to_string(stream.gaps.size()) + " gaps, the longest " +
                       seconds_text(longest),
                   stream.gaps.front().from.ns, stream.gaps.back().to.ns, stream.gap_frames});
  }
}

void check_events(const EventLog& log, const Trace& trace, const Options& options,
                  std::vector<Issue>& out) {
  std::map<std::string, uint32_t> seen;
  const LogEvent* furthest = nullptr;
  for (uint32_t index : ordered(trace, OrderBasis::kStart)) {
    const LogEvent& event = trace.events[index];
    const std::string& label = log.activities[event.activity];
    const auto add = [&](const char* code, bool withholds, std::string text) {
      out.push_back({code, withholds, label, std::move(text), event.t0_ns, event.t1_ns,
                     frames_of(event.sources)});
    };
    if (!event.timed) add("unbounded", true, label + ": no bound can be given for its times");
    if (event.t1_ns == event.t0_ns) add("zero-duration", true, label + " has no duration");
    if (event.t1_ns < event.t0_ns) add("zero-duration", true, label + " ends before it begins");
    if (event.open) add("unended", false, label + " never ended");
    if (furthest != nullptr) {
      const int64_t overlap = std::min(furthest->t1_ns, event.t1_ns) - event.t0_ns;
      const auto allowed =
          static_cast<int64_t>(options.overlap_s * 1e9) + event.u95_ns + furthest->u95_ns;
      if (overlap > allowed)
        add("overlap", true,
            label + " begins " + seconds_text(overlap) + " before the end of " +
                log.activities[furthest->activity]);
    }
    if (furthest == nullptr || event.t1_ns > furthest->t1_ns) furthest = &event;
    if (!options.labels.empty() && !options.labels.contains(label))
      add("unknown-label", false, label + " is not a label of this procedure");
    if (++seen[label] == 2) add("repeat", false, label + " was entered more than once");
  }
  for (const std::string& phase : options.expected)
    if (!seen.contains(phase))
      out.push_back({"missing-phase", false, phase, phase + " was not seen", 0, 0, {}});
  if (trace.events.empty()) out.push_back({"empty", true, "", "no phases are known", 0, 0, {}});
}

}  // namespace

bool Verdict::timing_ok() const {
  return std::none_of(issues.begin(), issues.end(), [](const Issue& i) { return i.withholds; });
}

std::vector<std::string> Verdict::reasons() const {
  std::vector<std::string> out;
  for (const Issue& issue : issues)
    if (issue.withholds) out.push_back(issue.text);
  return out;
}

std::vector<std::string> Verdict::moment_reasons() const {
  static const std::set<std::string> kOfOneInterval = {"zero-duration", "overlap", "unbounded"};
  std::vector<std::string> out;
  for (const Issue& issue : issues)
    if (issue.withholds && !kOfOneInterval.contains(issue.code)) out.push_back(issue.text);
  return out;
}

Verdict check(const EventLog& log, const Trace& trace, const Facts& facts, const Options& options) {
  Verdict verdict;
  check_clocks(facts, options, verdict.issues);
  check_gaps(facts, options, verdict.issues);
  check_events(log, trace, options, verdict.issues);
  std::stable_sort(verdict.issues.begin(), verdict.issues.end(),
                   [](const Issue& a, const Issue& b) {
                     return std::tuple(!a.withholds, a.t0_ns) < std::tuple(!b.withholds, b.t0_ns);
                   });
  return verdict;
}

Result<Facts> read_facts(const storage::CaseReader& reader, const std::set<std::string>& needed) {
  Facts facts;
  facts.t0_ns = reader.record().first_t_ns();
  facts.t1_ns = reader.record().last_t_ns();
  CASEBOX_TRY(const auto gaps, reader.gaps());
  for (const v1::Stream& stream : reader.streams()) {
    StreamFact& fact = facts.streams.emplace_back();
    fact.name = stream.name();
    fact.clock_id = stream.clock_id();
    fact.needed = needed.contains(stream.name());
    for (const storage::GapAt& at : gaps)
      if (at.stream.value == stream.stream_id()) {
        fact.gaps.push_back({CaseTime{at.gap.t_begin_ns()}, CaseTime{at.gap.t_end_ns()}});
        fact.gap_frames.push_back({at.epoch, at.stream, at.first, at.count});
      }
  }
  CASEBOX_TRY(const auto clocks, reader.clocks());
  facts.clocks = device_clocks(clocks);
  // Only a recorder that runs in real time reads the wall clock.
  for (const storage::ClockAt& at : clocks)
    if (at.record.utc_ns() != 0)
      facts.wall.push_back(
          {at.t.ns, at.record.mono_ns(), at.record.utc_ns(), at.record.utc_step(), at.source});
  return facts;
}

}  // namespace casebox::analytics::quality
