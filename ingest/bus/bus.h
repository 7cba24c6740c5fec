#pragma once

// The bus: how frames get from a producer's log to a store. Three implementations, one contract
// suite: log folders (embedded), Kafka, memory (tests).
//
// A frame travels on a lane; a stream belongs to exactly one, its gap frames included, so its chain
// arrives in order. Alarms never wait behind video.
//
// Thread safety: an object belongs to one thread.
// Errors: kUnavailable = try again (broker away), anything else is final for that object.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/stream.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/frame/frame.h"

namespace casebox::bus {

enum class Lane : uint8_t { kEvent, kWave, kMedia };
const char* to_string(Lane lane);  // "event", "wave", "media"

/// The lane of a stream; stream 0 travels with the events.
Lane lane_of(v1::StreamKind kind);

/// A frame on its way: bytes verbatim, and what is needed to place it without opening it.
struct Message {
  CaseId case_id;
  ProducerId producer;
  Lane lane = Lane::kEvent;
  uint32_t partition = 0;
  Bytes frame;
};

/// A message as received. `source` names where offsets count: "log/<folder name>",
/// "casebox.wave.v1/3", "memory/event/0".
struct Delivery {
  Message message;
  std::string source;
  uint64_t offset = 0;       // of this message
  uint64_t next_offset = 0;  // resume here once it is stored
};

/// Sends messages. `publish` may return before the message is durable; `flush` returns when all
/// are.
class Publisher {
 public:
  virtual ~Publisher() = default;
  virtual Result<void> publish(const Message& message) = 0;
  virtual Result<void> flush(Duration timeout) = 0;
};

/// Where to resume, per source; a source that is not named begins at its start.
struct Position {
  std::string source;
  uint64_t next_offset = 0;
  // The last message before it, where it is known: by that a source is told from another that took
  // its name.
  struct Mark {
    uint64_t offset = 0;
    Digest message{};  // SHA-256 of its bytes
  };
  std::optional<Mark> mark = std::nullopt;
};

/// Receives messages, in order per source.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  /// Once, before the first poll.
  virtual Result<void> resume(const std::vector<Position>& positions) = 0;
  /// The next message; nullopt when none came within `timeout`.
  virtual Result<std::optional<Delivery>> poll(Duration timeout) = 0;
};

}  // namespace casebox::bus
