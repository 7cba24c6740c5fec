#pragma once

// The bus in memory: for tests and for programs whose bus need not outlive them. Nothing is durable
// and nothing is ever dropped, so it grows with what is published.
//
// Sources are named "memory/<lane>/<partition>"; an offset is the message's index in its source.
// Thread safety: the bus may be shared; each publisher and subscriber belongs to one thread.
// Errors: kUnavailable from publish, flush and poll while `set_available(false)` is in force.
// Lifetime: publishers and subscribers keep the bus's contents alive.

#include <memory>

#include "ingest/bus/bus.h"

namespace casebox::bus {

class MemoryBus {
 public:
  MemoryBus();
  ~MemoryBus();

  std::unique_ptr<Publisher> publisher();
  std::unique_ptr<Subscriber> subscriber();

  /// False stands for a broker that is away; what was published stays.
  void set_available(bool available);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace casebox::bus
