#include "ingest/ingest.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <deque>
#include <random>

#include "tests/unit/ingest/ingest_fixture.h"

namespace casebox::ingest {
namespace {

TEST_F(IngestTest, StoresACaseAndCountsWhatItHolds) {
  Maker maker;
  enrol(maker);
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
  EXPECT_TRUE(store->shard(0).quarantine()->items.empty());
}

TEST_F(IngestTest, KeepsTheFirstCopyWhenFramesAreRedelivered) {
  Maker maker;
  enrol(maker);
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
  Maker maker;
  enrol(maker);
  add_streams(bus, maker);
  add_second(bus, maker);
  bus.add(maker, maker.make(frame::Kind::kData, kWave, {20}, "wave", 500), bus::Lane::kWave);
  const Bytes last = bus.frames.back().frame;
  bus.add(maker, testing::forge(last), bus::Lane::kWave);  // before a beat says whose it is
  bus.add(maker, testing::forge(bus.frames[6].frame), bus::Lane::kWave);  // behind the beat
  Maker other = maker;
  other.next[kWave.value] = 100;
  bus.add(maker, other.make(frame::Kind::kData, kWave, {1}, "overlap", 3), bus::Lane::kWave);
  bus.add(maker, "not a frame");
  Bytes torn = bus.frames[4].frame;
  torn.back() = static_cast<char>(torn.back() ^ 1);
  bus.add(maker, torn);
  add_end(bus, maker);
  run();
  EXPECT_EQ(progress.quarantined, 5u);
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
  const std::map<std::string, uint64_t> want{{"not-a-frame", 2}, {"not-signed", 3}};
  EXPECT_EQ(reasons(), want);
  const auto kept = *store->shard(0).quarantine();
  ASSERT_EQ(kept.items.size(), 5u);
  EXPECT_TRUE(std::any_of(kept.items.begin(), kept.items.end(),
                          [](const auto& q) { return q.bytes == "not a frame"; }));
}

TEST_F(IngestTest, ReachesTheSameRecordWhateverOrderFramesArriveIn) {
  Maker maker;
  enrol(maker);
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
  Maker maker;
  enrol(maker);
  add_case(bus, maker);
  run();
  const auto want = *store->case_digest(maker.case_id);
  store.reset();
  std::filesystem::remove_all(dir.path() / "s");
  reopen();
  ListSubscriber subscriber;
  subscriber.frames = bus.frames;
  auto opened = Ingest::open(subscriber, *store, trust, clock);
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
  Maker maker;
  enrol(maker);
  add_case(bus, maker);
  run();
  const auto digest = *store->case_digest(maker.case_id);
  const auto want = record(maker);
  Maker derived(v1::PRODUCER_ROLE_ANALYSIS, maker.case_id);
  enrol(derived);
  bus.add(derived, derived.open());
  bus.add(derived, derived.stream(kEvents, "analysis.phases", v1::STREAM_KIND_FINDING));
  bus.add(derived, derived.event(kEvents, {1'000'000'000'000}, "x"));
  bus.add(derived, derived.beat());
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
  Maker maker, open, derived(v1::PRODUCER_ROLE_ANALYSIS, maker.case_id);
  for (const Maker* each : {&maker, &open, &derived}) enrol(*each);
  add_case(bus, maker);
  bus.add(open, open.open());
  bus.add(open, open.beat());
  run();
  EXPECT_EQ(closed, std::vector<CaseId>{maker.case_id});
  bus.add(derived, derived.open());
  bus.add(derived, derived.stream(kEvents, "analysis.findings", v1::STREAM_KIND_FINDING));
  add_end(bus, derived);
  reopen();
  run();
  EXPECT_TRUE(closed.empty());
  EXPECT_EQ(record(maker).epochs_size(), 2);
}

TEST_F(IngestTest, AStudyIsClosedButNeitherLateNorSaidToHaveClosed) {
  Maker study;
  study.case_kind = v1::CASE_KIND_STUDY;
  enrol(study);
  add_case(bus, study);
  const CaseId id = study.case_id;
  Maker again(v1::PRODUCER_ROLE_RECORDER, id);  // a later run of it
  enrol(again);
  again.case_kind = v1::CASE_KIND_STUDY;
  bus.add(again, again.open());
  bus.add(again, again.stream(kEvents, "analysis.findings", v1::STREAM_KIND_FINDING));
  bus.add(again, again.event(kEvents, {5}, "esu.cut"));
  add_end(bus, again);
  run();
  EXPECT_TRUE(closed.empty());
  const auto r = record(study);
  EXPECT_EQ(r.kind(), v1::CASE_KIND_STUDY);
  EXPECT_EQ(r.state(), v1::CASE_STATE_CLOSED);
  uint64_t frames = 0;
  for (const Maker* run_of : {&study, &again})
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
