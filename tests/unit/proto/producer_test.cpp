// What a producer writes, read back from its log; and the epochs that crashes leave.
#include "proto/producer/producer.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <set>

#include "proto/base/file.h"
#include "proto/keyring/keyring.h"
#include "proto/log/alive.h"
#include "proto/producer/recovery.h"
#include "proto/verify/verify.h"
#include "tests/support/recording.h"

namespace casebox::producer {
namespace {

using testing::Recording;
using testing::TempDir;

/// Every frame of a log, copies at the front of files left out.
std::vector<Bytes> frames_of(const std::filesystem::path& dir) {
  auto reader = *log::Reader::open(dir, {}, {.below_durable_only = false});
  std::vector<Bytes> frames;
  for (;;) {
    auto entry = reader->next();
    EXPECT_TRUE(entry);
    if (!entry || !*entry) return frames;
    if (!(*entry)->preamble) frames.emplace_back((*entry)->frame.bytes);
  }
}

TEST(Producer, NumbersTileInEveryStream) {
  TempDir temp;
  Recording r(temp.path());
  r.record(3);
  r.gap(40);
  r.gap(0);
  r.record(2);
  r.close();
  ASSERT_TRUE(r.ok);
  std::map<uint32_t, uint64_t> next;
  for (const Bytes& bytes : frames_of(r.dir)) {
    const auto view = *frame::parse(bytes);
    EXPECT_EQ(view.header.first.value, next[view.header.stream.value]);
    next[view.header.stream.value] = view.header.next();
    EXPECT_EQ(view.header.epoch, r.producer->epoch());
  }
  EXPECT_EQ(next[r.wave.value], 5 * 100 + 40 + 1u) << "a gap of unknown count takes one number";
  EXPECT_EQ(next[r.team.value], 10u);
  EXPECT_EQ(next[r.video.value], 5u);
}

TEST(Producer, RefusesTextThatWouldNotParseAgain) {
  TempDir temp;
  Recording r(temp.path());
  r.record(1);
  ASSERT_TRUE(r.ok);
  const uint64_t next = r.producer->next_number(r.team).value;
  const size_t control = r.producer->next_number(kControlStream).value;

  v1::Stream stream;
  stream.set_name(
      "\xB0"
      "C");
  stream.set_kind(v1::STREAM_KIND_NUMERIC);
  const auto refused = r.producer->add_stream(stream);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("casebox.v1.Stream.name"), std::string::npos);

  Data data;
  data.stream = r.team;
  v1::EventBatch batch;
  (*batch.add_events()->mutable_details()->mutable_fields())["room"] = "M\xFCller";
  EXPECT_FALSE(r.producer->append(data, batch)) << "in a map, two messages deep";
  v1::Gap gap;
  gap.set_missing(1);
  gap.set_reason("\xFF");
  EXPECT_FALSE(r.producer->append_gap(r.team, gap));

