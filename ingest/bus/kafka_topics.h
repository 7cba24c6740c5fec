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

}  // namespace casebox::bus
