#pragma once

// Receives frames from Kafka. The store keeps the consumed offsets, not the broker: partitions are
// assigned at the offsets given to `resume`, an unnamed one at its beginning, and an offset that
// the topic does not hold is an error, never a silent jump.
//
// Thread safety: one thread owns it. Memory is bounded: not polling stops fetching.
// Errors: kUnavailable while no broker answers (it reconnects by itself, keep polling); kNotFound
// for a topic that is not there; kCorrupt for an offset that the topic no longer holds.

#include <memory>

#include "ingest/bus/kafka_bus.h"

namespace casebox::bus {

class KafkaSubscriber final : public Subscriber {
 public:
  /// Reads these partitions of the data topics of `options.lanes`; the list is fixed.
  static Result<std::unique_ptr<KafkaSubscriber>> create(const KafkaOptions& options,
                                                         const std::vector<uint32_t>& partitions);
  ~KafkaSubscriber() override;

  Result<void> resume(const std::vector<Position>& positions) override;
  Result<std::optional<Delivery>> poll(Duration timeout) override;

 private:
  KafkaSubscriber();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::bus