  EXPECT_EQ(r.producer->next_number(r.team).value, next) << "nothing took a number";
  EXPECT_EQ(r.producer->next_number(kControlStream).value, control);
  batch.mutable_events(0)->mutable_details()->mutable_fields()->at("room") = "Müller";
  EXPECT_TRUE(r.producer->append(data, batch));
}

TEST(Producer, ACaseWhoseConfigurationIsNotUtf8IsNotBegun) {
  TempDir temp;
  ManualClock clock(MonoTime{1}, UtcTime{1});
  auto writer = log::Writer::open(temp.path() / "log", clock, {.sync = false});
  ASSERT_TRUE(writer) << writer.error().message;
  Options options;
  options.case_id = CaseId{{1}};
  options.producer_id = ProducerId{{2}};
  options.case_public_key = seal::BoxKeyPair::generate().public_key;
  options.details.mutable_config()->add_sources()->set_device("Ger\xE4t");
  const auto begun = Producer::open(options, seal::SigningKey::generate(), **writer, clock);
  ASSERT_FALSE(begun);
  EXPECT_NE(begun.error().message.find("SourceConfig.device"), std::string::npos)
      << begun.error().message;
  EXPECT_TRUE(frames_of(temp.path() / "log").empty());
}

TEST(Producer, WritesNoContentInTheClear) {
  TempDir temp;
  Recording r(temp.path());
  r.record(2);
  r.close();
  for (const Bytes& bytes : frames_of(r.dir)) {
    const auto view = *frame::parse(bytes);
    const bool data = view.header.kind == frame::Kind::kData;
    EXPECT_EQ(view.header.has(frame::flag::kSealed), data);
    EXPECT_EQ(bytes.find("sign-out"), Bytes::npos);
    EXPECT_EQ(bytes.find(Bytes(32, 'a')), Bytes::npos);
  }
}

TEST(Producer, NeverUsesANonceTwiceUnderOneKey) {
  TempDir temp;
  Recording r(temp.path());
  r.record(130);
  r.producer->cut_period();
  r.record(2);
  r.close();
  std::set<std::tuple<uint64_t, uint32_t, uint16_t, uint64_t>> used;
  std::set<uint16_t> periods;
  for (const Bytes& bytes : frames_of(r.dir)) {
    const frame::Header h = frame::parse(bytes)->header;
    if (!h.has(frame::flag::kSealed)) continue;
    EXPECT_TRUE(used.insert({h.epoch.value, h.stream.value, h.period.value, h.first.value}).second);
    periods.insert(h.period.value);
  }
  EXPECT_EQ(periods, (std::set<uint16_t>{0, 1, 2, 3})) << "60 s each, and a cut";
}

// A disk without room refuses a frame, and other streams begin the next key period meanwhile: the
// frame is taken then as before. Only another body under the same key is refused.
TEST(Producer, TakesAFrameThatADiskRefusedOnceThereIsRoomInALaterPeriodToo) {
  TempDir temp;
  Recording r(temp.path());
  r.record(3);
  ASSERT_TRUE(r.ok);
  const auto event = [](const char* code) {
    v1::EventBatch batch;
    batch.add_events()->mutable_mark()->set_code(code);
    return batch;
  };
  Data data;
  data.stream = r.team;
  data.t = CaseTime{3'000'000'000};
  data.t_capture = r.clock.mono();
  data.count = 1;
  const uint64_t number = r.producer->next_number(r.team).value;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old = ::signal(SIGXFSZ, SIG_IGN);
  rlimit full = before;
  full.rlim_cur = r.log->end().byte + 20;  // a part of the frame still fits
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto refused = r.producer->append(data, event("time-out"));
  const auto other = r.producer->append(data, event("sign-out"));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, old);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNoSpace) << refused.error().message;
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kConflict) << other.error().message;
  EXPECT_EQ(r.producer->append(data, event("sign-out")).error().code, Code::kConflict);

  r.second = 100;
  Data later = data;
  later.stream = r.video;
  later.t = CaseTime{100'000'000'000};
  ASSERT_TRUE(r.producer->append(later, v1::MediaFragment()));
  const auto taken = r.producer->append(data, event("time-out"));
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->value, number);
  r.close();
  ASSERT_TRUE(r.ok);
  const auto reports = verify::verify_log(r.dir.string(), {});
  ASSERT_TRUE(reports);
  EXPECT_EQ(reports->front().verdict, verify::Verdict::kComplete);
}

TEST(Producer, CommitsToEveryPeriodBeforeItsFirstFrame) {
  TempDir temp;
  Recording r(temp.path());
  r.record(130);
  r.close();
  std::set<std::pair<uint32_t, uint16_t>> committed;
  for (const Bytes& bytes : frames_of(r.dir)) {
    const auto view = *frame::parse(bytes);
    if (view.header.kind == frame::Kind::kKey) {
      v1::KeyFrame keys;
      ASSERT_TRUE(keys.ParseFromArray(view.body.data(), static_cast<int>(view.body.size())));
      for (const auto& period : keys.periods()) {
        EXPECT_EQ(period.salt().size(), 16u);
        EXPECT_EQ(period.commitment().size(), 32u);
        committed.insert({period.stream_id(), static_cast<uint16_t>(period.period())});
      }
    }
    if (view.header.has(frame::flag::kSealed)) {
      EXPECT_TRUE(committed.contains({view.header.stream.value, view.header.period.value}));
    }
  }
}

