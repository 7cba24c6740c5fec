#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "recorder/internal/appliance_impl.h"

namespace casebox::recorder {
namespace {

constexpr Duration kRoomWatchEvery = seconds(1);
constexpr Duration kWaitsFor = seconds(60);  // a rule for a signal that has not come
constexpr int64_t kRoomUtcStep = 500'000'000;

}  // namespace

std::vector<std::string> internal::names_of(const v1::RecorderConfig& config) {
  std::vector<std::string> out;
  for (const v1::SourceConfig& source : config.sources()) out.push_back(source.name());
  return out;
}

void Appliance::Impl::watch() {
  const MonoTime mono = clock.mono();
  if (mono < next_watch) return;
  next_watch = mono + kRoomWatchEvery;
  ladder.look();
  ring.trim(now());
  if (open_case) {
    open_case->watch();
    losses.note(mono, open_case->session().losses());
  }
  const int64_t difference = clock.utc().ns - mono.ns;
  if (std::abs(difference - utc_minus_mono) > kRoomUtcStep) {
    ++utc_steps;
    char text[96];
    std::snprintf(text, sizeof text, "the wall clock was stepped by %.3f s; case times are not",
                  static_cast<double>(difference - utc_minus_mono) * 1e-9);
    say(text);
  }
  utc_minus_mono = difference;
  const uint64_t bytes = written_before + (open_case ? open_case->session().bytes() : 0);
  written.emplace_back(mono, bytes);
  while (mono - written.front().first > seconds(3600)) written.pop_front();
  if (!waits_told && now() - RoomTime{} > kWaitsFor) {
    waits_told = true;
    for (const RuleState& rule : machine.rules())
      for (const std::string& signal : rule.unknown)
        say("rule " + rule.name + " waits for " + signal + ", of which nothing has come yet");
  }
}

void Appliance::Impl::tell() {
  for (const SourceState& source : sources->inbox().states()) {
    std::string& last = said[source.name];
    if (last == source.state) continue;
    last = source.state;
    say(source.name + " " + source.state + (source.message.empty() ? "" : ": " + source.message));
  }
  const bool full = open_case && open_case->disk_full();
  if (full != std::exchange(disk_full, full))
    say(full ? "the disk is full: events wait, all else becomes gaps; free some space"
             : "the disk takes records again");
  const std::string sheds = shed_by(ladder.level());
  if (sheds != std::exchange(shed, sheds))
    say(sheds.empty() ? "the disk has room again: everything is recorded"
                      : "little space on the disk: not recorded are " + sheds);
}

/// How long the disk lasts at the pace of the last hour, until video is left out.
std::optional<double> Appliance::Impl::disk_hours(double free_bytes) {
  if (written.size() < 2) return std::nullopt;
  const auto& [begin, first] = written.front();
  const auto& [end, last] = written.back();
  const double seconds = (end - begin).seconds();
  if (seconds < 5 || last <= first) return std::nullopt;
  return free_bytes / (static_cast<double>(last - first) / seconds) / 3600;
}

void Appliance::Impl::publish() {
  const RoomTime at = now();
  ApplianceStatus next;
  next.state = machine.state();
  next.since_s = (at - machine.since()).seconds();
  if (open_case) {
    next.case_id = to_string(open_case->session().case_id());
    next.case_s = open_case->session().case_time(at).seconds();
    next.accounts_balance = open_case->balanced();
  }
  next.pause_reason = pause_reason;
  next.resumed = resumed;
  const auto states = sources->inbox().states();
  for (size_t i = 0; i < states.size(); ++i) {
    SourceHealth& health = next.sources.emplace_back();
    health.state = states[i];
    if (last_item[i]) health.last_item_s = (at - *last_item[i]).seconds();
    const auto lost = losses.lost(i);
    health.lost_5min = lost.items;
    health.gaps_5min = lost.gaps;
  }
  next.rules = machine.rules();
  next.button = button;
  if (const auto begin = ring.begin()) next.ring_s = (at - *begin).seconds();
  next.ring_bytes = ring.bytes();
  next.ring_cut = ring.cut();
  next.disk_full = disk_full;
  next.shed = shed;
  struct statvfs disk {};
  if (statvfs(options.log_dir.c_str(), &disk) == 0 && disk.f_blocks > 0) {
    const auto size = static_cast<double>(disk.f_frsize);
    const double total = static_cast<double>(disk.f_blocks) * size;
    const double free = static_cast<double>(disk.f_bavail) * size;
    next.disk_free = free / total;
    next.disk_hours = disk_hours(std::max(0.0, free - 0.05 * total));
  }
  next.utc_u95_ns = wall_clock_u95_ns();
  next.utc_steps = utc_steps;
  next.keys_left = keys_left;
  next.cases = begun;
  std::lock_guard lock(mutex);
  status = std::move(next);
}

}  // namespace casebox::recorder
