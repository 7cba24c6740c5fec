#include "ingest/ingest.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <deque>
#include <random>

#include "tests/support/frames.h"

namespace casebox::ingest {
namespace {

using testing::FrameMaker;
using testing::TempDir;
constexpr StreamId kEvents{1}, kWave{2}, kVideo{3};

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
    auto opened = storage::Store::open(dir.path() / "s", o);
    EXPECT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
  void run() {
    ListSubscriber subscriber;
    subscriber.frames = bus.frames;
    auto opened = Ingest::open(subscriber, *store, clock);
    ASSERT_TRUE(opened) << opened.error().message;
    ingest = std::move(*opened);
    auto done = ingest->drain({});
    ASSERT_TRUE(done) << done.error().message;
    progress = ingest->progress();
    closed = ingest->take_closed();
    EXPECT_TRUE(ingest->take_closed().empty());
    ingest.reset();
  }
  v1::CaseRecord record(const FrameMaker& maker) { return **store->find_case(maker.case_id); }

  TempDir dir;
  ManualClock clock{{}, UtcTime{1}};
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Ingest> ingest;
  ListSubscriber bus;
  Progress progress;
  std::vector<CaseId> closed;
};

void add_case(ListSubscriber& bus, FrameMaker& maker) {
  bus.add(maker, maker.open());
  bus.add(maker, maker.stream(kEvents, "esu.state", v1::STREAM_KIND_DEVICE));
  bus.add(maker, maker.stream(kWave, "monitor.ecg", v1::STREAM_KIND_WAVE));
  bus.add(maker, maker.stream(kVideo, "scope.video", v1::STREAM_KIND_VIDEO));
  for (int64_t i = 0; i < 10; ++i) {
    bus.add(maker, maker.event(kEvents, {i}, "esu.cut"));
    bus.add(maker, maker.make(frame::Kind::kData, kWave, {i}, "wave", 500), bus::Lane::kWave);
    bus.add(maker, maker.make(frame::Kind::kData, kVideo, {i}, "video"), bus::Lane::kMedia);
  }
  bus.add(maker, maker.gap(kWave, {10}, 250), bus::Lane::kWave);
  bus.add(maker, maker.gap(kVideo, {10}, 1, true), bus::Lane::kMedia);
  bus.add(maker, maker.close());
}

TEST_F(IngestTest, StoresACaseAndCountsWhatItHolds) {
  FrameMaker maker;
  add_case(bus, maker);
  run();
  const auto r = record(maker);
  EXPECT_EQ(r.state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(r.procedure(), "lap-cholecystectomy");
  EXPECT_EQ(r.frames(), bus.frames.size());
  ASSERT_EQ(r.streams_size(), 3);
  EXPECT_EQ(r.streams(1).items(), 5000u);
  EXPECT_EQ(r.streams(1).missing(), 250u);
  EXPECT_EQ(r.streams(1).next_number(), 5250u);
  EXPECT_EQ(r.streams(2).unknown_gaps(), 1u);
  EXPECT_EQ(store->shard(0).quarantine()->size(), 0u);
}

TEST_F(IngestTest, KeepsTheFirstCopyWhenFramesAreRedelivered) {
  FrameMaker maker;
  add_case(bus, maker);
  run();
  const auto digest = *store->case_digest(maker.case_id);
  const auto before = record(maker).SerializeAsString();
  const auto frames = bus.frames;
  bus.frames.insert(bus.frames.end(), frames.begin(), frames.end());
  reopen();
  run();
  EXPECT_EQ(progress.duplicates, frames.size());
  EXPECT_EQ(progress.frames, 0u);
  EXPECT_EQ(*store->case_digest(maker.case_id), digest);
  EXPECT_EQ(record(maker).SerializeAsString(), before);
}

TEST_F(IngestTest, QuarantinesEquivocationOverlapAndGarbageAndStoresTheRest) {
  FrameMaker maker;
  add_case(bus, maker);
  bus.frames.pop_back();  // the close frame; another takes its number
  --maker.next[0];
  bus.add(maker, testing::forge(bus.frames[5].frame), bus::Lane::kWave);
  maker.next[kWave.value] = 100;
  bus.add(maker, maker.make(frame::Kind::kData, kWave, {1}, "overlap", 3), bus::Lane::kWave);
  bus.add(maker, "not a frame");
  Bytes torn = bus.frames[4].frame;
  torn.back() = static_cast<char>(torn.back() ^ 1);
  bus.add(maker, torn);
  maker.next[kWave.value] = 5250;
  bus.add(maker, maker.close());
  run();
  EXPECT_EQ(progress.quarantined, 4u);
  EXPECT_EQ(progress.equivocations, 2u);
  EXPECT_EQ(record(maker).equivocations(), 2u);
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
  const auto kept = *store->shard(0).quarantine();
  ASSERT_EQ(kept.size(), 4u);
  EXPECT_TRUE(std::any_of(kept.begin(), kept.end(),
                          [](const auto& q) { return q.bytes == "not a frame"; }));
}

TEST_F(IngestTest, ReachesTheSameRecordWhateverOrderFramesArriveIn) {
  FrameMaker maker;
  add_case(bus, maker);
  run();
  const auto digest = *store->case_digest(maker.case_id);
  const auto want = record(maker);
  std::mt19937 random(3);
  for (int round = 0; round < 3; ++round) {
    std::shuffle(bus.frames.begin(), bus.frames.end(), random);
    ingest.reset();
    store.reset();
    std::filesystem::remove_all(dir.path() / "s");
    reopen();
    const auto all = bus.frames;
    bus.frames.resize(all.size() / 2);
    run();
    EXPECT_NE(record(maker).state(), v1::CASE_STATE_CLOSED);
    reopen();
    bus.frames = all;
    run();
    EXPECT_EQ(*store->case_digest(maker.case_id), digest);
    const auto got = record(maker);
    EXPECT_EQ(got.state(), v1::CASE_STATE_CLOSED);
    EXPECT_EQ(got.epochs(0).control().head(), want.epochs(0).control().head());
    for (const auto& a : want.streams())
      for (const auto& b : got.streams())
        if (a.stream().stream_id() == b.stream().stream_id()) {
          EXPECT_EQ(a.head(), b.head());
          EXPECT_EQ(a.items(), b.items());
          EXPECT_EQ(a.stream().name(), b.stream().name());
        }
  }
}

TEST_F(IngestTest, LosesAndDoublesNothingOverAFullDisk) {
  FrameMaker maker;
  add_case(bus, maker);
  run();
  const auto want = *store->case_digest(maker.case_id);
  store.reset();
  std::filesystem::remove_all(dir.path() / "s");
  reopen();
  ListSubscriber subscriber;
  subscriber.frames = bus.frames;
  auto opened = Ingest::open(subscriber, *store, clock);
  ASSERT_TRUE(opened);
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{1000, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  auto refused = (*opened)->drain({});
  auto again = (*opened)->drain({});
  ::setrlimit(RLIMIT_FSIZE, &old);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNoSpace) << refused.error().message;
  EXPECT_FALSE(again);
  auto resumed = (*opened)->drain({});
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ((*opened)->progress().frames, bus.frames.size());
  EXPECT_EQ(*store->case_digest(maker.case_id), want);
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(record(maker).frames(), bus.frames.size());
}

TEST_F(IngestTest, DerivedFramesChangeNeitherTimesNorStateNorDigest) {
  FrameMaker maker;
  add_case(bus, maker);
  run();
  const auto digest = *store->case_digest(maker.case_id);
  const auto want = record(maker);
  FrameMaker derived(v1::PRODUCER_ROLE_ANALYSIS, maker.case_id);
  bus.add(derived, derived.open());
  bus.add(derived, derived.stream(kEvents, "analysis.phases", v1::STREAM_KIND_FINDING));
  bus.add(derived, derived.event(kEvents, {1'000'000'000'000}, "x"));
  reopen();
  run();
  const auto got = record(maker);
  EXPECT_EQ(got.epochs_size(), 2);
  EXPECT_EQ(got.streams_size(), 4);
  EXPECT_EQ(got.last_t_ns(), want.last_t_ns());
  EXPECT_EQ(got.state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(*store->case_digest(maker.case_id), digest);
}

TEST_F(IngestTest, SaysOfEachOperationOnceThatItClosed) {
  FrameMaker maker, open, derived(v1::PRODUCER_ROLE_ANALYSIS, maker.case_id);
  add_case(bus, maker);
  bus.add(open, open.open());
  run();
  EXPECT_EQ(closed, std::vector<CaseId>{maker.case_id});
  bus.add(derived, derived.open());
  bus.add(derived, derived.stream(kEvents, "analysis.findings", v1::STREAM_KIND_FINDING));
  bus.add(derived, derived.close());
  reopen();
  run();
  EXPECT_TRUE(closed.empty());
  EXPECT_EQ(record(maker).epochs_size(), 2);
}

TEST_F(IngestTest, AStudyIsClosedButNeitherLateNorSaidToHaveClosed) {
  FrameMaker study;
  study.case_kind = v1::CASE_KIND_STUDY;
  add_case(bus, study);
  const CaseId id = study.case_id;
  FrameMaker again(v1::PRODUCER_ROLE_RECORDER, id);  // a later run of it
  again.case_kind = v1::CASE_KIND_STUDY;
  bus.add(again, again.open());
  bus.add(again, again.stream(kEvents, "analysis.findings", v1::STREAM_KIND_FINDING));
  bus.add(again, again.event(kEvents, {5}, "esu.cut"));
  bus.add(again, again.close());
  run();
  EXPECT_TRUE(closed.empty());
  const auto r = record(study);
  EXPECT_EQ(r.kind(), v1::CASE_KIND_STUDY);
  EXPECT_EQ(r.state(), v1::CASE_STATE_CLOSED);
  uint64_t frames = 0;
  for (const FrameMaker* run_of : {&study, &again})
    EXPECT_TRUE(store->shard(0).for_each_frame(id, run_of->epoch, kEvents,
                                               [&](const storage::StoredFrame& stored) {
                                                 EXPECT_FALSE(stored.trailer.late);
                                                 ++frames;
                                                 return ok();
                                               }));
  EXPECT_EQ(frames, 11u);
  EXPECT_EQ(store->cases()->size(), 1u);
  EXPECT_TRUE(store->operations()->empty());
}

}  // namespace
}  // namespace casebox::ingest
