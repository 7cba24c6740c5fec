#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "recorder/sim/receiver.h"
#include "recorder/sim/room.h"
#include "recorder/sim/streams.h"
#include "recorder/sim/truth.h"

namespace casebox::recorder::sim {
namespace {

Options quick(uint64_t seed) {
  Options options;
  options.seed = seed;
  options.duration_scale = .1;
  options.video = false;
  return options;
}

struct Session {
  std::unique_ptr<Room> room;
  std::unique_ptr<Receiver> receiver;
  std::vector<Packet> packets;
  std::vector<Received> received;
};

Session play(const Options& options) {
  Session out;
  out.room = Room::open(options).value();
  out.receiver = std::make_unique<Receiver>(out.room->streams());
  std::vector<Packet> packets;
  while (out.room->next(packets).value())
    for (Packet& packet : packets) {
      out.packets.push_back(packet);
      out.receiver->take(std::move(packet), out.received);
    }
  std::vector<uint64_t> sent;
  for (const SentCount& c : out.room->counts()) sent.push_back(c.sent);
  out.receiver->finish(sent, out.received);
  return out;
}

double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  const auto n = static_cast<double>(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    sx += x[i], sy += y[i], sxx += x[i] * x[i], syy += y[i] * y[i], sxy += x[i] * y[i];
  }
  return (n * sxy - sx * sy) / std::sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
}

TEST(SimRoom, SentEqualsReceivedPlusMissingOnEveryStream) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Session r = play(quick(seed));
    std::vector<uint64_t> stored(r.room->streams().size()), missing(stored.size());
    for (const Received& item : r.received)
      (item.is_gap ? missing : stored)[item.stream] +=
          item.is_gap ? item.gap.missing() : item.packet.count;
    for (size_t i = 0; i < stored.size(); ++i) {
      EXPECT_EQ(r.room->counts()[i].sent, stored[i] + missing[i])
          << seed << " " << r.room->streams()[i].name();
      EXPECT_EQ(r.room->counts()[i].lost, missing[i]) << r.room->streams()[i].name();
      EXPECT_EQ(r.room->counts()[i].duplicated, r.receiver->duplicates(i));
    }
  }
}

TEST(SimRoom, AGapRunsFromTheEndOfTheLastItemToTheBeginningOfTheNext) {
  size_t lost = 0, away = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Options options = quick(seed);
    options.faults = {"loss", "dropout-known", "dropout-unknown"};
    const Session r = play(options);
    const auto& streams = r.room->streams();
    std::vector<const Received*> last(streams.size());
    std::vector<const Received*> gap(streams.size());
    for (const Received& item : r.received) {
      const auto& rate = streams[item.stream].tick_rate_hz();
      if (rate.num() == 0) continue;
      const auto length = [&](uint64_t ticks) {
        return static_cast<double>(ticks) * static_cast<double>(rate.den()) /
               static_cast<double>(rate.num());
      };
      if (item.is_gap) {
        gap[item.stream] = &item;
        if (last[item.stream] == nullptr) continue;
        EXPECT_NEAR(static_cast<double>(item.gap.t_begin_ns()) * 1e-9,
                    last[item.stream]->t.seconds() + length(last[item.stream]->packet.count), 1e-6)
            << streams[item.stream].name();
        last[item.stream] = nullptr;
        continue;
      }
      if (const Received* before = std::exchange(gap[item.stream], nullptr)) {
        EXPECT_EQ(before->gap.t_end_ns(), std::max(item.t.ns, before->gap.t_begin_ns()));
        const double long_s =
            static_cast<double>(before->gap.t_end_ns() - before->gap.t_begin_ns()) * 1e-9;
        if (before->gap.count_unknown()) {
          ++away;
        } else {
          ++lost;
          EXPECT_NEAR(long_s, length(before->gap.missing()), .1) << streams[item.stream].name();
        }
      }
      last[item.stream] = &item;
    }
  }
  EXPECT_GT(lost, 20u);
  EXPECT_GT(away, 2u);
}

