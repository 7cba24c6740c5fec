#pragma once

// What every bus must do, written once: `BusContract` for all of them, `BrokerContract` for those
// that can be away. Each implementation instantiates the suites in a file of its own.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ingest/bus/bus.h"

namespace casebox::bus::test {

/// One bus under test, empty at first.
class Bench {
 public:
  virtual ~Bench() = default;
  virtual Publisher& publisher() = 0;
  virtual std::unique_ptr<Subscriber> subscriber() = 0;
  /// BrokerContract only: takes the broker away or brings it back.
  virtual void set_away(bool) {}
};

struct Kind {
  std::string name;
  /// Null after a GTEST_SKIP.
  std::unique_ptr<Bench> (*make)();
};
inline void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
inline std::string name_of(const testing::TestParamInfo<Kind>& info) { return info.param.name; }

class BusContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { bench_ = GetParam().make(); }
  void TearDown() override { bench_.reset(); }

  std::unique_ptr<Bench> bench_;
};
class BrokerContract : public BusContract {};

/// Frames of a case as its producer would send them: case frame, a stream on each lane, then
/// `items` data frames of `body_size` bytes, taking the lanes in turn.
std::vector<Message> recording(size_t items, size_t body_size, uint32_t partition = 0);

/// Publishes and flushes; fails the test on an error.
void publish_all(Publisher& publisher, const std::vector<Message>& messages);

/// Polls until `count` deliveries came or 30 s are over; kUnavailable is passed over.
std::vector<Delivery> receive(Subscriber& subscriber, size_t count);

/// By lane and partition, the frames in order.
using Sequences = std::map<std::string, std::vector<Bytes>>;
Sequences by_lane(const std::vector<Message>& messages);
Sequences by_lane(const std::vector<Delivery>& deliveries);

}  // namespace casebox::bus::test
