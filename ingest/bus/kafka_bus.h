#pragma once

// The bus over Apache Kafka, through librdkafka. What both ends share: settings and the names of
// topics.
//
// Topics are `<prefix>.event.v1`, `<prefix>.wave.v1`, `<prefix>.media.v1`, all with the same number
// of partitions; the partition is explicit, since clients' default hashes disagree. The record's
// key is the case id as 32 hex digits, its value the frame verbatim; its headers are
//   casebox-format    "frame/1"
//   casebox-producer  the producer id, 16 bytes
//
// Thread safety: plain values and free functions.

#include <map>
#include <string>
#include <vector>

#include "ingest/bus/bus.h"

namespace casebox::bus {

struct KafkaOptions {
  std::string brokers;  // host:port,...
  std::string topic_prefix = "casebox";
  std::map<std::string, std::string> properties;  // librdkafka's own, e.g. security.protocol
  std::string client_id = "casebox";
  size_t queue_bytes = 16u << 20;  // held in memory at most, sent or received
  std::vector<Lane> lanes = {Lane::kEvent, Lane::kWave, Lane::kMedia};  // a subscriber reads these
  Duration fetch_wait = milliseconds(100);  // how long a broker may hold an empty fetch
};

/// The largest record that the topics and clients of this project take.
constexpr size_t kMaxRecordBytes = 2u << 20;

inline constexpr char kFormatHeader[] = "casebox-format";
inline constexpr char kProducerHeader[] = "casebox-producer";
inline constexpr char kFrameFormat[] = "frame/1";

/// "casebox.event.v1" for prefix "casebox".
std::string topic_of(const std::string& prefix, Lane lane);

/// A topic and its policy.
struct Topic {
  std::string name;
  uint32_t partitions = 1;
  std::map<std::string, std::string> config;  // Kafka topic settings
};

/// All topics of the project with their policies (docs/formats/topics.md). The case topic and the
/// three data topics have `partitions` partitions, the others one.
std::vector<Topic> topics_of(const std::string& prefix, uint32_t partitions);

}  // namespace casebox::bus
