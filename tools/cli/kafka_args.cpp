#include "tools/cli/kafka_args.h"

namespace casebox::tools {

std::vector<Arg> with_kafka_args(bool required, std::vector<Arg> more) {
  std::vector<Arg> args = {
      {"--kafka", ArgKind::kText, "Brokers, as host:port,...", "", required},
      {"--topic-prefix", ArgKind::kText, "What the topics' names begin with", "casebox"},
      {"--kafka-option", ArgKind::kList,
       "librdkafka properties as name=value, e.g. security.protocol=SASL_SSL"},
  };
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

Result<bus::KafkaOptions> kafka_options(const Args& args) {
  bus::KafkaOptions options;
  options.brokers = args.text("--kafka");
  options.topic_prefix = args.text("--topic-prefix");
  for (const std::string& option : args.list("--kafka-option")) {
    const size_t equals = option.find('=');
    // The value may be a password: it is not repeated.
    if (equals == std::string::npos || equals == 0)
      return Error{Code::kInvalidArgument, "--kafka-option: not a name=value; write both"};
    options.properties[option.substr(0, equals)] = option.substr(equals + 1);
  }
  return options;
}

bus::KafkaOptions kafka_options(const v1::KafkaConfig& config) {
  bus::KafkaOptions options;
  options.brokers = config.brokers();
  if (!config.topic_prefix().empty()) options.topic_prefix = config.topic_prefix();
  if (!config.group().empty()) options.client_id = config.group();
  return options;
}

}  // namespace casebox::tools
