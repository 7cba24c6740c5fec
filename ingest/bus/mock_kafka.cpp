#include "ingest/bus/mock_kafka.h"

#include "ingest/bus/internal/kafka_client.h"

// Needs rdkafka.h before it.
#include <librdkafka/rdkafka_mock.h>

namespace casebox::bus {

struct MockKafka::Impl {
  internal::Client client;  // the cluster lives in a client's threads
  rd_kafka_mock_cluster_t* cluster = nullptr;
  std::string brokers;
  ~Impl() {
    if (cluster != nullptr) rd_kafka_mock_cluster_destroy(cluster);
  }
};

MockKafka::MockKafka() : impl_(std::make_unique<Impl>()) {}
MockKafka::~MockKafka() = default;

Result<std::unique_ptr<MockKafka>> MockKafka::start() {
  std::unique_ptr<MockKafka> mock(new MockKafka);
  KafkaOptions nobody;
  nobody.brokers = "127.0.0.1:1";  // this client only carries the cluster
  CASEBOX_TRY(auto conf, internal::make_conf(nobody, {}));
  CASEBOX_TRY(mock->impl_->client, internal::make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  mock->impl_->cluster = rd_kafka_mock_cluster_new(mock->impl_->client.get(), 1);
  if (mock->impl_->cluster == nullptr)
    return Error{Code::kInternal, "mock kafka: cannot start; check that loopback ports are free"};
  mock->impl_->brokers = rd_kafka_mock_cluster_bootstraps(mock->impl_->cluster);
  return mock;
}

const std::string& MockKafka::brokers() const { return impl_->brokers; }

Result<void> MockKafka::create_topic(const std::string& name, uint32_t partitions) {
  const auto error =
      rd_kafka_mock_topic_create(impl_->cluster, name.c_str(), static_cast<int>(partitions), 1);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return internal::kafka_error(name, error);
  return ok();
}

void MockKafka::set_down(bool down) {
  if (down)
    rd_kafka_mock_broker_set_down(impl_->cluster, 1);
  else
    rd_kafka_mock_broker_set_up(impl_->cluster, 1);
}

}  // namespace casebox::bus
