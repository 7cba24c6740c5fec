// Where a bus source goes on, and who was enrolled meanwhile.
#include "tools/store/resume.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/support/frames.h"
#include "tools/store/quarantined.h"
#include "tools/store/trust_watch.h"

namespace casebox::tools {
namespace {

constexpr UtcTime kNow{1'790'000'000'000'000'000};

class ResumeTest : public ::testing::Test {
 protected:
  ResumeTest() {
    storage::Options options;
    options.create = true;
    options.shards = 2;
    store_ = *storage::Store::open(dir_.path() / "s", options);
    stand_at(100);
  }
  void stand_at(uint64_t offset) {
    for (uint32_t i : {1u, 0u}) {
      storage::Batch batch = store_->shard(i).begin();
      batch.put_offset("topic/0", offset);
      ASSERT_TRUE(store_->shard(i).commit(std::move(batch)));
    }
  }
  Result<std::vector<Resumed>> set(const std::string& text, bool force = false) {
    CASEBOX_TRY(const ResumeAt place, parse_resume_at(text));
    return set_resume(*store_, {place}, sources_, force, kNow);
  }
  uint64_t stands(uint32_t shard) {
    const auto offsets = *store_->shard(shard).offsets();
    for (const auto& [name, next] : offsets)
      if (name == "topic/0") return next;
    return UINT64_MAX;
  }
  void expect_refused(const std::string& text, const std::string& word) {
    const auto done = set(text);
    ASSERT_FALSE(done) << text;
    EXPECT_EQ(done.error().code, Code::kInvalidArgument) << text;
    EXPECT_NE(done.error().message.find(word), std::string::npos) << done.error().message;
    EXPECT_EQ(stands(0), 100u);
  }

  testing::TempDir dir_;
  std::unique_ptr<storage::Store> store_;
  bus::HeldOffsets held_{20, 200};
  std::vector<ResumeSource> sources_ = {
      {"topic/0", [this] { return Result<bus::HeldOffsets>(held_); }, false}};
};

TEST_F(ResumeTest, WhatATopicHeldBeforeAnybodyReadItIsNotedAsNeverRead) {
  sources_ = {{"topic/9", [this] { return Result<bus::HeldOffsets>(held_); }, true}};
  const auto done = set("topic/9=20");
  ASSERT_TRUE(done) << done.error().message;
  const auto skipped = *store_->shard(0).skipped();
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_EQ(skipped[0].source, "topic/9");
  EXPECT_EQ(skipped[0].from, 0u);
  EXPECT_EQ(skipped[0].to, 20u);
  EXPECT_TRUE(skipped[0].dropped) << "the bus had dropped it";
}

TEST_F(ResumeTest, GoesBackInEveryShard) {
  const auto done = set("topic/0=20");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->at(0).before, 100u);
  EXPECT_FALSE(done->at(0).skips);
  EXPECT_EQ(stands(0), 20u);
  EXPECT_EQ(stands(1), 20u);
}

TEST_F(ResumeTest, GoesForwardOnlyWhenThatIsAskedFor) {
  expect_refused("topic/0=101", "--force");
  const auto done = set("topic/0=101", true);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->at(0).skips);
  EXPECT_EQ(stands(1), 101u);
}

TEST_F(ResumeTest, WhatTheBusHasDroppedIsNotSkipped) {
  held_ = {150, 200};  // the bus dropped what lies from 100 on
  const auto done = set("topic/0=150");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(done->at(0).skips);
  EXPECT_FALSE(set("topic/0=151"));
  const auto skipped = *store_->shard(0).skipped();
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_TRUE(skipped[0].dropped);
  EXPECT_EQ(skipped[0].from, 100u);
  EXPECT_EQ(skipped[0].to, 150u);
}