TEST(Producer, OpensWithTheKeystoreAndNothingElse) {
  TempDir temp;
  Recording r(temp.path());
  r.record(1);
  r.close();
  v1::EpochRecord epoch;
  for (const Bytes& bytes : frames_of(r.dir)) {
    const auto view = *frame::parse(bytes);
    v1::CaseControl control;
    if (view.header.kind == frame::Kind::kCase &&
        control.ParseFromArray(view.body.data(), static_cast<int>(view.body.size())) &&
        control.has_open()) {
      epoch.set_epoch(view.header.epoch.value);
      epoch.set_sealed_epoch_key(control.open().sealed_epoch_key());
    }
  }
  keyring::Keyring ring(r.keystore.get(), "test");
  const auto opening = ring.gate().open({r.case_id, {}, Bytes(view(Digest(r.case_key.public_key)))},
                                        keyring::Purpose::kView);
  ASSERT_TRUE(opening) << opening.error().message;
  auto keys = ring.keys(*opening, {epoch});
  ASSERT_TRUE(keys) << keys.error().message;
  int opened = 0;
  for (const Bytes& bytes : frames_of(r.dir)) {
    const auto view = *frame::parse(bytes);
    if (view.header.stream != r.team) continue;
    v1::EventBatch batch;
    ASSERT_TRUE(batch.ParseFromString(*keys->open(view)));
    EXPECT_EQ(batch.events(1).mark().code(), "sign-out");
    ++opened;
  }
  EXPECT_EQ(opened, 1);
}

TEST(Producer, RefusesWhatWouldBreakItsEpoch) {
  TempDir temp;
  Recording r(temp.path());
  Data data;
  data.stream = StreamId{99};
  EXPECT_EQ(r.producer->append(data, v1::EventBatch()).error().code, Code::kInvalidArgument);
  EXPECT_EQ(r.producer->append_gap(StreamId{99}, {}).error().code, Code::kInvalidArgument);
  r.close();
  data.stream = r.team;
  EXPECT_FALSE(r.producer->append(data, v1::EventBatch()));
  EXPECT_FALSE(r.producer->beat({}));
}

TEST(Recovery, EndsAnEpochThatACrashLeftOpen) {
  TempDir temp;
  auto key = seal::SigningKey::generate();
  CaseId id;
  {
    Recording r(temp.path());
    r.record(5);
    ASSERT_TRUE(r.ok);
    ASSERT_TRUE(r.log->sync());
    key = *r.keystore->signing_key("recorder");
    id = r.case_id;
  }
  auto before = verify::verify_log((temp.path() / "log").string(), {});
  ASSERT_EQ(before->size(), 1u);
  EXPECT_EQ((*before)[0].verdict, verify::Verdict::kUnclosed);
  ManualClock clock{{}, {}};
  auto done = recover(temp.path() / "log", key, clock);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->finished_epoch);
  EXPECT_EQ(done->case_id, id);
  ASSERT_EQ(done->streams.size(), 3u);
  EXPECT_EQ(done->streams[0].name, "monitor.ecg");
  EXPECT_EQ(done->streams[0].last_number, 499u);
  EXPECT_FALSE(done->streams[0].bounded) << "nothing tells when it died";
  EXPECT_EQ(done->streams[0].lost_from, CaseTime{5'000'000'000});
  EXPECT_NE(loss_text(done->streams[0]).find("until unknown"), std::string::npos);
  auto after = verify::verify_log((temp.path() / "log").string(), {});
  ASSERT_EQ(after->size(), 1u);
  EXPECT_EQ((*after)[0].verdict, verify::Verdict::kUnclosed) << "nobody said that the case ended";
  EXPECT_EQ((*after)[0].problems.size(), 0u);
  EXPECT_EQ((*after)[0].streams[0].unknown_gaps, 1u);
  auto again = recover(temp.path() / "log", key, clock);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->finished_epoch) << "a second recovery finds nothing to do";
}

/// The recorder is gone, with what it had synced and the marks that it left (at, until).
void die(Recording& r, const std::vector<std::pair<CaseTime, CaseTime>>& marks,
         const std::array<uint8_t, 16>& boot) {
  ASSERT_TRUE(r.log->sync());
  const Epoch epoch = r.producer->epoch();
  r.producer.reset();
  r.log.reset();
  auto alive = log::Alive::open(r.dir);
  ASSERT_TRUE(alive);
  for (const auto& [at, until] : marks) ASSERT_TRUE(alive->mark({epoch, at, until, boot}));
}

