// What a case is rebuilt from, and what is said when its rows say something else.
#include "storage/verify/verified_case.h"

#include <gtest/gtest.h>

#include <functional>

#include "storage/reader/case_reader.h"
#include "tests/support/recording.h"
#include "tests/support/stored.h"

namespace casebox::storage {
namespace {

using testing::Keeper;
using testing::Recording;
using testing::TempDir;

class VerifiedCaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    r.record(2);
    r.gap(70);
    r.record(2);
    r.close();
    ASSERT_TRUE(r.ok);
    Options options;
    options.create = true;
    store = std::move(*Store::open(temp.path() / "s", options));
    keeper.emplace(*store);
    const auto kept = keeper->log(r.dir);
    ASSERT_TRUE(kept) << kept.error().message;
  }
  verify::Report look(Depth depth) { return verify_case(*store, r.case_id, {}, depth)->report; }
  void expect(verify::Verdict verdict, const std::string& kind) {
    for (const Depth depth : {Depth::kLeaves, Depth::kBytes}) {
      const verify::Report report = look(depth);
      EXPECT_EQ(report.verdict, verdict) << "depth " << static_cast<int>(depth);
      EXPECT_TRUE(kind.empty() || report.problem_counts.contains(kind)) << kind;
    }
  }
  /// The stored frame of a stream that holds a number.
  Bytes frame_of(StreamId stream, uint64_t number) {
    return (*store->shard(0).find_overlap(r.case_id, 0, stream, ItemNumber{number}, 1))->bytes;
  }

  TempDir temp;
  Recording r{temp.path()};
  std::unique_ptr<Store> store;
  std::optional<Keeper> keeper;
};

TEST_F(VerifiedCaseTest, RebuildsWhatIngestCounted) {
  for (const Depth depth : {Depth::kLeaves, Depth::kBytes}) {
    const VerifiedCase found = *verify_case(*store, r.case_id, {}, depth);
    for (const auto& problem : found.report.problems)
      ADD_FAILURE() << problem.kind << " " << problem.where << " " << problem.detail;
    EXPECT_EQ(found.report.verdict, verify::Verdict::kCompleteWithDeclaredGaps);
    EXPECT_EQ(found.record.procedure(), "lap-cholecystectomy");
    EXPECT_EQ(found.record.state(), v1::CASE_STATE_CLOSED);
    EXPECT_EQ(found.record.frames(), keeper->record.frames());
    EXPECT_EQ(found.record.last_t_ns(), keeper->record.last_t_ns());
    ASSERT_EQ(found.gaps.size(), 1u);
    EXPECT_EQ(found.gaps[0].gap.missing(), 70u);
  }
}

TEST_F(VerifiedCaseTest, TakesASecondEpochOfTheSameRecorder) {
  r.producer.reset();
  r.log.reset();
  r.log = *log::Writer::open(r.dir, r.clock);
  r.begin();
  r.record(1);
  r.close();
  ASSERT_TRUE(r.ok);
  TempDir other;
  Options options;
  options.create = true;
  store = std::move(*Store::open(other.path() / "s", options));
  keeper.emplace(*store);
  ASSERT_TRUE(keeper->log(r.dir));
  EXPECT_EQ(keeper->record.epochs_size(), 2);
  expect(verify::Verdict::kCompleteWithDeclaredGaps, "");
  store.reset();
}

