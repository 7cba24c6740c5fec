#include "ingest/bus/kafka_subscriber.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "ingest/bus/internal/kafka_client.h"
#include "proto/seal/seal.h"

namespace casebox::bus {
namespace {

constexpr int kAskMs = 10'000;  // how long a broker may take to say what it holds

struct DestroyMessage {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
struct DestroyError {
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
};
struct DestroyList {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};

// Ids are hints for what a damaged frame was; the store believes only the frame.
CaseId case_of(const rd_kafka_message_t& message) {
  auto id = parse_id<CaseId>({static_cast<const char*>(message.key), message.key_len});
  return id ? *id : CaseId{};
}

ProducerId producer_of(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      rd_kafka_header_get_last(headers, kProducerHeader, &value, &size) !=
          RD_KAFKA_RESP_ERR_NO_ERROR)
    return {};
  auto id = id_from_bytes<ProducerId>({static_cast<const char*>(value), size});
  return id ? *id : ProducerId{};
}

}  // namespace

struct KafkaSubscriber::Impl {
  std::string brokers;
  std::map<std::string, Lane> lanes;  // by topic
  std::vector<uint32_t> partitions;
  internal::Client client;
  bool resumed = false;
  std::optional<Error> trouble;  // since the last poll
  struct Place {
    uint64_t next = 0;                   // wanted
    std::optional<Position::Mark> mark;  // to be met first
  };
  std::map<std::pair<std::string, int32_t>, Place> places;  // of partitions not heard of since

  Result<bool> is_new(const rd_kafka_message_t& message);
  Result<void> not_held(const std::string& topic, int32_t partition);

  static void on_error(rd_kafka_t* client, int code, const char* reason, void* opaque) {
    auto* self = static_cast<Impl*>(opaque);
    auto error = static_cast<rd_kafka_resp_err_t>(code);
    char why[256] = "";
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
      error = rd_kafka_fatal_error(client, why, sizeof why);
      reason = why;
    } else if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && internal::is_passing(error)) {
      return;  // one connection of several: the client goes on
    }
    self->trouble = internal::kafka_error(self->brokers, error, reason);
  }

  Delivery deliver(const rd_kafka_message_t& message) const {
    Delivery delivery;
    const std::string topic = rd_kafka_topic_name(message.rkt);
    delivery.source = topic + "/" + std::to_string(message.partition);
    delivery.offset = static_cast<uint64_t>(message.offset);
    delivery.next_offset = delivery.offset + 1;
    delivery.message.case_id = case_of(message);
    delivery.message.producer = producer_of(message);
    delivery.message.lane = lanes.at(topic);
    delivery.message.partition = static_cast<uint32_t>(message.partition);
    delivery.message.frame.assign(static_cast<const char*>(message.payload), message.len);
    return delivery;
  }
};

/// Whether a record is one that was not read before; an error where the topic is another one.
Result<bool> KafkaSubscriber::Impl::is_new(const rd_kafka_message_t& message) {
  if (places.empty()) return true;
  const std::string topic = rd_kafka_topic_name(message.rkt);
  const auto at = places.find({topic, message.partition});
  if (at == places.end()) return true;
  const Place place = at->second;
  places.erase(at);
  if (!place.mark) return true;
  const BytesView bytes(static_cast<const char*>(message.payload), message.len);
  if (static_cast<uint64_t>(message.offset) == place.mark->offset &&
      view(seal::sha256(bytes)) == view(place.mark->message))
    return false;
  const std::string source = topic + "/" + std::to_string(message.partition);
  return Error{Code::kCorrupt,
               source + ": is not the topic that was read up to " + std::to_string(place.next) +
                   ": its record " + std::to_string(place.mark->offset) +
                   " is another one, so it was deleted and made again; read it from its beginning "
                   "with `casebox ingest --resume-at " +
                   source + "=0`: what the store has it knows"};
}

