#pragma once

// What rules over live signals need of the items that pass: which stream delivers, and the newest
// value of its channels; of events the value of a device's state, the code being the channel.
//
// Thread safety: one thread. Lifetime: the machine outlives it.

#include <vector>

#include "recorder/case_machine.h"
#include "recorder/inbox.h"

namespace casebox::recorder::internal {

class Signals {
 public:
  Signals(CaseMachine& machine, size_t sources) : machine_(machine), streams_(sources) {}

  /// A message as it arrives.
  void hear(const Message& message, RoomTime now);

 private:
  CaseMachine& machine_;
  std::vector<std::vector<v1::Stream>> streams_;  // by source, as it named them last
};

/// The last sample of a column in its channel's unit; none if it is missing.
std::optional<double> last_value(const Column& column, const v1::Channel& channel);

}  // namespace casebox::recorder::internal
