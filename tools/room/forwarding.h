#pragma once

// A recorder's own spool, forwarded to a broker by its own process: a thread with a forwarder
// (ingest/bus/forwarder.h). A broker that does not answer is lag and no error; one whose topics do
// not fit the configuration is refused, and said, while the recording goes on.
//
// Thread safety: status() from any thread. Lifetime: the clock outlives it; the destructor sends
// what is there for at most a second, then stops.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "casebox/v1/config.pb.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "tools/room/room_state.h"

namespace casebox::tools {

class Forwarding {
 public:
  static std::unique_ptr<Forwarding> start(const v1::KafkaConfig& config,
                                           const std::filesystem::path& spool, Clock& clock,
                                           std::function<void(const std::string&)> say);
  ~Forwarding();
  ForwardStatus status() const;

 private:
  Forwarding();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether the topics that a configuration names are there, with its number of partitions.
/// kUnavailable when no broker answers.
Result<void> check_topics(const v1::KafkaConfig& config, Duration patience);

}  // namespace casebox::tools
