#include <cstdio>

#include "ingest/bus/kafka_subscriber.h"
#include "ingest/bus/kafka_topics.h"
#include "ingest/bus/log_bus.h"
#include "tools/cli/json.h"
#include "tools/cli/kafka_args.h"
#include "tools/cli/stop_signal.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

Result<std::vector<bus::Lane>> lanes_of(const std::string& name) {
  const std::vector<bus::Lane> all = {bus::Lane::kEvent, bus::Lane::kWave, bus::Lane::kMedia};
  if (name.empty()) return all;
  for (bus::Lane lane : all)
    if (name == bus::to_string(lane)) return std::vector<bus::Lane>{lane};
  return Error{Code::kInvalidArgument,
               "LANE: '" + name + "' is unknown; write event, wave or media"};
}

Result<std::unique_ptr<bus::Subscriber>> subscriber_of(const Args& args) {
  CASEBOX_TRY(const auto lanes, lanes_of(args.text("LANE")));
  if (args.has("--log") == args.has("--kafka"))
    return Error{Code::kInvalidArgument,
                 "cat: nothing or two things to read; give --log or --kafka"};
  if (args.has("--log")) {
    CASEBOX_TRY(auto log, bus::LogSubscriber::open({args.text("--log")}));
    return std::unique_ptr<bus::Subscriber>(std::move(log));
  }
  CASEBOX_TRY(auto options, kafka_options(args));
  options.lanes = lanes;
  std::vector<uint32_t> partitions;
  if (args.has("--partition")) {
    const int64_t wanted = args.integer("--partition");
    if (wanted < 0 || wanted > 1023)
      return Error{Code::kInvalidArgument, "--partition: out of range; give 0 to 1023"};
    partitions.push_back(static_cast<uint32_t>(wanted));
  } else {
    CASEBOX_TRY(const uint32_t count,
                bus::partition_count(options, bus::topic_of(options.topic_prefix, lanes.front()),
                                     seconds(10)));
    for (uint32_t i = 0; i < count; ++i) partitions.push_back(i);
  }
  CASEBOX_TRY(auto kafka, bus::KafkaSubscriber::create(options, partitions));
  return std::unique_ptr<bus::Subscriber>(std::move(kafka));
}

Json describe(const bus::Delivery& delivery) {
  Json json = document("cat");
  json["source"] = delivery.source;
  json["offset"] = std::to_string(delivery.offset);
  json["case_id"] = to_string(delivery.message.case_id);
  json["producer_id"] = to_string(delivery.message.producer);
  json["lane"] = bus::to_string(delivery.message.lane);
  json["bytes"] = delivery.message.frame.size();
  auto frame = frame::parse(delivery.message.frame);
  if (!frame) {
    json["error"] = frame.error().message;
    return json;
  }
  const frame::Header& header = frame->header;
  json["kind"] = frame::to_string(header.kind);
  json["epoch"] = to_string(header.epoch);
  json["stream_id"] = header.stream.value;
  json["first_number"] = std::to_string(header.first.value);
  json["count"] = header.count;
  json["t_s"] = header.t.seconds();
  json["duration_s"] = header.duration_us * 1e-6;
  json["sealed"] = header.has(frame::flag::kSealed);
  json["derived"] = header.has(frame::flag::kDerived);
  return json;
}

void print_frame(const Json& json) {
  const auto text = [&](const char* key) { return json[key].get<std::string>(); };
  std::printf("%s %s  %s  %7zu B  ", text("source").c_str(), text("offset").c_str(),
              text("case_id").substr(0, 8).c_str(), json["bytes"].get<size_t>());
  if (json.contains("error")) {
    std::printf("not a frame: %s\n", text("error").c_str());
    return;
  }
  std::printf("%-6s stream %u  #%s+%u  t %.3f s%s\n", text("kind").c_str(),
              json["stream_id"].get<uint32_t>(), text("first_number").c_str(),
              json["count"].get<uint32_t>(), json["t_s"].get<double>(),
              json["sealed"].get<bool>() ? "  sealed" : "");
}

Result<int> run_cat(const Args& args) {
  CASEBOX_TRY(const auto lanes, lanes_of(args.text("LANE")));
  CASEBOX_TRY(auto subscriber, subscriber_of(args));
  CASEBOX_CHECK(subscriber->resume({}));
  const int64_t limit = args.integer("--count");
  CASEBOX_TRY(const Duration idle, args.seconds("--until-idle"));
  StopSignal signal;
  SystemClock clock;
  MonoTime last = clock.mono();
  for (int64_t shown = 0; (limit == 0 || shown < limit) && !signal.stopped();) {
    CASEBOX_TRY(const auto delivery, subscriber->poll(milliseconds(100)));
    if (!delivery) {
      if (args.has("--until-idle") && clock.mono() - last > idle) break;
      continue;
    }
    last = clock.mono();
    bool wanted = false;
    for (bus::Lane lane : lanes) wanted = wanted || lane == delivery->message.lane;
    if (!wanted) continue;
    ++shown;
    const Json json = describe(*delivery);
    if (args.json())
      print(json);
    else
      print_frame(json);
  }
  return 0;
}

}  // namespace

const Command kCatCommand{
    "cat", "Show the frames of the Kafka topics or of a log, headers only",
    with_kafka_args(false,
                    {{"LANE", ArgKind::kText, "event, wave or media (default: all)"},
                     {"--log", ArgKind::kText, "Read this log folder instead of Kafka"},
                     {"--partition", ArgKind::kInteger, "Only this partition"},
                     {"--count", ArgKind::kInteger, "Stop after so many frames; 0: never", "0"},
                     {"--until-idle", ArgKind::kNumber, "Stop when nothing came for so many s"}}),
    run_cat,
    "One line per frame from the beginning; with --json one document per line.\n"
    "Contents stay sealed: no key is used."};

}  // namespace casebox::tools