TEST(SimRoom, FaultsOfEveryKindReachTheReceiver) {
  uint64_t lost = 0, duplicated = 0, reordered = 0, away = 0, broken = 0, resets = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Session r = play(quick(seed));
    for (const SentCount& c : r.room->counts()) {
      lost += c.lost > 0, duplicated += c.duplicated > 0, reordered += c.reordered > 0,
          away += c.away > 0;
    }
    for (const DeviceClock& clock : r.room->plan().clocks) {
      if (!r.receiver->clocks().contains(clock.id)) continue;  // a camera without video
      EXPECT_EQ(r.receiver->clock(clock.id).broken(), clock.broken) << seed << " " << clock.device;
      broken += clock.broken;
      if (clock.reset_at_s < 0 && !clock.broken) {
        EXPECT_EQ(r.receiver->clock(clock.id).resets(), 0u);
      }
      if (clock.reset_at_s >= 0) resets += r.receiver->clock(clock.id).resets() == 1;
    }
  }
  EXPECT_GT(lost, 0u);
  EXPECT_GT(duplicated, 0u);
  EXPECT_GT(reordered, 0u);
  EXPECT_GT(away, 0u);
  EXPECT_GT(broken, 0u);
  EXPECT_GT(resets, 0u);
}

TEST(SimRoom, ReceiverFindsCaseTimeWithinItsBound) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const Session r = play(quick(seed));
    for (const Received& item : r.received) {
      if (item.is_gap || item.u95_us == 0xFFFFFFFF) continue;
      if (item.arrival.seconds() < 5) continue;
      if (r.room->plan().clocks[r.room->streams()[item.stream].clock_id() - 1].broken) continue;
      EXPECT_LE(std::abs((item.t - item.packet.t).ns), int64_t{item.u95_us} * 1000)
          << r.room->streams()[item.stream].name() << " at " << item.packet.t.seconds();
    }
  }
}

// Packets sent or begun before a clock was set arrive after it: late ones, lost ones' successors.
TEST(SimRoom, NothingLiesFarFromItsTimeWhenAClockIsSet) {
  size_t around = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Options options = quick(seed);
    options.faults = {"clock-offset", "clock-reset", "loss", "duplicate", "reorder"};
    const Session r = play(options);
    for (const Received& item : r.received) {
      if (item.is_gap) {
        EXPECT_LT(std::abs((item.arrival - CaseTime{item.gap.t_end_ns()}).seconds()), 4) << seed;
        continue;
      }
      const DeviceClock& clock =
          r.room->plan().clocks[r.room->streams()[item.stream].clock_id() - 1];
      around += std::abs(item.packet.t.seconds() - clock.reset_at_s) < 3;
      EXPECT_LT(std::abs((item.t - item.packet.t).seconds()), 3.2)
          << seed << ": " << r.room->streams()[item.stream].name() << " at "
          << item.packet.t.seconds();
    }
  }
  EXPECT_GT(around, 100u);
}

TEST(SimRoom, SameSeedGivesTheSameTruthAndBytes) {
  const Session a = play(quick(5)), b = play(quick(5)), c = play(quick(6));
  EXPECT_EQ(truth_json(*a.room), truth_json(*b.room));
  EXPECT_NE(truth_json(*a.room), truth_json(*c.room));
  ASSERT_EQ(a.packets.size(), b.packets.size());
  for (size_t i = 0; i < a.packets.size(); ++i) {
    ASSERT_EQ(a.packets[i].t_src_ns, b.packets[i].t_src_ns);
    ASSERT_EQ(a.packets[i].arrival, b.packets[i].arrival);
    if (const Block* block = std::get_if<Block>(&a.packets[i].what)) {
      ASSERT_EQ(block->channels, std::get<Block>(b.packets[i].what).channels);
    }
    if (const v1::Event* event = std::get_if<v1::Event>(&a.packets[i].what)) {
      ASSERT_EQ(event->DebugString(), std::get<v1::Event>(b.packets[i].what).DebugString());
    }
  }
}

