#include "ingest/bus/kafka_topics.h"

#include "ingest/bus/internal/kafka_client.h"

namespace casebox::bus {
namespace {

constexpr size_t kWhySize = 256;

/// Why brokers that answer let nobody in; without it that looks like brokers that are away.
struct Refusal {
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string why;

  static void on_error(rd_kafka_t*, int code, const char* why, void* opaque) {
    if (code != RD_KAFKA_RESP_ERR__SSL && code != RD_KAFKA_RESP_ERR__AUTHENTICATION) return;
    auto* self = static_cast<Refusal*>(opaque);
    self->code = static_cast<rd_kafka_resp_err_t>(code);
    self->why = why;
  }
};

Result<uint32_t> count(rd_kafka_t* client, const std::string& name, Duration timeout) {
  std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)> topic(
      rd_kafka_topic_new(client, name.c_str(), nullptr), rd_kafka_topic_destroy);
  const rd_kafka_metadata_t* raw = nullptr;
  const auto error = rd_kafka_metadata(client, 0, topic.get(), &raw, internal::timeout_ms(timeout));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return internal::kafka_error(name, error);
  std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)> metadata(
      raw, rd_kafka_metadata_destroy);
  if (metadata->topic_cnt != 1 || metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
    return internal::kafka_error(name, metadata->topic_cnt == 1 ? metadata->topics[0].err
                                                                : RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC);
  return static_cast<uint32_t>(metadata->topics[0].partition_cnt);
}

// Owns the requests of one CreateTopics call.
struct Requests {
  std::vector<rd_kafka_NewTopic_t*> list;
  ~Requests() { rd_kafka_NewTopic_destroy_array(list.data(), list.size()); }
};

}  // namespace

Result<std::vector<CreatedTopic>> create_topics(const KafkaOptions& options,
                                                const std::vector<Topic>& topics,
                                                uint32_t replication, Duration timeout) {
  CASEBOX_TRY(auto conf, internal::make_conf(options, {}));
  CASEBOX_TRY(auto client, internal::make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  Requests requests;
  for (const Topic& topic : topics) {
    char why[kWhySize];
    auto* request = rd_kafka_NewTopic_new(topic.name.c_str(), static_cast<int>(topic.partitions),
                                          static_cast<int>(replication), why, sizeof why);
    if (request == nullptr)
      return Error{Code::kInvalidArgument, topic.name + ": " + why + "; correct the settings"};
    requests.list.push_back(request);
    for (const auto& [name, value] : topic.config)
      rd_kafka_NewTopic_set_config(request, name.c_str(), value.c_str());
  }
  std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)> queue(
      rd_kafka_queue_new(client.get()), rd_kafka_queue_destroy);
  std::unique_ptr<rd_kafka_AdminOptions_t, decltype(&rd_kafka_AdminOptions_destroy)> admin(
      rd_kafka_AdminOptions_new(client.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS),
      rd_kafka_AdminOptions_destroy);
  char why[kWhySize];
  rd_kafka_AdminOptions_set_request_timeout(admin.get(), internal::timeout_ms(timeout), why,
                                            sizeof why);
  rd_kafka_AdminOptions_set_operation_timeout(admin.get(), internal::timeout_ms(timeout), why,
                                              sizeof why);
  rd_kafka_CreateTopics(client.get(), requests.list.data(), requests.list.size(), admin.get(),
                        queue.get());
  std::unique_ptr<rd_kafka_event_t, decltype(&rd_kafka_event_destroy)> event(
      rd_kafka_queue_poll(queue.get(), internal::timeout_ms(timeout + seconds(1))),
      rd_kafka_event_destroy);
  if (!event) return internal::kafka_error(options.brokers, RD_KAFKA_RESP_ERR__TIMED_OUT);
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return internal::kafka_error(options.brokers, rd_kafka_event_error(event.get()),
                                 rd_kafka_event_error_string(event.get()));
  size_t results = 0;
  const auto** list = rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(event.get()), &results);
  std::vector<CreatedTopic> created;
  for (size_t i = 0; i < results; ++i) {
    const auto error = rd_kafka_topic_result_error(list[i]);
    const std::string name = rd_kafka_topic_result_name(list[i]);
    for (const Topic& topic : topics) {
      if (topic.name != name) continue;
      if (error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        CASEBOX_TRY(const uint32_t partitions, count(client.get(), name, timeout));
        if (partitions != topic.partitions)
          return Error{Code::kConflict, name + ": exists with " + std::to_string(partitions) +
                                            " partitions, not " + std::to_string(topic.partitions) +
                                            "; name the count it has, or another prefix"};
        created.push_back({topic, true});
      } else if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char* detail = rd_kafka_topic_result_error_string(list[i]);
        return internal::kafka_error(name, error, detail == nullptr ? "" : detail);
      } else {
        created.push_back({topic, false});
      }
    }
  }
  return created;
}

Result<uint32_t> partition_count(const KafkaOptions& options, const std::string& topic,
                                 Duration timeout) {
  CASEBOX_TRY(auto conf, internal::make_conf(options, {}));
  Refusal refusal;
  rd_kafka_conf_set_opaque(conf.get(), &refusal);
  rd_kafka_conf_set_error_cb(conf.get(), Refusal::on_error);
  CASEBOX_TRY(auto client, internal::make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  auto counted = count(client.get(), topic, timeout);
  if (counted || counted.error().code != Code::kUnavailable) return counted;
  rd_kafka_poll(client.get(), 0);
  if (refusal.code == RD_KAFKA_RESP_ERR_NO_ERROR) return counted;
  return internal::kafka_error(options.brokers, refusal.code, refusal.why);
}

Result<HeldOffsets> held_offsets(const KafkaOptions& options, const std::string& topic,
                                 uint32_t partition, Duration timeout) {
  CASEBOX_TRY(auto conf, internal::make_conf(options, {}));
  CASEBOX_TRY(auto client, internal::make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  int64_t first = 0, end = 0;
  const auto error =
      rd_kafka_query_watermark_offsets(client.get(), topic.c_str(), static_cast<int32_t>(partition),
                                       &first, &end, internal::timeout_ms(timeout));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return internal::kafka_error(topic + "/" + std::to_string(partition), error);
  return HeldOffsets{static_cast<uint64_t>(first), static_cast<uint64_t>(end)};
}

}  // namespace casebox::bus
