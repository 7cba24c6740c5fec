#include "ingest/bus/internal/kafka_client.h"

#include <algorithm>

namespace casebox::bus::internal {
namespace {

// A library prints nothing; troubles come back as errors.
void ignore_log(const rd_kafka_t*, int, const char*, const char*) {}

Result<void> set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char why[256];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK)
    return Error{Code::kInvalidArgument, "kafka property " + name + ": " + why + "; correct it"};
  return ok();
}

}  // namespace

Result<Conf> make_conf(const KafkaOptions& options,
                       const std::map<std::string, std::string>& ours) {
  if (options.brokers.empty())
    return Error{Code::kInvalidArgument, "kafka: no brokers; name at least one as host:port"};
  Conf conf(rd_kafka_conf_new());
  const std::map<std::string, std::string> common = {
      {"bootstrap.servers", options.brokers},
      {"client.id", options.client_id},
      {"message.max.bytes", std::to_string(kMaxRecordBytes)},
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "1000"},
      {"socket.keepalive.enable", "true"},
  };
  for (const auto& [name, value] : common) CASEBOX_CHECK(set(conf.get(), name, value));
  for (const auto& [name, value] : options.properties) CASEBOX_CHECK(set(conf.get(), name, value));
  for (const auto& [name, value] : ours) CASEBOX_CHECK(set(conf.get(), name, value));
  rd_kafka_conf_set_log_cb(conf.get(), ignore_log);
  return conf;
}

Result<Client> make_client(rd_kafka_type_t type, Conf conf) {
  char why[256];
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), why, sizeof why);
  if (client == nullptr)
    return Error{Code::kInvalidArgument, std::string("kafka: ") + why + "; correct the settings"};
  conf.release();
  return Client(client);
}

bool is_passing(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR: return true;
    default: return false;
  }
}

Error kafka_error(const std::string& where, rd_kafka_resp_err_t code, const std::string& detail) {
  const std::string what = detail.empty() ? rd_kafka_err2str(code) : detail;
  if (is_passing(code))
    return {Code::kUnavailable,
            where + ": " + what + "; trying again helps once the broker is there"};
  switch (code) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      return {Code::kNotFound, where + ": no such topic; create it with `casebox topics`"};
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return {Code::kInvalidArgument, where + ": no such partition; check the partition count"};
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return {Code::kInvalidArgument,
              where + ": record larger than the broker takes; raise message.max.bytes to " +
                  std::to_string(kMaxRecordBytes)};
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return {Code::kCorrupt,
              where + ": the topic does not hold the offset to resume at (" + what +
                  "); restore the store from a backup or replay the recorders' logs"};
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      return {Code::kDenied, where + ": " + what + "; check user, password and rights"};
    case RD_KAFKA_RESP_ERR__SSL:
      return {Code::kDenied,
              where + ": " + what + "; check the certificates, and that this listener speaks TLS"};
    default: return {Code::kIo, where + ": " + what + "; see the broker's log"};
  }
}

int timeout_ms(Duration timeout) {
  if (timeout.ns <= 0) return 0;
  return static_cast<int>(std::clamp<int64_t>(timeout.ns / 1'000'000, 1, 3'600'000));
}

}  // namespace casebox::bus::internal
