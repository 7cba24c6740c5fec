#pragma once

// librdkafka's broker inside this process, for tests of the Kafka bus without Kafka. It keeps at
// most 5 MiB of a partition and knows no topic settings; what it cannot show is tested on a real
// broker.
//
// Thread safety: one thread owns it; clients connect over loopback.

#include <memory>
#include <string>

#include "proto/base/result.h"

namespace casebox::bus {

class MockKafka {
 public:
  static Result<std::unique_ptr<MockKafka>> start();
  ~MockKafka();

  const std::string& brokers() const;
  Result<void> create_topic(const std::string& name, uint32_t partitions);
  /// Down: connections are closed and refused.
  void set_down(bool down);

 private:
  MockKafka();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::bus
