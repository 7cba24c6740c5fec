#include "tools/room/room.h"

#include <sys/statvfs.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "recorder/appliance.h"
#include "recorder/session.h"
#include "recorder/sources/source.h"
#include "tools/cli/json.h"
#include "tools/room/control_socket.h"
#include "tools/room/forwarding.h"
#include "tools/room/health.h"

namespace casebox::tools {
namespace {

constexpr auto kSourcePatience = std::chrono::seconds(5);
constexpr Duration kBrokerPatience = seconds(3);
constexpr uint64_t kClockDay_ns = 86'000ull * 1'000'000'000;

using recorder::Order;

Result<Order> order_of(const Json& asked) {
  const auto text = [&](const char* key) {
    const auto at = asked.find(key);
    return at != asked.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  const std::string what = text("do");
  Order order;
  if (what == "begin")
    order.kind = Order::Kind::kBegin;
  else if (what == "end")
    order.kind = Order::Kind::kEnd;
  else if (what == "pause")
    order.kind = Order::Kind::kPause;
  else if (what == "resume")
    order.kind = Order::Kind::kResume;
  else
    return Error{Code::kInvalidArgument,
                 "what is asked is not known; ask begin, end, pause, resume or status"};
  order.by = text("role").empty() ? "operator" : text("role");
  order.reason = text("reason");
  order.procedure = text("procedure");
  return order;
}

std::string answer_line(const std::string& line, recorder::Appliance& appliance,
                        const std::function<RoomState()>& state) {
  const auto say = [](const Json& json) { return to_text(json); };
  const auto no = [&](const Error& error) {
    return say({{"ok", false},
                {"code", error.code == Code::kInvalidArgument ? 2 : 1},
                {"error", error.message}});
  };
  const Json asked = Json::parse(line, nullptr, false);
  if (!asked.is_object()) return no({Code::kInvalidArgument, "not a line of JSON"});
  Json out = {{"ok", true}};
  if (!asked.contains("do") || asked["do"] != "status") {
    auto order = order_of(asked);
    if (!order) return no(order.error());
    if (auto done = appliance.ask(*order); !done) return no(done.error());
  }
  out["state"] = to_json(state());
  return say(out);
}

/// Opens a source as the recorder would, and lets go of it.
RoomCheck try_source(const v1::SourceConfig& config, Clock& clock) {
  RoomCheck out;
  out.what = "source " + config.name();
  recorder::Context context;
  context.config = config;
  context.clock = &clock;
  context.case_zero = clock.mono();
  std::atomic<bool> stopping{false};
  context.stopping = &stopping;
  std::atomic<bool> done{false};
  std::thread waiter([&] {
    const auto until = std::chrono::steady_clock::now() + kSourcePatience;
    while (!done && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stopping = true;
  });
  const auto opened = recorder::open_source(context);
  done = true;
  waiter.join();
  out.ok = opened.has_value();
  if (!opened) {
    out.detail = opened.error().message;
    return out;
  }
  for (const v1::Stream& stream : (*opened)->streams())
    out.detail += (out.detail.empty() ? "" : ", ") + stream.name();
  return out;
}

}  // namespace

Result<RoomRun> run_room(const v1::ApplianceConfig& config, keyring::ProducerKeys& keys,
                         Clock& clock, const std::function<bool()>& stop) {
  const MonoTime began = clock.mono();
  const auto say = [&clock, began](const std::string& line) {
    std::fprintf(stderr, "casebox: %9.1f s: %s\n", (clock.mono() - began).seconds(), line.c_str());
  };
  recorder::ApplianceOptions options;
  options.config = config;
  options.log_dir = config.recorder().spool_dir();
  options.software = "casebox " + program_version();
  options.stop = stop;
  options.say = say;
  CASEBOX_TRY(auto appliance, recorder::Appliance::open(std::move(options), keys, clock));
  std::unique_ptr<Forwarding> forwarding;
  if (config.recorder().has_kafka())
    forwarding =
        Forwarding::start(config.recorder().kafka(), config.recorder().spool_dir(), clock, say);
  const std::function<RoomState()> state = [&] {
    RoomState now;
    now.room = config.recorder().room();
    now.recorder = appliance->status();
    if (forwarding) now.forward = forwarding->status();
    return now;
  };
  CASEBOX_TRY(const auto control,
              ControlSocket::start(config.cases().control(), [&](const std::string& line) {
                return answer_line(line, *appliance, state);
              }));
  CASEBOX_TRY(auto health, Health::start(config.health(), state));
  if (health->port() != 0)
    say("room page: http://127.0.0.1:" + std::to_string(health->port()) + "/");
  notify_service_manager("READY=1");
  auto whole = appliance->run();
  notify_service_manager("STOPPING=1");
  if (!whole) return std::move(whole).error();
  RoomRun out;
  out.whole = *whole;
  out.cases = appliance->status().cases;
  out.seconds = (clock.mono() - began).seconds();
  return out;
}

std::vector<RoomCheck> check_room(const v1::ApplianceConfig& config, keyring::ProducerKeys& keys,
                                  Clock& clock) {
  std::vector<RoomCheck> out;
  const v1::RecorderConfig& recorder = config.recorder();
  std::error_code ec;
  std::filesystem::create_directories(recorder.spool_dir(), ec);
  struct statvfs disk {};
  const bool asked = statvfs(recorder.spool_dir().c_str(), &disk) == 0 && disk.f_blocks > 0;
  const double free =
      asked ? static_cast<double>(disk.f_bavail) / static_cast<double>(disk.f_blocks) : 0;
  char text[96];
  std::snprintf(text, sizeof text, "%.1f %% of it is free", 100 * free);
  out.push_back({"disk", asked && free >= 0.15,
                 !asked        ? recorder.spool_dir() + ": cannot be asked: " + ec.message()
                 : free < 0.15 ? std::string(text) + "; below 15 % free some, below 5 % video stops"
                               : text});
  const auto key = keys.signing_key("recorder");
  out.push_back(
      {"keys", key.has_value(), key ? "a recorder's signing key is there" : key.error().message});
  const uint64_t u95 = recorder::wall_clock_u95_ns();
  std::snprintf(text, sizeof text, "within %.3f s, as the time service says",
                static_cast<double>(u95) * 1e-9);
  out.push_back({"clock", u95 < kClockDay_ns,
                 u95 < kClockDay_ns
                     ? text
                     : "nothing keeps the wall clock; times of day will have no bound "
                       "(start chrony or systemd-timesyncd)"});
  for (const v1::SourceConfig& source : recorder.sources())
    out.push_back(try_source(source, clock));
  if (recorder.has_kafka()) {
    const auto topics = check_topics(recorder.kafka(), kBrokerPatience);
    out.push_back({"broker", topics.has_value(),
                   topics ? "its topics have the configured partitions" : topics.error().message});
  }
  return out;
}

}  // namespace casebox::tools
