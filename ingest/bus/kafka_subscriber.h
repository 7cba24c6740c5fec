#pragma once

// Receives frames from Kafka. The store keeps the consumed offsets, not the broker: partitions are
// assigned at the offsets given to `resume`, an unnamed one at offset 0, and an offset that the
// topic does not hold is an error, never a silent jump: retention that passed before anybody read,
// or a topic that is shorter than what was read of it.
//
// A topic that was deleted and made again has the name, and may have the offsets, of the one
// before. So a partition that is resumed with a mark is read from there: its first record must be
// the one that was read last (docs/adr/103). Where retention has taken that record, and no other
// that was not read, nothing is lost and nothing can be compared.
//
// Thread safety: one thread owns it. Memory is bounded: not polling stops fetching.
// Errors: kUnavailable while no broker answers (it reconnects by itself, keep polling); kNotFound
// for a topic that is not there; kCorrupt for an offset that the topic does not hold, and for a
// topic that is not the one that was read.

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
