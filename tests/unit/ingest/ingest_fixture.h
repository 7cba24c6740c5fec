#pragma once

// Ingest over a list of messages, for its tests. Thread safety: none.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "ingest/ingest.h"
#include "tests/support/frames.h"
#include "tests/support/trusted.h"

namespace casebox::ingest {

using testing::FrameMaker;
using testing::TempDir;
constexpr StreamId kEvents{1}, kWave{2}, kVideo{3};

/// A producer as they are: data sealed.
struct Maker : FrameMaker {
  explicit Maker(v1::ProducerRole producer_role = v1::PRODUCER_ROLE_RECORDER,
                 CaseId id = random_id<CaseId>())
      : FrameMaker(producer_role, id) {
    sealed = true;
  }
};

/// Deliveries from a list, resumed as a log is.
class ListSubscriber final : public bus::Subscriber {
 public:
  Result<void> resume(const std::vector<bus::Position>& positions) override {
    for (const auto& p : positions)
      if (p.source == "memory") at_ = p.next_offset;
    return ok();
  }
  Result<std::optional<bus::Delivery>> poll(Duration) override {
    if (at_ >= frames.size()) return std::optional<bus::Delivery>{};
    bus::Delivery d;
    d.message = frames[at_];
    d.source = "memory";
    d.offset = at_++;
    d.next_offset = at_;
    return std::optional<bus::Delivery>(std::move(d));
  }
  void add(const FrameMaker& maker, const Bytes& frame, bus::Lane lane = bus::Lane::kEvent) {
    frames.push_back({maker.case_id, maker.producer, lane, 0, frame});
  }
  std::vector<bus::Message> frames;

 private:
  uint64_t at_ = 0;
};

class IngestTest : public ::testing::Test {
 protected:
  IngestTest() { reopen(); }
  void reopen() {
    ingest.reset();
    store.reset();
    storage::Options o;
    o.create = true;
    o.write_buffer_bytes = 4u << 20;
    o.quarantine = limits;
    auto opened = storage::Store::open(dir.path() / "s", o);
    EXPECT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
  void enrol(const FrameMaker& maker) {
    enrolled.push_back(&maker);
    trust = testing::trust_of(enrolled);
  }
  void run(Options options = {}) {
    ListSubscriber subscriber;
    subscriber.frames = bus.frames;
    auto opened = Ingest::open(subscriber, *store, trust, clock, options);
    ASSERT_TRUE(opened) << opened.error().message;
    ingest = std::move(*opened);
    auto done = ingest->drain({});
    ASSERT_TRUE(done) << done.error().message;
    progress = ingest->progress();
    closed = ingest->take_closed();
    EXPECT_TRUE(ingest->take_closed().empty());
    ingest.reset();
  }
  v1::CaseRecord record(const FrameMaker& maker) {
    auto found = store->find_case(maker.case_id);
    return found && *found ? **found : v1::CaseRecord();
  }
  std::map<std::string, uint64_t> reasons() {
    std::map<std::string, uint64_t> out;
    const auto counts = store->shard(0).quarantine_counts();
    EXPECT_TRUE(counts);
    for (const auto& count : *counts)
      if (count.rows > 0) out[count.reason] += count.rows;
    return out;
  }

  TempDir dir;
  ManualClock clock{{}, UtcTime{1}};
  storage::QuarantineLimits limits;
  std::vector<const FrameMaker*> enrolled;
  trust::TrustList trust;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Ingest> ingest;
  ListSubscriber bus;
  Progress progress;
  std::vector<CaseId> closed;
};

inline void add_streams(ListSubscriber& bus, FrameMaker& maker) {
  bus.add(maker, maker.open());
  bus.add(maker, maker.stream(kEvents, "esu.state", v1::STREAM_KIND_DEVICE));
  bus.add(maker, maker.stream(kWave, "monitor.ecg", v1::STREAM_KIND_WAVE));
  bus.add(maker, maker.stream(kVideo, "scope.video", v1::STREAM_KIND_VIDEO));
}

/// One second: ten of each, and a beat.
inline void add_second(ListSubscriber& bus, FrameMaker& maker, int64_t from = 0) {
  for (int64_t i = from; i < from + 10; ++i) {
    bus.add(maker, maker.event(kEvents, {i}, "esu.cut"));
    bus.add(maker, maker.make(frame::Kind::kData, kWave, {i}, "wave", 500), bus::Lane::kWave);
    bus.add(maker, maker.make(frame::Kind::kData, kVideo, {i}, "video"), bus::Lane::kMedia);
  }
  bus.add(maker, maker.beat());
}

inline void add_end(ListSubscriber& bus, FrameMaker& maker) {
  bus.add(maker, maker.close());
  bus.add(maker, maker.beat());
}

inline void add_case(ListSubscriber& bus, FrameMaker& maker) {
  add_streams(bus, maker);
  add_second(bus, maker);
  bus.add(maker, maker.gap(kWave, {10}, 250), bus::Lane::kWave);
  bus.add(maker, maker.gap(kVideo, {10}, 1, true), bus::Lane::kMedia);
  add_end(bus, maker);
}

}  // namespace casebox::ingest
