// A bus that may say anything: what must not change a case does not.
#include "ingest/internal/tiling.h"
#include "tests/support/poison.h"
#include "tests/unit/ingest/ingest_fixture.h"

namespace casebox::ingest {
namespace {

using testing::Poison;

class HostileBus : public IngestTest {};

TEST_F(HostileBus, PoisonGoesToQuarantineWithItsReasonAndChangesNothing) {
  Maker closed_case, open_case, later;
  for (const Maker* each : {&closed_case, &open_case, &later}) enrol(*each);
  add_case(bus, closed_case);
  add_streams(bus, open_case);
  add_second(bus, open_case);
  run();
  const std::string before = record(closed_case).SerializeAsString();
  const std::string open_before = record(open_case).SerializeAsString();
  const auto digest = *store->case_digest(closed_case.case_id);
  const auto records = testing::poison(closed_case, open_case, kWave);
  ASSERT_GE(records.size(), 40u);
  for (const Poison& one : records) {
    const uint64_t quarantined = store->shard(0).quarantine()->items.size();
    bus.frames.push_back(one.message);
    if ((&one - records.data()) % 8 == 0) reopen();
    run();
    const auto rows = *store->shard(0).quarantine();
    EXPECT_EQ(rows.items.size(), quarantined + 1) << one.kind;
    EXPECT_EQ(std::ranges::count(rows.items, one.reason, &storage::Quarantined::reason),
              std::ranges::count_if(records,
                                    [&](const Poison& other) {
                                      return &other <= &one && other.reason == one.reason;
                                    }))
        << one.kind;
  }
  EXPECT_EQ(record(closed_case).SerializeAsString(), before);
  EXPECT_EQ(record(open_case).SerializeAsString(), open_before);
  EXPECT_EQ(*store->case_digest(closed_case.case_id), digest);
  EXPECT_EQ(store->cases()->size(), 2u);
  add_second(bus, open_case, 10);
  add_end(bus, open_case);
  add_case(bus, later);
  run();
  EXPECT_EQ(record(open_case).state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(record(later).state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(store->shard(0).quarantine()->items.size(), records.size());
}

TEST_F(HostileBus, AnEpochWaitsForItsOpeningAndIsTakenInOverARestart) {
  Maker maker;
  enrol(maker);
  add_case(bus, maker);
  const auto all = bus.frames;
  std::ranges::stable_partition(bus.frames,
                                [](const bus::Message& m) { return m.lane != bus::Lane::kEvent; });
  bus.frames.resize(22);  // waves and video come first
  run();
  EXPECT_EQ(store->cases()->size(), 0u);
  EXPECT_EQ(reasons(), (std::map<std::string, uint64_t>{{"awaiting-epoch", 22}}));
  bus.frames = all;
  std::ranges::stable_partition(bus.frames,
                                [](const bus::Message& m) { return m.lane != bus::Lane::kEvent; });
  reopen();
  run();
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(record(maker).frames(), all.size());
  EXPECT_TRUE(reasons().empty());
  EXPECT_EQ(progress.quarantined, 0u);
  EXPECT_EQ(progress.requeued, 22u);
}

TEST_F(HostileBus, ADerivedEpochWaitsForItsCase) {
  Maker maker, derived(v1::PRODUCER_ROLE_ANALYSIS, maker.case_id);
  enrol(maker);
  enrol(derived);
  bus.add(derived, derived.open());
  bus.add(derived, derived.stream(kEvents, "analysis.phases", v1::STREAM_KIND_FINDING));
  bus.add(derived, derived.event(kEvents, {5}, "x"));
  add_end(bus, derived);
  run();
  EXPECT_EQ(store->cases()->size(), 0u);
  EXPECT_EQ(reasons(), (std::map<std::string, uint64_t>{{"awaiting-case", 5}}));
  add_case(bus, maker);
  reopen();
  run();
  EXPECT_EQ(record(maker).epochs_size(), 2);
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
  EXPECT_TRUE(record(maker).epochs(1).closed());
  EXPECT_TRUE(reasons().empty());
}

/// What a forger puts in front of the frames of the second second.
class Forgery : public HostileBus {
 protected:
  void expect_settled(const std::function<void(Maker)>& forge) {
    Maker maker;
    enrol(maker);
    add_streams(bus, maker);
    add_second(bus, maker);
    const auto begun = bus.frames;
    add_second(bus, maker, 10);
    add_second(bus, maker, 20);
    add_end(bus, maker);
    run();
    const auto digest = *store->case_digest(maker.case_id);
    const auto want = record(maker);
    const auto honest = bus.frames;
    for (bool over_a_restart : {false, true}) {
      bus.frames = begun;
      Maker forger = maker;
      forger.next = {{0, 5}, {1, 10}, {2, 5000}, {3, 10}};
      forge(forger);
      const size_t cut = bus.frames.size();
      bus.frames.insert(bus.frames.end(), honest.begin() + static_cast<ptrdiff_t>(begun.size()),
                        honest.end());
      const auto all = bus.frames;
      store.reset();
      std::filesystem::remove_all(dir.path() / "s");
      reopen();
      if (over_a_restart) {
        bus.frames.resize(cut + 7);
        run();
        reopen();
        bus.frames = all;
      }
      run();
      EXPECT_EQ(*store->case_digest(maker.case_id), digest);
      EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
      EXPECT_EQ(record(maker).frames(), want.frames());
      EXPECT_EQ(record(maker).streams_size(), want.streams_size());
      EXPECT_EQ(record(maker).has_consent(), want.has_consent());
      for (const auto& [reason, rows] : reasons()) EXPECT_EQ(reason, "not-signed");
    }
  }
};

TEST_F(Forgery, OfDataThatComesFirstGivesWayToWhatTheBeatSigns) {
  expect_settled([&](Maker forger) {
    bus.add(forger, forger.make(frame::Kind::kData, kWave, {10}, "forged", 700), bus::Lane::kWave);
    bus.add(forger, forger.event(kEvents, {10}, "forged"));
  });
}

TEST_F(Forgery, OfAHugeGapGivesWay) {
  expect_settled([&](Maker forger) {
    bus.add(forger, forger.gap(kWave, {10}, 4'000'000'000u), bus::Lane::kWave);
  });
}

TEST_F(Forgery, OfABeatGivesWayToTheOneThatIsSigned) {
  expect_settled([&](Maker forger) {
    forger.key = std::make_shared<seal::SigningKey>(seal::SigningKey::generate());
    bus.add(forger, forger.beat());
  });
}

TEST_F(Forgery, OfAStreamAndItsDataGoesAgain) {
  expect_settled([&](Maker forger) {
    bus.add(forger, forger.stream(StreamId{9}, "forged", v1::STREAM_KIND_DEVICE));
    bus.add(forger, forger.event(StreamId{9}, {10}, "forged"));
  });
}

TEST_F(Forgery, OfConsentIsForgottenWithItsFrame) {
  expect_settled([&](Maker forger) {
    v1::Consent forged;
    forged.add_granted(v1::CONSENT_SCOPE_RESEARCH);
    bus.add(forger,
            forger.make(frame::Kind::kConsent, kControlStream, {10}, forged.SerializeAsString()));
  });
}

TEST_F(Forgery, OfACloseFrameDoesNotEndTheCase) {
  expect_settled([&](Maker forger) { bus.add(forger, forger.close()); });
}

TEST_F(Forgery, OfFramesFarAheadIsTakenAwayAtTheEnd) {
  expect_settled([&](Maker forger) {
    forger.next[kWave.value] = 1ull << 40;
    bus.add(forger, forger.make(frame::Kind::kData, kWave, {10}, "forged", 7), bus::Lane::kWave);
  });
}

TEST_F(HostileBus, AnOpeningWithOtherWordsThatComesFirstDoesNotNameTheCase) {
  Maker maker;
  enrol(maker);
  Maker forger = maker;
  forger.case_kind = v1::CASE_KIND_STUDY;
  bus.add(maker, forger.open());
  add_case(bus, maker);
  run();
  EXPECT_EQ(record(maker).kind(), v1::CASE_KIND_OPERATION);
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(reasons(), (std::map<std::string, uint64_t>{{"not-signed", 1}}));
}

TEST_F(HostileBus, AnotherRecorderDoesNotAddToACaseThatEnded) {
  Maker maker, other(v1::PRODUCER_ROLE_RECORDER, maker.case_id);
  enrol(maker);
  enrol(other);
  add_case(bus, maker);
  add_case(bus, other);
  run();
  EXPECT_EQ(record(maker).epochs_size(), 1);
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
  for (const auto& [reason, rows] : reasons()) EXPECT_EQ(reason, "case-ended");
}

TEST_F(HostileBus, QuarantineIsBoundedPerSourceAndReasonAndCountsTheRest) {
  limits.rows = 10;
  reopen();
  Maker stranger;
  for (int i = 0; i < 30; ++i) bus.add(stranger, Bytes(10, static_cast<char>(i)));
  run();
  const auto counts = *store->shard(0).quarantine_counts();
  ASSERT_EQ(counts.size(), 1u);
  EXPECT_EQ(counts[0].reason, "not-a-frame");
  EXPECT_EQ(counts[0].source, "memory");
  EXPECT_EQ(counts[0].rows, 10u);
  EXPECT_EQ(counts[0].beyond, 20u);
  EXPECT_EQ(counts[0].first_beyond, 10u);
  EXPECT_EQ(counts[0].last_beyond, 29u);
  // Read again from there: the rows are what they were, the rest is counted anew.
  auto batch = store->shard(0).begin();
  batch.put_offset("memory", 0);
  ASSERT_TRUE(batch.forget_beyond("memory", 0));
  ASSERT_TRUE(store->shard(0).commit(std::move(batch)));
  run();
  EXPECT_EQ(store->shard(0).quarantine_counts()->at(0).rows, 10u);
  EXPECT_EQ(store->shard(0).quarantine_counts()->at(0).beyond, 20u);
}

TEST_F(HostileBus, QuarantineIsListedAPageAtATime) {
  Maker stranger;
  for (int i = 0; i < 25; ++i) bus.add(stranger, Bytes(10, static_cast<char>(i)));
  run();
  storage::QuarantineQuery query;
  query.max_rows = 10;
  std::vector<uint64_t> offsets;
  do {
    const auto page = *store->shard(0).quarantine(query);
    EXPECT_LE(page.items.size(), 10u);
    for (const auto& item : page.items) offsets.push_back(item.offset);
    query.after = page.after;
  } while (!query.after.empty());
  ASSERT_EQ(offsets.size(), 25u);
  EXPECT_TRUE(std::ranges::is_sorted(offsets));
}

TEST_F(HostileBus, WhatAStrangerSaidComesInOnceTheyAreEnrolled) {
  Maker known, late;
  enrol(known);
  add_case(bus, known);
  add_case(bus, late);
  run();
  EXPECT_EQ(store->cases()->size(), 1u);
  EXPECT_EQ(reasons(), (std::map<std::string, uint64_t>{{"not-enrolled", 39}}));
  enrol(late);
  ListSubscriber nothing;
  auto opened = *Ingest::open(nothing, *store, trust, clock);
  const auto report = opened->requeue({});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->reasons.at("not-enrolled").taken_in, 39u);
  EXPECT_EQ(report->reasons.at("not-enrolled").came_back, 0u);
  EXPECT_EQ(record(late).state(), v1::CASE_STATE_CLOSED);
  EXPECT_TRUE(reasons().empty());
}

TEST_F(HostileBus, WhoIsEnrolledWhileItRunsComesInWithoutARestart) {
  Maker known, late, stranger;
  enrol(known);
  add_case(bus, known);
  add_streams(bus, late);
  add_second(bus, late);
  add_case(bus, stranger);
  ListSubscriber subscriber;
  subscriber.frames = bus.frames;
  auto loop = *Ingest::open(subscriber, *store, trust, clock);
  ASSERT_TRUE(loop->drain({}));
  EXPECT_EQ(store->cases()->size(), 1u);
  enrol(late);
  const auto report = loop->enrol(trust);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->reasons.at("not-enrolled").taken_in, 35u);
  EXPECT_EQ(report->reasons.at("not-enrolled").came_back, 39u);  // the stranger's
  const size_t begun = bus.frames.size();
  add_second(bus, late, 10);
  add_end(bus, late);
  for (size_t i = begun; i < bus.frames.size(); ++i) subscriber.frames.push_back(bus.frames[i]);
  ASSERT_TRUE(loop->drain({}));
  EXPECT_EQ(record(late).state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(store->cases()->size(), 2u);
  EXPECT_EQ(reasons(), (std::map<std::string, uint64_t>{{"not-enrolled", 39}}));
}

TEST_F(HostileBus, WhoseOpeningWasRefusedIsTakenInWhenTheirBeatComesAfterTheEnrolment) {
  Maker late;
  bus.add(late, late.open());
  run();
  EXPECT_EQ(reasons(), (std::map<std::string, uint64_t>{{"not-enrolled", 1}}));
  enrol(late);
  reopen();
  bus.add(late, late.stream(kEvents, "esu.state", v1::STREAM_KIND_DEVICE));
  bus.add(late, late.event(kEvents, {1}, "esu.cut"));
  bus.add(late, late.beat());
  add_end(bus, late);
  run();
  EXPECT_EQ(record(late).state(), v1::CASE_STATE_CLOSED);
  EXPECT_TRUE(reasons().empty());
}

TEST_F(HostileBus, AForeignOpeningInItsNameDoesNotShutOutAnEpochThatWaits) {
  Maker maker;
  enrol(maker);
  Maker forger = maker;
  forger.key = std::make_shared<seal::SigningKey>(seal::SigningKey::generate());
  bus.add(maker, forger.open());
  bus.add(maker, maker.open());
  run();
  reopen();  // what is held of an epoch is forgotten; a flood of epochs does that, too
  bus.add(maker, maker.beat());
  add_end(bus, maker);
  run();
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(reasons(), (std::map<std::string, uint64_t>{{"not-signed", 1}}));
}

// An analysis that is enrolled, under the number of the recorder's epoch.
TEST_F(HostileBus, ADerivedEpochOfItsNumberDoesNotHoldUpARecording) {
  for (const uint8_t first : {0, 255}) {  // of the producer's id, which orders them
    Maker maker;
    Maker other(v1::PRODUCER_ROLE_CUSTODY, maker.case_id);
    other.epoch = maker.epoch;
    other.producer.bytes.fill(first);
    enrol(maker);
    enrol(other);
    bus.frames.clear();
    bus.add(other, other.open());
    add_end(bus, other);
    add_case(bus, maker);
    store.reset();
    std::filesystem::remove_all(dir.path() / "s");
    reopen();
    run();
    EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED) << "first byte " << int{first};
  }
}

// Read to its end with frames that are not the producer's; the true ones come in another run.
TEST_F(HostileBus, TheTrueFramesOfAnEndedEpochTakeTheirPlaceOverARestart) {
  Maker maker;
  enrol(maker);
  add_case(bus, maker);
  const auto honest = bus.frames;
  run();
  const auto digest = *store->case_digest(maker.case_id);
  for (auto& message : bus.frames) {
    const auto frame = frame::parse(message.frame);
    if (frame->header.stream != kEvents || frame->header.kind != frame::Kind::kData) continue;
    message.frame = testing::with_header(message.frame, 40, testing::little<int64_t>(7));
    break;
  }
  store.reset();
  std::filesystem::remove_all(dir.path() / "s");
  reopen();
  run();
  EXPECT_NE(*store->case_digest(maker.case_id), digest);
  reopen();
  bus.frames.insert(bus.frames.end(), honest.begin(), honest.end());
  run();
  EXPECT_EQ(*store->case_digest(maker.case_id), digest);
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
}

TEST_F(HostileBus, CopiesOfAnOpeningWithOtherWordsDoNotHoldItUp) {
  Maker maker;
  enrol(maker);
  for (uint32_t i = 0; i < 40; ++i) {
    Maker forger = maker;
    forger.case_kind = i % 2 == 0 ? v1::CASE_KIND_STUDY : v1::CASE_KIND_OPERATION;
    const Bytes opening = forger.open();
    bus.add(maker, testing::with_header(opening, 40, testing::little<int64_t>(i + 1)));  // its time
  }
  add_case(bus, maker);
  run();
  EXPECT_EQ(record(maker).state(), v1::CASE_STATE_CLOSED);
  EXPECT_EQ(record(maker).kind(), v1::CASE_KIND_OPERATION);
  EXPECT_EQ(reasons(), (std::map<std::string, uint64_t>{{"not-signed", 40}}));
}

TEST_F(HostileBus, ARequeueOfOneReasonTakesInWhatWaitedForIt) {
  Maker late;
  add_case(bus, late);
  std::ranges::stable_partition(bus.frames,
                                [](const bus::Message& m) { return m.lane != bus::Lane::kEvent; });
  const auto all = bus.frames;
  bus.frames.resize(22);  // waves and video come before the opening that is refused
  run();
  bus.frames = all;
  run();
  EXPECT_EQ(reasons(),
            (std::map<std::string, uint64_t>{{"awaiting-epoch", 22}, {"not-enrolled", 17}}));
  enrol(late);
  ListSubscriber nothing;
  auto opened = *Ingest::open(nothing, *store, trust, clock);
  RequeueOptions what;
  what.reason = "not-enrolled";
  const auto report = opened->requeue(what);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->reasons.size(), 1u);
  EXPECT_EQ(report->reasons.at("not-enrolled").taken_in, 17u);
  EXPECT_EQ(record(late).state(), v1::CASE_STATE_CLOSED);
  EXPECT_TRUE(reasons().empty());
}

TEST_F(HostileBus, ARequeueOfOneCaseLeavesTheOthers) {
  Maker one, other;
  add_case(bus, one);
  add_case(bus, other);
  run();
  enrol(one);
  enrol(other);
  ListSubscriber nothing;
  auto opened = *Ingest::open(nothing, *store, trust, clock);
  RequeueOptions what;
  what.case_id = one.case_id;
  ASSERT_TRUE(opened->requeue(what));
  EXPECT_EQ(store->cases()->size(), 1u);
  EXPECT_EQ(record(one).state(), v1::CASE_STATE_CLOSED);
  const auto counts = *store->shard(0).quarantine_counts(other.case_id);
  ASSERT_EQ(counts.size(), 1u);
  EXPECT_EQ(counts[0].rows, 39u);
  EXPECT_TRUE(store->shard(0).quarantine_counts(one.case_id)->empty());
}

TEST_F(HostileBus, JunkEpochsMakeNoCaseLarger) {
  Maker maker;
  enrol(maker);
  add_case(bus, maker);
  run();
  const auto size = record(maker).ByteSizeLong();
  for (int i = 0; i < 5000; ++i) {
    Maker junk(v1::PRODUCER_ROLE_RECORDER, maker.case_id);
    bus.add(junk, junk.event(kEvents, {}, "x"));
  }
  run();
  EXPECT_EQ(record(maker).ByteSizeLong(), size);
  EXPECT_EQ(reasons().at("awaiting-epoch"), 5000u);
}

TEST(Tiling, FindsTheWayThatMeetsTheHeadAndGivesUpAtItsBudget) {
  const auto leaf = [](char c) {
    Digest d{};
    d[0] = static_cast<uint8_t>(c);
    return d;
  };
  Links links;
  Position at, from;
  std::vector<size_t> want;
  for (uint64_t n = 0; n < 10; ++n) {
    links[n] = {{n + 1, leaf('x'), 100 + n}, {n + 1, leaf('a'), n}, {n + 2, leaf('y'), 200 + n}};
    at = {n + 1, frame::next_head(at.head, leaf('a'))};
    want.push_back(n);
  }
  EXPECT_EQ(find_path(from, at, links, 1u << 20), want);
  EXPECT_FALSE(find_path(from, at, links, 50));
  links[3] = {{4, leaf('x'), 103}};
  EXPECT_FALSE(find_path(from, at, links, 1u << 20));
}

}  // namespace
}  // namespace casebox::ingest