TEST_F(ResumeTest, WhatIsPassedOverIsRememberedUntilItIsRead) {
  ASSERT_TRUE(set("topic/0=150", true));
  auto skipped = *store_->shard(0).skipped();
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_EQ(skipped[0].source, "topic/0");
  EXPECT_EQ(skipped[0].from, 100u);
  EXPECT_EQ(skipped[0].to, 150u);
  EXPECT_EQ(skipped[0].at, kNow);
  EXPECT_FALSE(skipped[0].dropped);
  ASSERT_TRUE(store_->shard(1).skipped()->empty());
  EXPECT_NE(skipped_text(skipped[0]).find("100 to 150 were never read"), std::string::npos);

  ASSERT_TRUE(set("topic/0=120"));  // what lies from there on is read
  skipped = *store_->shard(0).skipped();
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_EQ(skipped[0].from, 100u);
  EXPECT_EQ(skipped[0].to, 120u);
  ASSERT_TRUE(set("topic/0=100"));
  EXPECT_TRUE(store_->shard(0).skipped()->empty());
}

TEST_F(ResumeTest, PlacesThatCannotBeAreRefusedAndNothingIsSet) {
  for (const char* text : {"", "=", "topic/0", "topic/0=", "=5", "topic/0=5x", "topic/0=-1",
                           "topic/0=1e3", "topic/0=99999999999999999999"})
    expect_refused(text, "SOURCE=OFFSET");
  expect_refused("topic/1=5", "topic/0");
  expect_refused("topic/0=19", "20 to 200");
  expect_refused("topic/0=201", "20 to 200");
  const auto twice = set_resume(*store_, {{"topic/0", 50}, {"topic/0", 60}}, sources_, false, kNow);
  ASSERT_FALSE(twice);
  EXPECT_EQ(stands(0), 100u);
}

TEST_F(ResumeTest, WhatWasCountedAndNotKeptIsForgottenFromThereOn) {
  storage::Options options;
  options.create = true;
  options.quarantine.rows = 1;
  auto store = *storage::Store::open(dir_.path() / "small", options);
  storage::Batch batch = store->shard(0).begin();
  for (uint64_t offset : {30, 40, 50}) {
    storage::Quarantined row;
    row.reason = "not-a-frame";
    row.source = "topic/0";
    row.offset = offset;
    ASSERT_TRUE(batch.put_quarantine(row));
  }
  batch.put_offset("topic/0", 100);
  ASSERT_TRUE(store->shard(0).commit(std::move(batch)));
  ASSERT_EQ(quarantine_counts(*store)->at(0).beyond, 2u);
  ASSERT_TRUE(set_resume(*store, {{"topic/0", 41}}, sources_, false, kNow));
  EXPECT_EQ(quarantine_counts(*store)->at(0).beyond, 2u);
  ASSERT_TRUE(set_resume(*store, {{"topic/0", 40}}, sources_, false, kNow));
  EXPECT_EQ(quarantine_counts(*store)->at(0).beyond, 0u);
  EXPECT_EQ(quarantine_counts(*store)->at(0).rows, 1u);
}

TEST(TrustWatchTest, TellsOnceOfEachChange) {
  testing::TempDir dir;
  StoreOptions options;
  options.store = dir.path() / "s";
  options.write = options.create = true;
  auto access = *StoreAccess::open(options);
  ASSERT_TRUE(access->keystore()->signing_key("recorder"));
  TrustWatch watch(*access);
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1050)); };
  EXPECT_FALSE(*watch.changed());
  pause();
  EXPECT_FALSE(*watch.changed());
  const auto key = access->keystore()->signing_key("analysis");
  pause();
  const auto changed = watch.changed();
  ASSERT_TRUE(changed);
  ASSERT_TRUE(*changed);
  EXPECT_NE((*changed)->list.find(view(key->public_key())), nullptr);
  pause();
  EXPECT_FALSE(*watch.changed());
  watch.again();
  pause();
  EXPECT_TRUE(*watch.changed());
}

}  // namespace
}  // namespace casebox::tools
