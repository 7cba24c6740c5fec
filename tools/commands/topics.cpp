#include <cstdio>

#include "ingest/bus/kafka_topics.h"
#include "tools/cli/json.h"
#include "tools/cli/kafka_args.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

Result<int> run_topics(const Args& args) {
  CASEBOX_TRY(const auto options, kafka_options(args));
  const int64_t partitions = args.integer("--partitions");
  const int64_t replication = args.integer("--replication");
  if (partitions < 1 || partitions > 1000)
    return Error{Code::kInvalidArgument, "--partitions: out of range; give 1 to 1000"};
  if (replication < 1 || replication > 9)
    return Error{Code::kInvalidArgument, "--replication: out of range; give 1 to 9"};
  CASEBOX_TRY(const auto created,
              bus::create_topics(
                  options, bus::topics_of(options.topic_prefix, static_cast<uint32_t>(partitions)),
                  static_cast<uint32_t>(replication), seconds(30)));
  Json json = document("topics");
  json["topics"] = Json::array();
  for (const auto& [topic, existed] : created) {
    json["topics"].push_back({{"name", topic.name},
                              {"partitions", topic.partitions},
                              {"existed", existed},
                              {"config", topic.config}});
    if (!args.json())
      std::printf("%-24s %4u partitions  %s\n", topic.name.c_str(), topic.partitions,
                  existed ? "was there" : "created");
  }
  if (args.json()) print(json);
  return 0;
}

}  // namespace

const Command kTopicsCommand{
    "topics", "Create Casebox's Kafka topics",
    with_kafka_args(true,
                    {{"--partitions", ArgKind::kInteger, "Partitions of the data topics", "1"},
                     {"--replication", ArgKind::kInteger, "Copies of each partition", "1"}}),
    run_topics,
    "Topics that exist stay as they are; one with another partition count is an error.\n"
    "JSON: topics[{name partitions existed config}]"};

}  // namespace casebox::tools