TEST(Recovery, ALossIsBoundedByTheRecordersMarkInTheSameStartOfTheMachineOnly) {
  const std::array<uint8_t, 16> boot{7}, other{8};
  for (const bool same : {true, false}) {
    TempDir temp;
    Recording r(temp.path());
    r.record(5);
    auto key = r.keystore->signing_key("recorder");
    die(r,
        {{CaseTime{6'000'000'000}, CaseTime{6'100'000'000}},
         {CaseTime{9'000'000'000}, CaseTime{9'100'000'000}}},
        boot);
    ManualClock clock{{}, {}};
    auto done = recover(r.dir, *key, clock, same ? boot : other);
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_EQ(done->streams.size(), 3u);
    EXPECT_EQ(done->lived, CaseTime{9'000'000'000});
    EXPECT_EQ(done->streams[0].bounded, same);
    EXPECT_EQ(done->streams[0].lost_from, CaseTime{5'000'000'000});
    EXPECT_EQ(done->streams[0].lost_until, CaseTime{same ? 9'100'000'000 : 9'000'000'000});
    EXPECT_FALSE(log::Alive::read(r.dir)) << "what it bounded is in the record now";
    auto reader = log::Reader::open(r.dir, {}, {});
    ASSERT_TRUE(reader);
    size_t gaps = 0;
    for (auto entry = (*reader)->next(); entry && *entry; entry = (*reader)->next()) {
      v1::Gap gap;
      if ((*entry)->frame.header.kind != frame::Kind::kGap) continue;
      ASSERT_TRUE(gap.ParseFromString(Bytes((*entry)->frame.body)));
      if (gap.reason() != "crash" && gap.reason() != "crash-unbounded") continue;
      ++gaps;
      EXPECT_EQ(gap.reason(), same ? "crash" : "crash-unbounded");
      EXPECT_EQ(gap.t_end_ns(), done->streams[0].lost_until.ns);
    }
    EXPECT_EQ(gaps, 3u);
  }
}

// A recorder that is back before the mark's promise has run out: what is dead now lived no longer.
TEST(Recovery, ALossEndsNowWhereTheRecordersClockIsTheMachines) {
  const std::array<uint8_t, 16> boot{7};
  for (const bool paced : {true, false}) {  // another pace: now says nothing of case time
    TempDir temp;
    Recording r(temp.path());
    for (int second = 0; second < 5; ++second) {
      v1::ClockRecord record;
      record.set_mono_ns(static_cast<uint64_t>(second * (paced ? 1'000'000'000 : 250'000'000)));
      ASSERT_TRUE(r.producer->append_clock(record, CaseTime{second * 1'000'000'000}));
      r.record(1);
    }
    auto key = r.keystore->signing_key("recorder");
    die(r, {{CaseTime{5'000'000'000}, CaseTime{5'100'000'000}}}, boot);
    ManualClock clock{MonoTime{5'040'000'000}, {}};
    const auto done = recover(r.dir, *key, clock, boot);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_TRUE(done->streams[0].bounded);
    EXPECT_EQ(done->streams[0].lost_until, CaseTime{paced ? 5'040'000'000 : 5'100'000'000});
    EXPECT_EQ(done->last->end, done->streams[0].lost_until);
  }
}

TEST(Recovery, AnOrderlyStopKeepsWhereCaseTimeBegan) {
  TempDir temp;
  Recording r(temp.path());
  v1::ClockRecord record;
  record.set_mono_ns(7'000'000'000);
  ASSERT_TRUE(r.producer->append_clock(record, CaseTime{2'000'000'000}));
  r.record(3);
  ASSERT_TRUE(r.log->sync());
  auto key = r.keystore->signing_key("recorder");
  r.producer.reset();
  r.log.reset();
  ASSERT_TRUE(leave(r.dir, *key, r.clock));
  ASSERT_GT(log::files(r.dir)->size(), 1u) << "the stop is in a file of its own";
  const auto done = recover(r.dir, *key, r.clock);
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_TRUE(done->last);
  EXPECT_EQ(done->last->zero, MonoTime{5'000'000'000});
}

TEST(Recovery, AStreamSilentSinceAnEarlierFileIsMissingFromItsOwnEndOn) {
  TempDir temp;
  Recording r(temp.path(), {.file_size = 16 << 10});
  r.record(2);
  v1::SampleChunk chunk;
  for (int second = 2; second < 60; ++second) {
    Data data;
    data.stream = r.wave;
    data.t = CaseTime{second * 1'000'000'000ll};
    data.duration = seconds(1);
    chunk.mutable_t_src()->add_delta(second);
    ASSERT_TRUE(r.producer->append(data, chunk));
    ASSERT_TRUE(r.producer->beat(data.t + data.duration));
  }
  ASSERT_TRUE(r.ok && r.log->sync());
  auto key = r.keystore->signing_key("recorder");
  r.producer.reset();
  r.log.reset();
  ASSERT_GT(log::files(r.dir)->size(), 1u);
  ManualClock clock{{}, {}};
  auto done = recover(r.dir, *key, clock);
  ASSERT_TRUE(done) << done.error().message;
  for (const RecoveredStream& stream : done->streams)
    EXPECT_EQ(stream.lost_from, CaseTime{stream.name == "monitor.ecg"  ? 60'000'000'000
                                         : stream.name == "team.marks" ? 54'000'000'000
                                                                       : 1'000'000'000})
        << stream.name;
}

TEST(Recovery, AMarkOfAnotherEpochOrATornOneBoundsNothing) {
  TempDir temp;
  auto alive = log::Alive::open(temp.path());
  ASSERT_TRUE(alive);
  EXPECT_FALSE(log::Alive::read(temp.path()));
  ASSERT_TRUE(alive->mark({Epoch{5}, CaseTime{1}, CaseTime{2}, {}}));
  ASSERT_TRUE(alive->mark({Epoch{5}, CaseTime{3}, CaseTime{4}, {}}));
  EXPECT_EQ(log::Alive::read(temp.path())->at, CaseTime{3});
  Bytes bytes = *read_file(temp.path() / "alive");
  bytes[24] ^= 1;  // the slot of the second mark
  ASSERT_TRUE(write_file_atomic(temp.path() / "alive", bytes));
  EXPECT_EQ(log::Alive::read(temp.path())->at, CaseTime{1}) << "the older one is true as well";
}

TEST(Recovery, CaseThatGoesOnAfterwardsIsCompleteWithTheCrashDeclared) {
  TempDir temp;
  Recording r(temp.path());
  r.record(3);
  ASSERT_TRUE(r.log->sync());
  r.producer.reset();
  r.log.reset();
  ASSERT_TRUE(recover(r.dir, *r.keystore->signing_key("recorder"), r.clock));
  r.log = *log::Writer::open(r.dir, r.clock);
  r.begin();
  r.record(2);
  r.close();
  ASSERT_TRUE(r.ok);
  auto reports = verify::verify_log(r.dir.string(), {});
  ASSERT_EQ(reports->size(), 1u);
  EXPECT_EQ((*reports)[0].verdict, verify::Verdict::kCompleteWithDeclaredGaps);
  EXPECT_EQ((*reports)[0].streams[0].epochs, 2u);
}

TEST(Recovery, LeavesAnEpochOfAnotherKeyUnclosed) {
  TempDir temp;
  {
    Recording r(temp.path());
    r.record(1);
    ASSERT_TRUE(r.log->sync());
  }
  ManualClock clock{{}, {}};
  EXPECT_EQ(recover(temp.path() / "log", seal::SigningKey::generate(), clock).error().code,
            Code::kDenied);
}

TEST(Recovery, ReadsOnlyFromTheFileThatBeganLast) {
  TempDir temp;
  auto key = seal::SigningKey::generate();
  {
    Recording r(temp.path(), {.file_size = 64 << 10});
    r.record(200);
    ASSERT_TRUE(r.ok);
    ASSERT_TRUE(r.log->sync());
    key = *r.keystore->signing_key("recorder");
  }
  const auto dir = temp.path() / "log";
  ASSERT_GT(log::files(dir)->size(), 3u);
  // Damage in an early file does not keep recovery from its work.
  std::fstream(log::files(dir)->front(), std::ios::in | std::ios::out | std::ios::binary)
      .seekp(5000)
      .put('\x7f');
  ManualClock clock{{}, {}};
  auto done = recover(dir, key, clock);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->streams[0].last_number, 19'999u);
}

}  // namespace
}  // namespace casebox::producer
