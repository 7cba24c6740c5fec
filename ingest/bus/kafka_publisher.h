#pragma once

// Publishes frames to Kafka: idempotent, acks=all, waiting for a broker without end, in bounded
// memory.
//
// Thread safety: one thread owns it; librdkafka's own threads send.
// Errors: kUnavailable when the memory is full or `flush` ran out of time: nothing is lost, call
// again. Anything else means that a message may not have arrived: make a new publisher and send
// again from the last flush; the store drops what it has already.

#include <memory>

#include "ingest/bus/kafka_bus.h"

namespace casebox::bus {

class KafkaPublisher final : public Publisher {
 public:
  /// Does not wait for a broker.
  static Result<std::unique_ptr<KafkaPublisher>> create(const KafkaOptions& options);
  ~KafkaPublisher() override;

  Result<void> publish(const Message& message) override;
  Result<void> flush(Duration timeout) override;

 private:
  KafkaPublisher();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::bus