/// A place that the topic does not hold. ok where only the mark is gone.
Result<void> KafkaSubscriber::Impl::not_held(const std::string& topic, int32_t partition) {
  const auto at = places.find({topic, partition});
  const uint64_t next = at == places.end() ? 0 : at->second.next;
  const bool marked = at != places.end() && at->second.mark.has_value();
  int64_t low = 0, high = 0;
  const rd_kafka_resp_err_t error =
      rd_kafka_query_watermark_offsets(client.get(), topic.c_str(), partition, &low, &high, kAskMs);
  const std::string source = topic + "/" + std::to_string(partition);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return internal::kafka_error(source, error);
  const auto first = static_cast<uint64_t>(low), end = static_cast<uint64_t>(high);
  if (next > end)
    return Error{Code::kCorrupt,
                 source + ": was read up to " + std::to_string(next) + " and ends at " +
                     std::to_string(end) +
                     ": it was deleted and made again, or lost its end; read it from its beginning "
                     "with `casebox ingest --resume-at " +
                     source + "=" + std::to_string(first) + "`: what the store has it knows"};
  if (next < first)
    return Error{Code::kCorrupt,
                 source + ": " + std::to_string(first - next) + " records from " +
                     std::to_string(next) +
                     " on were removed before they were read; forward the "
                     "recorders' logs again, or go on behind them with `casebox ingest "
                     "--resume-at " +
                     source + "=" + std::to_string(first) + "`, which says what is missing"};
  if (!marked)
    return Error{Code::kCorrupt, source + ": the broker does not give record " +
                                     std::to_string(next) + ", which it says it has; try again"};
  places.erase(at);
  std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyList> list(
      rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset =
      static_cast<int64_t>(next);
  std::unique_ptr<rd_kafka_error_t, DestroyError> failed(
      rd_kafka_seek_partitions(client.get(), list.get(), kAskMs));
  if (failed) return internal::kafka_error(source, rd_kafka_error_code(failed.get()));
  return ok();
}

KafkaSubscriber::KafkaSubscriber() : impl_(std::make_unique<Impl>()) {}
KafkaSubscriber::~KafkaSubscriber() = default;

Result<std::unique_ptr<KafkaSubscriber>> KafkaSubscriber::create(
    const KafkaOptions& options, const std::vector<uint32_t>& partitions) {
  CASEBOX_TRY(
      auto conf,
      internal::make_conf(
          options, {{"group.id", options.client_id},  // required; offsets are the store's
                    {"enable.auto.commit", "false"},
                    {"enable.auto.offset.store", "false"},
                    {"auto.offset.reset", "error"},
                    {"check.crcs", "true"},
                    {"isolation.level", "read_committed"},
                    {"fetch.wait.max.ms", std::to_string(internal::timeout_ms(options.fetch_wait))},
                    {"fetch.message.max.bytes", std::to_string(kMaxRecordBytes)},
                    {"fetch.max.bytes", std::to_string(4 * kMaxRecordBytes)},
                    {"queued.max.messages.kbytes", std::to_string(options.queue_bytes / 1024)},
                    {"fetch.error.backoff.ms", "100"}}));
  std::unique_ptr<KafkaSubscriber> subscriber(new KafkaSubscriber);
  Impl& impl = *subscriber->impl_;
  impl.brokers = options.brokers;
  for (Lane lane : options.lanes) impl.lanes[topic_of(options.topic_prefix, lane)] = lane;
  impl.partitions = partitions;
  rd_kafka_conf_set_opaque(conf.get(), &impl);
  rd_kafka_conf_set_error_cb(conf.get(), Impl::on_error);
  CASEBOX_TRY(impl.client, internal::make_client(RD_KAFKA_CONSUMER, std::move(conf)));
  rd_kafka_poll_set_consumer(impl.client.get());
  return subscriber;
}

Result<void> KafkaSubscriber::resume(const std::vector<Position>& positions) {
  std::unique_ptr<rd_kafka_topic_partition_list_t, DestroyList> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(3 * impl_->partitions.size())));
  for (const auto& [topic, lane] : impl_->lanes) {
    for (uint32_t partition : impl_->partitions) {
      auto* entry = rd_kafka_topic_partition_list_add(list.get(), topic.c_str(),
                                                      static_cast<int32_t>(partition));
      const std::string source = topic + "/" + std::to_string(partition);
      Impl::Place& place = impl_->places[{topic, entry->partition}];
      for (const Position& position : positions)
        if (position.source == source) place = {position.next_offset, position.mark};
      entry->offset = static_cast<int64_t>(place.mark ? place.mark->offset : place.next);
    }
  }
  const rd_kafka_resp_err_t error = rd_kafka_assign(impl_->client.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return internal::kafka_error(impl_->brokers, error);
  impl_->resumed = true;
  return ok();
}

Result<std::optional<Delivery>> KafkaSubscriber::poll(Duration timeout) {
  if (!impl_->resumed) CASEBOX_CHECK(resume({}));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout.ns);
  while (true) {
    const int64_t left =
        std::chrono::nanoseconds(deadline - std::chrono::steady_clock::now()).count();
    std::unique_ptr<rd_kafka_message_t, DestroyMessage> message(
        rd_kafka_consumer_poll(impl_->client.get(), internal::timeout_ms({left})));
    if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      impl_->trouble.reset();
      CASEBOX_TRY(const bool fresh, impl_->is_new(*message));
      if (fresh) return std::optional<Delivery>(impl_->deliver(*message));
      continue;
    }
    if (message && message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET &&
        message->rkt != nullptr) {
      CASEBOX_CHECK(impl_->not_held(rd_kafka_topic_name(message->rkt), message->partition));
      continue;
    }
    if (message && !internal::is_passing(message->err)) {
      std::string where = impl_->brokers;
      if (message->rkt != nullptr)
        where = std::string(rd_kafka_topic_name(message->rkt)) + "/" +
                std::to_string(message->partition);
      const char* detail = rd_kafka_message_errstr(message.get());
      return internal::kafka_error(where, message->err, detail == nullptr ? "" : detail);
    }
    if (impl_->trouble) {
      Error error = std::move(*impl_->trouble);
      impl_->trouble.reset();
      return error;
    }
    if (std::chrono::steady_clock::now() >= deadline) return std::optional<Delivery>{};
  }
}

}  // namespace casebox::bus
