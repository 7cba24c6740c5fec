// A store beside its writer: copied, backed up, followed; its writer killed; its files' modes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <random>

#include "storage/backup.h"
#include "tests/unit/storage/store_support.h"

namespace casebox::storage {
namespace {

TEST(CopyOfAStore, TakenWhileItIsWrittenIsWholeOrRefused) {
  TempDir dir;
  FrameMaker maker;
  const auto at = dir.path() / "s", copy = dir.path() / "copy";
  Writer writer(at, maker, 64 << 10);  // moves to tables all the time
  wait_for_store(at);
  int whole = 0, refused = 0;
  for (int i = 0; i < (long_form() ? 200 : 20); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(7 * i % 50));
    std::error_code ec;
    fs::remove_all(copy);
    fs::copy(at, copy, fs::copy_options::recursive, ec);
    if (ec) continue;  // a file went while it was copied
    auto store = Store::open(copy, i % 2 == 0 ? readable() : writable());
    if (!store) {
      ++refused;
      EXPECT_EQ(store.error().code, Code::kUnavailable) << store.error().message;
      EXPECT_NE(store.error().message.find("casebox backup"), std::string::npos)
          << store.error().message;
      continue;
    }
    ++whole;
    expect_whole(**store, maker);
    EXPECT_TRUE((*store)->shard(0).for_each_ledger([](const LedgerEntry&) { return ok(); }));
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(whole + refused, 0);
}

TEST(KilledWriter, LeavesACounterAndALedgerThatFit) {
  TempDir dir;
  FrameMaker maker;
  const auto at = dir.path() / "s";
  std::mt19937 random(5);
  for (int i = 0; i < (long_form() ? 100 : 12); ++i) {
    Writer writer(at, maker, 64 << 10);
    wait_for_store(at);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 150));
    writer.end();
    for (const Options& how : {readable(), writable()}) {
      auto store = Store::open(at, how);
      ASSERT_TRUE(store) << store.error().message;
      EXPECT_EQ((*store)->shard(0).recovered().lost_commits, 0u) << all_notices(**store);
      EXPECT_FALSE(says(**store, "ledger")) << all_notices(**store);
      expect_whole(**store, maker);
      const auto walked =
          (*store)->shard(0).for_each_ledger([](const LedgerEntry&) { return ok(); });
      EXPECT_TRUE(walked) << walked.error().message;
    }
    if (HasFailure()) return;
  }
}

// Database and counter of before, under today's ledger.
TEST(LedgerOfAStore, TellsThatDatabaseAndCounterWerePutBack) {
  const FrameMaker maker;
  for (const bool counter_gone : {false, true}) {
    TempDir fresh;
    const fs::path at = fresh.path() / "store", old = fresh.path() / "old";
    CaseId later;
    later.bytes[0] = 9;
    {
      auto store = Store::open(at, writable());
      ASSERT_TRUE(store);
      ASSERT_TRUE(commit_one((*store)->shard(0), maker, 0));
    }
    fs::copy(at, old, fs::copy_options::recursive);
    {
      auto store = Store::open(at, writable());
      ASSERT_TRUE(store);
      for (int i = 0; i < 3; ++i) {
        auto batch = (*store)->shard(0).begin();
        batch.put_epoch_opened(later, Epoch{static_cast<uint64_t>(100 + i)},
                               v1::PRODUCER_ROLE_RECORDER, Digest{7});
        ASSERT_TRUE((*store)->shard(0).commit(std::move(batch)));
      }
    }
    fs::remove_all(at / "shards/0/db");
    fs::copy(old / "shards/0/db", at / "shards/0/db", fs::copy_options::recursive);
    fs::remove(at / "shards/0/commits");
    if (!counter_gone) fs::copy(old / "shards/0/commits", at / "shards/0/commits");
    for (const Options& how : {readable(), writable(), readable()}) {
      auto store = Store::open(at, how);
      ASSERT_TRUE(store) << store.error().message;
      const auto entries = (*store)->shard(0).ledger(later);
      ASSERT_TRUE(entries) << entries.error().message;
      EXPECT_EQ(entries->size(), 3u);
    }
  }
}

