#pragma once

// Copies the durable frames of one log to a bus (step 5 of a record's path). The cursor, a small
// file, moves only after the bus acknowledged; after a fatal error a new publisher replays from the
// cursor, and the store drops the duplicates by their identity. So an outage costs nothing but lag.
//
// Thread safety: one thread owns a Forwarder.
// Errors: kUnavailable = the bus is away, call `step` again; another error = this step failed for
// good reason (the message says which), the publisher is gone, and the next step begins again at
// the cursor. Lifetime: `clock` outlives it.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "ingest/bus/bus.h"
#include "proto/base/time.h"

namespace casebox::bus {

struct ForwarderOptions {
  std::filesystem::path log_dir;
  std::filesystem::path cursor_file;  // empty: `forward.cursor` in the log folder
  size_t batch_frames = 1000;         // in flight before the cursor moves
  size_t batch_bytes = 8u << 20;
  uint32_t partitions = 1;  // of the data topics; a case in a higher one is refused
  Duration flush_timeout = seconds(5);
};

/// What a forwarder has done and how far behind it is. Made for metrics: numbers only.
struct ForwarderStats {
  uint64_t frames = 0;     // acknowledged
  uint64_t bytes = 0;      // acknowledged
  uint64_t replays = 0;    // times it went back to the cursor
  uint64_t cursor = 0;     // packed log offset below which everything is acknowledged
  uint64_t in_flight = 0;  // frames published and not yet acknowledged
  double lag_s = 0;        // since the oldest frame that is not acknowledged was read
};

class Forwarder {
 public:
  using MakePublisher = std::function<Result<std::unique_ptr<Publisher>>()>;

  /// Reads the cursor; a log without one is forwarded from its beginning. kCorrupt when the cursor
  /// file cannot be read: delete it to send the log again. kUnavailable when another process
  /// forwards this log.
  static Result<std::unique_ptr<Forwarder>> open(ForwarderOptions options, MakePublisher make,
                                                 Clock& clock);
  ~Forwarder();

  /// Forwards one batch, waiting up to `wait` for its first frame. Returns how many frames were
  /// acknowledged; 0 = nothing there.
  Result<size_t> step(Duration wait);

  ForwarderStats stats() const;

 private:
  Forwarder();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::bus
