#include "storage/reader/case_reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "proto/codec/codec.h"
#include "storage/reader/internal/decode.h"
#include "tests/support/frames.h"

namespace casebox::storage {
namespace {

using testing::FrameMaker;
using testing::TempDir;
constexpr StreamId kEvents{1}, kWave{2}, kVideo{3};

/// A store with one case whose frames are neither sealed nor signed, so that no key is needed to
/// make or read it: what the reader then calls unproven.
class CaseReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Options o;
    o.create = true;
    auto opened = Store::open(dir.path() / "s", o);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
    record.set_case_id(Bytes(maker.case_id.view()));
    auto& epoch = *record.add_epochs();
    epoch.set_epoch(maker.epoch.value);
    epoch.set_role(v1::PRODUCER_ROLE_RECORDER);
    add(kEvents, "esu.state", v1::STREAM_KIND_DEVICE);
    auto& wave = add(kWave, "monitor.ecg", v1::STREAM_KIND_WAVE);
    wave.mutable_tick_rate_hz()->set_num(4);
    wave.mutable_tick_rate_hz()->set_den(1);
    auto& channel = *wave.add_channels();
    channel.set_id(1);
    channel.set_name("ECG_II");
    channel.set_type(v1::SAMPLE_TYPE_INT);
    channel.set_gain(0.5);
    channel.set_offset(10);
    add(kVideo, "scope.video", v1::STREAM_KIND_VIDEO);
  }
  v1::Stream& add(StreamId id, const std::string& name, v1::StreamKind kind) {
    auto& r = *record.add_streams();
    r.set_epoch(maker.epoch.value);
    r.mutable_stream()->set_stream_id(id.value);
    r.mutable_stream()->set_name(name);
    r.mutable_stream()->set_kind(kind);
    return *r.mutable_stream();
  }
  /// Stream 0, once all streams are added: the reader believes nothing else.
  void begin() {
    if (begun) return;
    begun = true;
    put(maker.open(), Table::kEvent);
    for (const auto& row : record.streams())
      put(maker.make(frame::Kind::kStream, kControlStream, {}, row.stream().SerializeAsString()),
          Table::kEvent);
  }
  void put(const Bytes& bytes, Table table) {
    begin();
    auto batch = store->shard(0).begin();
    auto view = frame::parse(bytes);
    ASSERT_TRUE(view);
    ASSERT_TRUE(batch.put_frame(maker.case_id, 0, table, *view, {}));
    batch.put_case(record);
    ASSERT_TRUE(store->shard(0).commit(std::move(batch)));
  }
  std::unique_ptr<CaseReader> read() {
    auto reader = CaseReader::open(*store, maker.case_id, keyring, keyring::Purpose::kView,
                                   {.show_unproven = true});
    EXPECT_TRUE(reader) << reader.error().message;
    return std::move(*reader);
  }
  Bytes data(StreamId id, CaseTime t, const google::protobuf::MessageLite& body, uint32_t count,
             Duration d, uint8_t flags = 0) {
    frame::Header h;
    h.stream = id;
    h.epoch = maker.epoch;
    h.first = ItemNumber{maker.next[id.value]};
    h.count = count;
    h.t = t;
    h.flags = flags;
    h.duration_us = static_cast<uint32_t>(d.ns / 1000);
    maker.next[id.value] += count;
    return *frame::encode(h, frame::pack_body(body.SerializeAsString()));
  }

  TempDir dir;
  FrameMaker maker;
  v1::CaseRecord record;
  bool begun = false;
  keyring::Keyring keyring{nullptr, "test"};
  std::unique_ptr<Store> store;
};

