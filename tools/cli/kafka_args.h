#pragma once

// The options by which commands reach Kafka: --kafka, --topic-prefix, --kafka-option.
//
// Thread safety: free functions.
// Errors: kInvalidArgument for an option that is not name=value.

#include <vector>

#include "casebox/v1/config.pb.h"
#include "ingest/bus/kafka_bus.h"
#include "tools/cli/command.h"

namespace casebox::tools {

/// The Kafka options, before `more`.
std::vector<Arg> with_kafka_args(bool required, std::vector<Arg> more);

Result<bus::KafkaOptions> kafka_options(const Args& args);
bus::KafkaOptions kafka_options(const v1::KafkaConfig& config);

}  // namespace casebox::tools
