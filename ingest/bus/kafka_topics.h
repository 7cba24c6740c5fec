#pragma once

// Creates topics and asks about them.
//
// Thread safety: free functions; each call has a client of its own.
// Errors: kUnavailable when no broker answers in time, kConflict for a topic that exists with
// another partition count.

#include <string>
#include <vector>

#include "ingest/bus/kafka_bus.h"

namespace casebox::bus {

struct CreatedTopic {
  Topic topic;
  bool existed = false;
};

/// Creates what is missing of `topics`; those that exist stay as they are.
Result<std::vector<CreatedTopic>> create_topics(const KafkaOptions& options,
                                                const std::vector<Topic>& topics,
                                                uint32_t replication, Duration timeout);

/// Partitions of a topic; kNotFound when there is none of that name.
Result<uint32_t> partition_count(const KafkaOptions& options, const std::string& topic,
                                 Duration timeout);

/// The offsets that a partition holds: of its first record, and one past its last.
struct HeldOffsets {
  uint64_t first = 0;
  uint64_t end = 0;
};
Result<HeldOffsets> held_offsets(const KafkaOptions& options, const std::string& topic,
                                 uint32_t partition, Duration timeout);

}  // namespace casebox::bus