TEST_F(VerifiedCaseTest, SaysTamperedWhenTheCaseRecordTellsAnotherStory) {
  using Change = std::function<void(v1::CaseRecord&)>;
  const std::vector<std::pair<const char*, Change>> changes = {
      {"gain",
       [](auto& c) {
         c.mutable_streams(0)->mutable_stream()->mutable_channels(0)->set_gain(0.0005);
       }},
      {"unit",
       [](auto& c) { c.mutable_streams(0)->mutable_stream()->mutable_channels(0)->set_unit("V"); }},
      {"names swapped",
       [](auto& c) {
         c.mutable_streams(0)->mutable_stream()->set_name("team.marks");
         c.mutable_streams(1)->mutable_stream()->set_name("monitor.ecg");
       }},
      {"date", [](auto& c) { c.set_start_utc_ns(c.start_utc_ns() + 86'400'000'000'000); }},
      {"end", [](auto& c) { c.set_last_t_ns(c.last_t_ns() + 1); }},
      {"end a second early", [](auto& c) { c.set_last_t_ns(c.last_t_ns() - 1'000'000'000); }},
      {"no date", [](auto& c) { c.set_start_utc_ns(0); }},
      {"gaps hidden",
       [](auto& c) {
         for (auto& row : *c.mutable_streams()) {
           row.set_gap_frames(0);
           row.set_missing(0);
         }
       }},
      {"a study", [](auto& c) { c.set_kind(v1::CASE_KIND_STUDY); }},
      {"procedure", [](auto& c) { c.set_procedure("bypass"); }},
      {"room", [](auto& c) { c.set_room("or-9"); }},
      {"role", [](auto& c) { c.mutable_epochs(0)->set_role(v1::PRODUCER_ROLE_ANALYSIS); }},
      {"signer", [](auto& c) { c.mutable_epochs(0)->set_signing_key(Bytes(32, 'x')); }},
      {"open again", [](auto& c) { c.set_state(v1::CASE_STATE_OPEN); }},
      {"no close", [](auto& c) { c.mutable_epochs(0)->clear_close(); }},
      {"epoch gone", [](auto& c) { c.clear_epochs(); }},
      {"stream gone", [](auto& c) { c.mutable_streams()->DeleteSubrange(1, 1); }},
      {"items", [](auto& c) { c.mutable_streams(0)->set_items(1); }},
  };
  const v1::CaseRecord truth = keeper->record;
  for (const auto& [name, change] : changes) {
    keeper->record = truth;
    change(keeper->record);
    ASSERT_TRUE(keeper->save());
    const VerifiedCase found = *verify_case(*store, r.case_id, {}, Depth::kLeaves);
    EXPECT_EQ(found.report.verdict, verify::Verdict::kTampered) << name;
    EXPECT_TRUE(found.report.problem_counts.contains("cache")) << name;
    EXPECT_EQ(found.record.streams(0).stream().name(), "monitor.ecg") << name;
    EXPECT_EQ(found.record.streams(0).stream().channels(0).gain(), 0.005) << name;
    EXPECT_EQ(found.record.start_utc_ns(), truth.start_utc_ns()) << name;
    EXPECT_EQ(look(Depth::kBytes).verdict, verify::Verdict::kTampered) << name;
  }
}

TEST_F(VerifiedCaseTest, FindsAFrameThatWasPutInPlaceOfAnother) {
  for (const auto& [stream, table] : std::vector<std::pair<StreamId, Table>>{
           {r.wave, Table::kWave}, {r.team, Table::kEvent}, {r.video, Table::kMedia}}) {
    const Bytes truth = frame_of(stream, 0);
    ASSERT_TRUE(keeper->put(0, table, *frame::parse(testing::forge(truth))));
    expect(verify::Verdict::kTampered, "chain");
    ASSERT_TRUE(keeper->put(0, table, *frame::parse(truth)));
    expect(verify::Verdict::kCompleteWithDeclaredGaps, "");
  }
}

TEST_F(VerifiedCaseTest, FindsFramesBehindTheEndAndUnderAForeignEpoch) {
  frame::View view = *frame::parse(frame_of(r.team, 0));
  frame::Header h = view.header;
  h.first = ItemNumber{r.producer->next_number(r.team).value};
  const Bytes more = *frame::encode(h, view.body);
  ASSERT_TRUE(keeper->put(0, Table::kEvent, *frame::parse(more)));
  expect(verify::Verdict::kTampered, "case");
}

TEST_F(VerifiedCaseTest, ReaderGivesNoContentOfATamperedCaseUnlessAsked) {
  keyring::Keyring keyring(r.keystore.get(), "test");
  auto open = [&](bool unproven) {
    return *CaseReader::open(*store, r.case_id, keyring, keyring::Purpose::kView,
                             {.show_unproven = unproven});
  };
  EXPECT_EQ(open(false)->events(v1::STREAM_KIND_TEAM)->size(), 8u);
  const Bytes truth = frame_of(r.team, 2);
  ASSERT_TRUE(keeper->put(0, Table::kEvent, *frame::parse(testing::forge(truth))));
  const auto refused = open(false);
  EXPECT_EQ(refused->verdict(), verify::Verdict::kTampered);
  const auto events = refused->events(v1::STREAM_KIND_TEAM);
  ASSERT_FALSE(events);
  EXPECT_EQ(events.error().code, Code::kCorrupt);
  EXPECT_NE(events.error().message.find("TAMPERED"), std::string::npos);
  EXPECT_FALSE(refused->readable());
  EXPECT_EQ(refused->gaps()->size(), 1u) << "accounting is shown with its verdict";
}

TEST_F(VerifiedCaseTest, ReadsAWindowWithTheFramesThatReachIntoIt) {
  keyring::Keyring keyring(r.keystore.get(), "test");
  const auto reader = *CaseReader::open(*store, r.case_id, keyring, keyring::Purpose::kView, {});
  const auto some = reader->all_samples("monitor.ecg", "ECG_II",
                                        {CaseTime{1'500'000'000}, CaseTime{2'250'000'000}});
  ASSERT_TRUE(some) << some.error().message;
  EXPECT_EQ(some->values.size(), 75u);
  EXPECT_EQ(some->times.front().ns, 1'500'000'000);
}

TEST_F(VerifiedCaseTest, NamesASignerThatIsNotOnTheList) {
  const trust::TrustList nobody;
  const auto found = *verify_case(*store, r.case_id, {.trust = &nobody}, Depth::kLeaves);
  EXPECT_EQ(found.report.verdict, verify::Verdict::kUntrustedKey);
  ASSERT_EQ(found.report.signers.size(), 1u);
  EXPECT_FALSE(found.report.signers[0].listed.value_or(true));
}

}  // namespace
}  // namespace casebox::storage