TEST(SimRoom, AirwayPressureFollowsTheAbdomenAndElectrosurgeryTheEcg) {
  for (uint64_t seed : {3, 4, 5}) {
    Options options = quick(seed);
    options.duration_scale = .4;
    options.clean = true;
    const Session r = play(options);
    const auto& streams = r.room->streams();
    const auto paw = static_cast<size_t>(index_of(streams, "anaesthesia.waves"));
    const auto gas = static_cast<size_t>(index_of(streams, "insufflator.state"));
    const auto ecg = static_cast<size_t>(index_of(streams, "monitor.ecg"));
    const size_t breaths = static_cast<size_t>(r.room->plan().duration_s * 14 / 60);
    std::vector<double> peak(breaths), sum(breaths), n(breaths);
    double quiet = 0, quiet_n = 0, noisy = 0, noisy_n = 0, last = 0;
    for (const Received& item : r.received) {
      if (item.is_gap) continue;
      const Block* block = std::get_if<Block>(&item.packet.what);
      if (!block) continue;
      for (uint32_t i = 0; i < item.packet.count; ++i) {
        const double start = item.packet.t.seconds();
        if (item.stream == paw || item.stream == gas) {
          const auto breath =
              static_cast<size_t>((start + i / (item.stream == paw ? 50. : 25.)) * 14 / 60);
          if (breath >= breaths) continue;
          const double v = static_cast<double>(block->channels[0][i]) / 10;
          if (item.stream == paw) peak[breath] = std::max(peak[breath], v);
          if (item.stream == gas) sum[breath] += v, ++n[breath];
        } else if (item.stream == ecg) {
          const double t = start + i / 500., v = static_cast<double>(block->channels[0][i]) / 1000;
          const bool active = std::ranges::any_of(
              r.room->plan().esu, [&](const Span& s) { return t >= s.on_s && t < s.off_s; });
          (active ? noisy : quiet) += (v - last) * (v - last);
          ++(active ? noisy_n : quiet_n);
          last = v;
        }
      }
    }
    for (size_t i = 0; i < breaths; ++i) sum[i] /= n[i];
    EXPECT_NEAR(correlation(peak, sum), .93, .035) << seed;
    EXPECT_GT(noisy / noisy_n, 20 * quiet / quiet_n) << seed;
  }
}

TEST(SimRoom, ForecastsAreCalibratedAndSomeComeTooLate) {
  double total = 0, late = 0, scored = 0, inside = 0;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Options options = quick(seed);
    options.duration_scale = .5;
    options.faults = {"late-forecast"};
    const Session r = play(options);
    uint64_t seen_late = 0;
    for (const Packet& packet : r.packets) {
      const v1::Event* event = std::get_if<v1::Event>(&packet.what);
      if (!event || !event->has_forecast()) continue;
      const v1::TwinForecast& f = event->forecast();
      ++total;
      if (f.t_issued_ns() > f.t_valid_ns()) {
        ++seen_late;
        continue;
      }
      const Reverting& truth =
          f.variable().ends_with("HR") ? r.room->body().heart_rate : r.room->body().mean_pressure;
      const double observed = Physiology::at(truth.reading, kNumericInterval,
                                             static_cast<double>(f.t_valid_ns()) * 1e-9);
      ++scored;
      inside += std::abs(observed - f.value()) < 1.645 * f.sd();
    }
    EXPECT_EQ(seen_late, r.room->twin().late);
    late += static_cast<double>(seen_late);
  }
  EXPECT_GT(late / total, .02);
  EXPECT_LT(late / total, .1);
  EXPECT_GT(inside / scored, .75);  // episodes are surprises
  EXPECT_LT(inside / scored, .95);
}

TEST(SimRoom, NoiseLiesWhereRoomsAre) {
  double sum = 0, n = 0;
  const Session r = play(quick(9));
  const auto room = static_cast<size_t>(index_of(r.room->streams(), "room.sensors"));
  for (const Packet& packet : r.packets)
    if (packet.stream == room && packet.count) {
      sum += static_cast<double>(std::get<Block>(packet.what).channels[0][0]) / 10;
      ++n;
    }
  EXPECT_GT(sum / n, 55);
  EXPECT_LT(sum / n, 60);
}

TEST(SimRoom, NoDeviceStreamNamesAPhase) {
  const Session r = play(quick(2));
  for (const Packet& packet : r.packets) {
    const std::string& name = r.room->streams()[packet.stream].name();
    const v1::Event* event = std::get_if<v1::Event>(&packet.what);
    if (!event || name == "team.marks") continue;
    for (int p = 0; p < kPhases; ++p)
      EXPECT_EQ(event->SerializeAsString().find(to_string(static_cast<Phase>(p))),
                std::string::npos)
          << name;
  }
}

}  // namespace
}  // namespace casebox::recorder::sim