TEST_F(CaseReaderTest, GivesSamplesInTheirUnitTrimmedToTheSpan) {
  for (int64_t s = 0; s < 3; ++s) {
    const std::vector<int64_t> codes{4 * s, 4 * s + 1, 4 * s + 2, 4 * s + 3};
    v1::SampleChunk chunk;
    auto& c = *chunk.add_channels();
    c.set_channel_id(1);
    c.set_coded(codec::encode(codes, {false, s == 1, false, false}));
    chunk.mutable_t_src()->set_known(true);
    chunk.mutable_t_src()->set_first(100 * s);
    chunk.mutable_t_src()->set_step(25);
    put(data(kWave, CaseTime{s * 1'000'000'000}, chunk, 4, seconds(1)), Table::kWave);
  }
  auto reader = read();
  auto all = reader->all_samples("monitor.ecg", "ECG_II");
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->values.size(), 12u);
  EXPECT_EQ(all->values[3], 11.5);
  EXPECT_TRUE(std::isnan(all->values[5]));
  EXPECT_TRUE(all->missing[5]);
  EXPECT_EQ(all->times[11].ns, 2'750'000'000);
  EXPECT_EQ(all->t_src[5], 125);
  auto some = reader->all_samples("monitor.ecg", "ECG_II",
                                  {CaseTime{500'000'000}, CaseTime{1'250'000'000}});
  ASSERT_TRUE(some);
  EXPECT_EQ(some->codes, (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(reader->all_samples("monitor.ecg", "NONE").error().code, Code::kNotFound);
}

TEST_F(CaseReaderTest, JoinsTheEventsOfFramesInTimeOrder) {
  v1::EventBatch batch;
  auto& late = *batch.add_events();
  late.set_dt_ns(5'000'000'000);
  late.mutable_device()->set_code("late");
  batch.add_events()->mutable_device()->set_code("early");
  put(data(kEvents, CaseTime{0}, batch, 2, {}), Table::kEvent);
  auto reader = read();
  auto events = reader->events(v1::STREAM_KIND_DEVICE);
  ASSERT_TRUE(events) << events.error().message;
  ASSERT_EQ(events->size(), 2u);
  EXPECT_EQ(events->at(0).event.device().code(), "early");
  EXPECT_EQ(events->at(0).number.value, 1u);
  EXPECT_EQ(reader->events_of("esu.state", {CaseTime{1}, CaseTime{6'000'000'000}})->size(), 1u);
  EXPECT_TRUE(reader->events(v1::STREAM_KIND_DEVICE, {}, true)->empty());
}

TEST_F(CaseReaderTest, PutsASplitPacketTogether) {
  v1::MediaFragment first;
  first.set_cmaf("HEADpay");
  auto& packet = *first.add_packets();
  packet.set_offset(4);
  packet.set_size(7);
  v1::MediaFragment second;
  second.set_cmaf("load");
  put(data(kVideo, {}, first, 1, seconds(1), frame::flag::kFirst | frame::flag::kSync),
      Table::kMedia);
  put(data(kVideo, {}, second, 1, seconds(1), frame::flag::kLast), Table::kMedia);
  for (Span span : {Span{}, Span{CaseTime{0}, CaseTime{1}}}) {
    std::vector<Bytes> payloads;
    auto done = read()->packets("scope.video", span, [&](const PacketAt& p) {
      payloads.push_back(p.payload);
      return ok();
    });
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(payloads, std::vector<Bytes>{"payload"});
  }
}

// An opening looks at leaves alone: what does not hold when it is read turns the verdict then.
TEST_F(CaseReaderTest, WhatDoesNotHoldWhenItIsReadIsInItsReportFromThenOn) {
  v1::MediaFragment fragment;
  fragment.set_cmaf("HEADpayload");
  put(data(kVideo, {}, fragment, 1, seconds(1), frame::flag::kSync), Table::kMedia);
  const auto reader = read();
  const auto before = reader->report().problem_counts;
  EXPECT_FALSE(before.contains("row"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path() / "s")) {
    if (entry.path().extension() != ".seg") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('#');
  }
  uint32_t given = 0;
  for (int twice = 0; twice < 2; ++twice)
    ASSERT_TRUE(reader->fragments("scope.video", {}, [&](const FragmentAt&) {
      ++given;
      return ok();
    }));
  EXPECT_EQ(given, 0u);
  EXPECT_EQ(reader->report().problem_counts.at("row"), 1u);  // of one frame, once
  EXPECT_GE(reader->verdict(), verify::Verdict::kDamaged);
}

TEST_F(CaseReaderTest, RefusesAPacketBeyondItsFragment) {
  v1::MediaFragment fragment;
  fragment.set_cmaf("short");
  fragment.add_packets()->set_size(6);
  put(data(kVideo, {}, fragment, 1, {}), Table::kMedia);
  auto done = read()->packets("scope.video", {}, [](const PacketAt&) { return ok(); });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kCorrupt);
}

TEST_F(CaseReaderTest, CountsGapsAndRefusesSealedContentWithoutAKey) {
  put(maker.gap(kWave, CaseTime{7}, 250), Table::kWave);
  put(data(kEvents, {}, v1::EventBatch(), 1, {}, frame::flag::kSealed), Table::kEvent);
  auto reader = read();
  auto gaps = reader->gaps();
  ASSERT_TRUE(gaps) << gaps.error().message;
  ASSERT_EQ(gaps->size(), 1u);
  EXPECT_EQ(gaps->at(0).gap.missing(), 250u);
  EXPECT_EQ(gaps->at(0).count, 250u);
  EXPECT_EQ(reader->streams().size(), 3u);
  auto events = reader->events(v1::STREAM_KIND_DEVICE);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code, Code::kNotFound);
}

TEST_F(CaseReaderTest, GivesNothingThatNobodySealedUnlessAsked) {
  put(maker.event(kEvents, CaseTime{1}, "alarm"), Table::kEvent);
  auto reader = *CaseReader::open(*store, maker.case_id, keyring, keyring::Purpose::kView);
  EXPECT_FALSE(verify::may_be_shown(reader->verdict()));
  const auto events = reader->events(v1::STREAM_KIND_DEVICE);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code, Code::kCorrupt);
  EXPECT_EQ(read()->events(v1::STREAM_KIND_DEVICE)->size(), 1u);
}

TEST_F(CaseReaderTest, DigestsARangeOfFrames) {
  for (int64_t i = 0; i < 3; ++i) put(maker.event(kEvents, CaseTime{i}, "x"), Table::kEvent);
  auto reader = read();
  auto range = reader->source_range(maker.epoch, kEvents, ItemNumber{1}, ItemNumber{2});
  ASSERT_TRUE(range) << range.error().message;
  EXPECT_EQ(range->t0_ns(), 1);
  EXPECT_EQ(range->stream(), "esu.state");
  EXPECT_NE(range->sha256(),
            reader->source_range(maker.epoch, kEvents, ItemNumber{0}, ItemNumber{2})->sha256());
  EXPECT_EQ(reader->source_range(maker.epoch, kEvents, ItemNumber{2}, ItemNumber{3}).error().code,
            Code::kNotFound);
}

}  // namespace
}  // namespace casebox::storage
