#pragma once

// How commands reach Kafka: --kafka, --topic-prefix, --kafka-option, --kafka-password-file, or
// `kafka:` of a configuration with its `tls` and `sasl`.
//
// Thread safety: free functions.
// Errors: kInvalidArgument for an option that is not name=value and for a file of secrets that
// others than its owner can read; what such a file holds is in no message.

#include <vector>

#include "casebox/v1/config.pb.h"
#include "ingest/bus/kafka_bus.h"
#include "tools/cli/command.h"

namespace casebox::tools {

/// The Kafka options, before `more`.
std::vector<Arg> with_kafka_args(bool required, std::vector<Arg> more);

Result<bus::KafkaOptions> kafka_options(const Args& args);
/// Reads the password anew each time, so that it can be changed under a program that runs.
Result<bus::KafkaOptions> kafka_options(const v1::KafkaConfig& config);

}  // namespace casebox::tools
