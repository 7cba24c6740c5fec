#include "ingest/bus/kafka_publisher.h"

#include <algorithm>
#include <chrono>

#include "ingest/bus/internal/kafka_client.h"

namespace casebox::bus {
namespace {

// How long publish waits for room before it says kUnavailable.
constexpr int kRoomWaitMs = 1000;

}  // namespace

struct KafkaPublisher::Impl {
  std::string brokers;
  std::string prefix;
  internal::Client client;
  uint64_t in_flight = 0;
  std::optional<Error> failed;

  static void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto* self = static_cast<Impl*>(opaque);
    --self->in_flight;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      // Even a passing trouble is final here: what was dropped must be sent again from the last
      // flush.
      Error error = internal::kafka_error(
          std::string(rd_kafka_topic_name(message->rkt)) + "/" + std::to_string(message->partition),
          message->err);
      if (error.code == Code::kUnavailable) error.code = Code::kIo;
      self->fail(std::move(error));
    }
  }

  static void on_error(rd_kafka_t* client, int code, const char*, void* opaque) {
    if (code != RD_KAFKA_RESP_ERR__FATAL) return;
    char why[256];
    const auto fatal = rd_kafka_fatal_error(client, why, sizeof why);
    auto* self = static_cast<Impl*>(opaque);
    self->fail({Code::kIo, self->brokers + ": " + rd_kafka_err2name(fatal) + ": " + why +
                               "; send again with a new producer"});
  }

  void fail(Error error) {
    if (!failed) failed = std::move(error);
  }

  Result<void> send(const Message& message, const std::string& topic, const std::string& key) {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(2);
    rd_kafka_header_add(headers, kFormatHeader, -1, kFrameFormat, -1);
    const BytesView producer = message.producer.view();
    rd_kafka_header_add(headers, kProducerHeader, -1, producer.data(),
                        static_cast<ssize_t>(producer.size()));
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        client.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
        RD_KAFKA_V_PARTITION(static_cast<int32_t>(message.partition)),
        RD_KAFKA_V_KEY(key.data(), key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(message.frame.data()), message.frame.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++in_flight;
      return ok();
    }
    rd_kafka_headers_destroy(headers);
    return internal::kafka_error(topic + "/" + std::to_string(message.partition), error);
  }
};

KafkaPublisher::KafkaPublisher() : impl_(std::make_unique<Impl>()) {}
KafkaPublisher::~KafkaPublisher() = default;

Result<std::unique_ptr<KafkaPublisher>> KafkaPublisher::create(const KafkaOptions& options) {
  const size_t kbytes = std::max<size_t>(options.queue_bytes / 1024, 2 * kMaxRecordBytes / 1024);
  CASEBOX_TRY(auto conf, internal::make_conf(
                             options, {{"enable.idempotence", "true"},
                                       {"acks", "all"},
                                       {"max.in.flight", "1"},  // docs/adr/008
                                       {"message.timeout.ms", "0"},
                                       {"linger.ms", "5"},
                                       {"compression.codec", "none"},
                                       {"queue.buffering.max.messages", "100000"},
                                       {"queue.buffering.max.kbytes", std::to_string(kbytes)}}));
  std::unique_ptr<KafkaPublisher> publisher(new KafkaPublisher);
  Impl& impl = *publisher->impl_;
  impl.brokers = options.brokers;
  impl.prefix = options.topic_prefix;
  rd_kafka_conf_set_opaque(conf.get(), &impl);
  rd_kafka_conf_set_dr_msg_cb(conf.get(), Impl::on_delivery);
  rd_kafka_conf_set_error_cb(conf.get(), Impl::on_error);
  CASEBOX_TRY(impl.client, internal::make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  return publisher;
}

Result<void> KafkaPublisher::publish(const Message& message) {
  const std::string topic = topic_of(impl_->prefix, message.lane);
  const std::string key = to_hex(message.case_id.view());
  rd_kafka_poll(impl_->client.get(), 0);
  if (impl_->failed) return *impl_->failed;
  Result<void> sent = impl_->send(message, topic, key);
  if (sent || sent.error().code != Code::kUnavailable) return sent;
  rd_kafka_poll(impl_->client.get(), kRoomWaitMs);
  if (impl_->failed) return *impl_->failed;
  return impl_->send(message, topic, key);
}

Result<void> KafkaPublisher::flush(Duration timeout) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::nanoseconds(timeout.ns);
  do {
    const auto left = deadline - std::chrono::steady_clock::now();
    rd_kafka_flush(impl_->client.get(), internal::timeout_ms({std::min<int64_t>(
                                            100'000'000, std::chrono::nanoseconds(left).count())}));
    if (impl_->failed) return *impl_->failed;
  } while (impl_->in_flight > 0 && std::chrono::steady_clock::now() < deadline);
  if (impl_->in_flight > 0)
    return Error{Code::kUnavailable, impl_->brokers + ": " + std::to_string(impl_->in_flight) +
                                         " frames are not acknowledged yet; trying again helps "
                                         "once the broker is there"};
  return ok();
}

}  // namespace casebox::bus
