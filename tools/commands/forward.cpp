#include <algorithm>
#include <cstdio>
#include <thread>

#include "ingest/bus/forwarder.h"
#include "ingest/bus/kafka_publisher.h"
#include "proto/log/log.h"
#include "tools/cli/json.h"
#include "tools/cli/kafka_args.h"
#include "tools/cli/progress.h"
#include "tools/cli/stop_signal.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

Result<int> run_forward(const Args& args) {
  CASEBOX_TRY(const auto kafka, kafka_options(args));
  bus::ForwarderOptions options;
  options.log_dir = args.text("LOG");
  options.cursor_file = args.text("--cursor");
  const int64_t wanted = args.integer("--partitions");
  if (wanted < 1 || wanted > 1024)
    return Error{Code::kInvalidArgument, "--partitions: out of range; give 1 to 1024"};
  options.partitions = static_cast<uint32_t>(wanted);
  const bool until_idle = args.has("--until-idle");
  CASEBOX_TRY(const Duration idle, args.seconds("--until-idle"));
  if (until_idle && !log::is_log(options.log_dir))
    return Error{Code::kNotFound,
                 options.log_dir.string() + ": not a log; give a folder with .cblog files"};
  const auto rate = static_cast<uint64_t>(std::max<int64_t>(args.integer("--rate"), 0));
  if (rate > 0) options.batch_frames = std::clamp<size_t>(rate / 20, 1, options.batch_frames);
  SystemClock clock;
  CASEBOX_TRY(auto forwarder, bus::Forwarder::open(
                                  options,
                                  [&]() -> Result<std::unique_ptr<bus::Publisher>> {
                                    CASEBOX_TRY(auto made, bus::KafkaPublisher::create(kafka));
                                    return std::unique_ptr<bus::Publisher>(std::move(made));
                                  },
                                  clock));
  StopSignal signal;
  Progress progress("forwarding", 0, "frames");
  const MonoTime begin = clock.mono();
  MonoTime last = begin;
  while (!signal.stopped()) {
    auto step = forwarder->step(milliseconds(100));
    if (!step && step.error().code != Code::kUnavailable) return std::move(step).error();
    if (step && *step > 0) last = clock.mono();
    if (until_idle && clock.mono() - last > idle) {
      if (!step) return std::move(step).error();
      break;
    }
    const uint64_t frames = forwarder->stats().frames;
    progress.update(frames);
    // A backfill leaves the network to live data: at most `rate` frames a second since the start.
    while (rate > 0 && !signal.stopped() &&
           static_cast<double>(frames) >
               static_cast<double>(rate) * (clock.mono() - begin).seconds())
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const bus::ForwarderStats stats = forwarder->stats();
  if (args.json()) {
    Json json = document("forward");
    json["frames"] = stats.frames;
    json["bytes"] = stats.bytes;
    json["replays"] = stats.replays;
    json["cursor"] = std::to_string(stats.cursor);
    json["lag_s"] = stats.lag_s;
    json["seconds"] = (clock.mono() - begin).seconds();
    print(json);
  } else {
    std::fprintf(stderr, "forwarded %llu frames, %llu bytes\n",
                 static_cast<unsigned long long>(stats.frames),
                 static_cast<unsigned long long>(stats.bytes));
  }
  return 0;
}

}  // namespace

const Command kForwardCommand{
    "forward", "Copy a log to Kafka as it grows",
    with_kafka_args(
        true,
        {{"LOG", ArgKind::kText, "Folder of the log", "", true},
         {"--cursor", ArgKind::kText, "Where the place is kept (default: LOG/forward.cursor)"},
         {"--partitions", ArgKind::kInteger, "Partitions of the data topics", "1"},
         {"--rate", ArgKind::kInteger, "At most so many frames a second; 0: no limit", "0"},
         {"--until-idle", ArgKind::kNumber, "Stop when nothing came for so many s"}}),
    run_forward,
    "Goes on where it stopped; frames count as sent once the broker acknowledged them.\n"
    "JSON: frames bytes replays cursor lag_s seconds"};

}  // namespace casebox::tools