TEST(BackupOfAStore, MadeBesideItsWriterIsAStoreAtOneCommitAndGoesOn) {
  TempDir dir;
  FrameMaker maker;
  const auto at = dir.path() / "s", log = at / "logs/import";
  Writer writer(at, maker, 64 << 10);
  wait_for_store(at);
  fs::create_directories(log);
  std::ofstream(log / "0.cblog") << "a log";
  fs::create_directories(at / "keys");
  std::ofstream(at / "keys/secret") << "a key";
  for (int i = 0; i < (long_form() ? 50 : 5); ++i) {
    const auto out = dir.path() / ("backup" + std::to_string(i)),
               again = dir.path() / ("again" + std::to_string(i));
    uint64_t told = 0;
    const auto made = backup_store(at, out, [&](uint64_t bytes) { told = bytes; });
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->cases, 1u);
    EXPECT_EQ(made->bytes, told);
    EXPECT_FALSE(fs::exists(out / "keys"));
    EXPECT_TRUE(fs::exists(out / "logs/import/0.cblog"));
    const auto restored = restore_store(out, again, [](uint64_t) {});
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(restored->commits, made->commits);
    auto store = Store::open(again, writable());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE((*store)->notices().empty()) << all_notices(**store);
    EXPECT_EQ(offset_of((*store)->shard(0)), made->commits);
    expect_whole(**store, maker);
    EXPECT_TRUE((*store)->shard(0).for_each_ledger([](const LedgerEntry&) { return ok(); }));
    ASSERT_TRUE(commit_one((*store)->shard(0), maker, made->commits));
    expect_whole(**store, maker);
  }
  writer.end();
  const auto out = dir.path() / "damaged";
  ASSERT_TRUE(backup_store(at, out, [](uint64_t) {}));
  EXPECT_EQ(backup_store(at, out, [](uint64_t) {}).error().code, Code::kAlreadyExists);
  std::fstream(out / "shards/0/ledger", std::ios::in | std::ios::out) << "x";
  const auto refused = restore_store(out, dir.path() / "refused", [](uint64_t) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kCorrupt) << refused.error().message;
  fs::remove(out / "backup.list");
  EXPECT_FALSE(restore_store(out, dir.path() / "none", [](uint64_t) {}));
}

TEST(FollowedStore, ShowsWhatWasCommittedSinceUnderReadsThatGoOn) {
  TempDir dir;
  FrameMaker maker;
  Options options = writable();
  options.write_buffer_bytes = 64 << 10;
  auto store = Store::open(dir.path() / "s", options);
  ASSERT_TRUE(store);
  ASSERT_TRUE(commit_one((*store)->shard(0), maker, 0));
  for (const bool follow : {true, false}) {
    Options how = readable();
    how.follow = follow;
    auto reader = Store::open(dir.path() / "s", how);
    ASSERT_TRUE(reader) << reader.error().message;
    std::atomic<int> wrong = 0, read = 0;
    {
      std::jthread scanning([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          auto scan = (*reader)->shard(0).scan({maker.case_id});
          for (bool more = scan.has_value(); more; ++read) {
            auto next = scan->next();
            wrong += !next;
            more = next && *next;
          }
          wrong += !scan;
        }
      });
      for (int i = 0; i < 300; ++i) {
        const uint64_t n = offset_of((*store)->shard(0));
        ASSERT_TRUE(commit_one((*store)->shard(0), maker, n));
        if (i % 3 != 0) continue;
        const auto current = (*reader)->refresh();
        ASSERT_TRUE(current) << current.error().message;
        ASSERT_EQ(offset_of((*reader)->shard(0)), n + 1);
        ASSERT_EQ((*reader)->shard(0).commits(), n + 1);
        EXPECT_TRUE((*reader)->shard(0).ledger(maker.case_id));
        const auto proofs = (*reader)->shard(0).for_each_proof(maker.case_id, nullptr,
                                                               [](const Proof&) { return ok(); });
        ASSERT_TRUE(proofs) << proofs.error().message;
      }
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(read, 0);
    expect_whole(**reader, maker);
    store->reset();  // the writer ends and another begins
    store = Store::open(dir.path() / "s", options);
    ASSERT_TRUE(store);
    const uint64_t n = offset_of((*store)->shard(0));
    ASSERT_TRUE(commit_one((*store)->shard(0), maker, n));
    ASSERT_TRUE((*reader)->refresh());
    EXPECT_EQ(offset_of((*reader)->shard(0)), n + 1);
    expect_whole(**reader, maker);
  }
}

TEST(StoreFiles, BelongToTheirOwnerAlone) {
  TempDir dir;
  FrameMaker maker;
  const auto at = dir.path() / "s";
  {
    auto store = Store::open(at, writable());
    ASSERT_TRUE(commit_one((*store)->shard(0), maker, 0));
  }
  for (const fs::path& name : {at, at / "shards", at / "shards/0", at / "shards/0/media"}) {
    struct stat info {};
    ASSERT_EQ(::stat(name.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u) << name;
  }
  for (const auto& file : fs::recursive_directory_iterator(at)) {
    if (!file.is_regular_file() || file.path().parent_path().filename() == "db") continue;
    struct stat info {};
    ASSERT_EQ(::stat(file.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << file.path();
  }
}

}  // namespace
}  // namespace casebox::storage
