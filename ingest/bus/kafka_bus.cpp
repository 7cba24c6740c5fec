#include "ingest/bus/kafka_bus.h"

namespace casebox::bus {
namespace {

constexpr char kHour[] = "3600000";
constexpr char kDay[] = "86400000";
constexpr char kThreeDays[] = "259200000";
constexpr char kSevenDays[] = "604800000";
constexpr char kNinetyDays[] = "7776000000";

std::map<std::string, std::string> keep(const char* retention_ms) {
  return {{"cleanup.policy", "delete"},
          {"retention.ms", retention_ms},
          {"max.message.bytes", std::to_string(kMaxRecordBytes)}};
}

// Kafka does not compact the active segment, so it must roll.
std::map<std::string, std::string> compact() {
  return {{"cleanup.policy", "compact"},
          {"segment.ms", kHour},
          {"max.compaction.lag.ms", kDay},
          {"max.message.bytes", std::to_string(kMaxRecordBytes)}};
}

}  // namespace

std::string topic_of(const std::string& prefix, Lane lane) {
  return prefix + "." + to_string(lane) + ".v1";
}

std::vector<Topic> topics_of(const std::string& prefix, uint32_t partitions) {
  return {
      {prefix + ".case.v1", partitions, compact()},
      {topic_of(prefix, Lane::kEvent), partitions, keep(kSevenDays)},
      {topic_of(prefix, Lane::kWave), partitions, keep(kSevenDays)},
      {topic_of(prefix, Lane::kMedia), partitions, keep(kThreeDays)},
      {prefix + ".summary.v1", 1, compact()},
      {prefix + ".receipt.v1", 1, compact()},
      {prefix + ".dlq.v1", 1, keep(kNinetyDays)},
  };
}

}  // namespace casebox::bus
