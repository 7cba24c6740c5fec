// What a store does when something of it is lost: its log cut, flipped, taken away or put back, its
// folder copied under its writer, its ledger or segments changed.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "proto/base/file.h"
#include "storage/internal/database.h"
#include "storage/internal/keys.h"
#include "storage/internal/ledger.h"
#include "tests/unit/storage/store_support.h"

namespace casebox::storage {
namespace {

/// Reads again from the stored offset on, as the next ingest does.
void refill(Store& store, const FrameMaker& maker) {
  Shard& shard = store.shard(0);
  for (uint64_t n = offset_of(shard); n < kCommits; ++n) {
    const auto done = commit_one(shard, maker, n);
    ASSERT_TRUE(done) << done.error().message;
  }
  ASSERT_TRUE(store.refilled());
}

std::vector<fs::path> logs_of(const fs::path& store, int shard = 0) {
  std::vector<fs::path> logs;
  for (const auto& file : fs::directory_iterator(store / "shards" / std::to_string(shard) / "db"))
    if (file.path().extension() == ".log" && file.file_size() > 0) logs.push_back(file.path());
  std::sort(logs.begin(), logs.end());
  return logs;
}

void flip(const fs::path& path, uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

class Recovery : public ::testing::Test {
 protected:
  void SetUp() override {
    in_killed_process([&] {
      Store& store = open_for_good(whole_, writable());
      for (uint64_t n = 0; n < kCommits; ++n) {
        if (n == kCommits / 2) copy_store(whole_, older_);
        ASSERT_TRUE(commit_one(store.shard(0), maker_, n));
      }
    });
    ASSERT_EQ(logs_of(whole_).size(), 1u);
    auto store = Store::open(whole_, readable());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_EQ((*store)->shard(0).commits(), kCommits);
    ASSERT_TRUE((*store)->notices().empty()) << all_notices(**store);
    digest_ = *(*store)->case_digest(maker_.case_id);
  }

  /// A changed store shows a state it once was in and says what it lost, or lost nothing; a writer
  /// does the same, and what is read again makes it what it was.
  void expect_noticed_and_refilled(const fs::path& at, const std::string& what) {
    SCOPED_TRACE(what);
    uint64_t seen = 0;
    {
      auto store = Store::open(at, readable());
      ASSERT_TRUE(store) << store.error().message;
      seen = offset_of((*store)->shard(0));
      expect_whole(**store, maker_);
      EXPECT_EQ((*store)->shard(0).recovered().lost_commits, kCommits - seen);
      EXPECT_EQ(says(**store, "lost its newest"), seen < kCommits) << all_notices(**store);
    }
    {
      auto store = Store::open(at, writable());
      ASSERT_TRUE(store) << store.error().message;
      EXPECT_EQ(offset_of((*store)->shard(0)), seen);
      expect_whole(**store, maker_);
      EXPECT_EQ(says(**store, "lost its newest"), seen < kCommits) << all_notices(**store);
    }
    {
      auto store = Store::open(at, readable());
      ASSERT_TRUE(store) << store.error().message;
      EXPECT_EQ(says(**store, "at an earlier opening"), seen < kCommits) << all_notices(**store);
      EXPECT_EQ((*store)->shard(0).ledger(maker_.case_id)->size(), 2u)
          << "what was stored once is not remembered";
    }
    {
      auto store = Store::open(at, writable());
      ASSERT_TRUE(store) << store.error().message;
      refill(**store, maker_);
      EXPECT_EQ(*(*store)->case_digest(maker_.case_id), digest_);
    }
    auto store = Store::open(at, readable());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE((*store)->notices().empty()) << all_notices(**store);
    EXPECT_EQ(*(*store)->case_digest(maker_.case_id), digest_);
    EXPECT_EQ((*store)->shard(0).ledger(maker_.case_id)->size(), 2u);
    EXPECT_TRUE((*store)->shard(0).for_each_ledger([](const LedgerEntry&) { return ok(); }));
  }

  TempDir dir_;
  FrameMaker maker_;
  const fs::path whole_ = dir_.path() / "whole", older_ = dir_.path() / "older",
                 copy_ = dir_.path() / "copy";
  Digest digest_{};
};

TEST_F(Recovery, NoticesEveryFlippedByteOfTheLog) {
  const uint64_t size = fs::file_size(logs_of(whole_).front());
  std::mt19937_64 random(11);
  for (int i = 0; i < (long_form() ? 400 : 40); ++i) {
    const uint64_t at = random() % size;
    copy_store(whole_, copy_);
    flip(logs_of(copy_).front(), at);
    auto store = Store::open(copy_, readable());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_LT(offset_of((*store)->shard(0)), kCommits) << "byte " << at;
    store->reset();
    expect_noticed_and_refilled(copy_, "flip at " + std::to_string(at));
    EXPECT_FALSE(fs::is_empty(copy_ / "shards/0/aside")) << "what was cut off is not kept";
    if (HasFailure()) return;
  }
}

TEST_F(Recovery, NoticesALogThatWasCutAnywhere) {
  const uint64_t size = fs::file_size(logs_of(whole_).front());
  std::mt19937_64 random(12);
  std::vector<uint64_t> places{0, 1, 7, size - 1};
  for (int i = 0; i < (long_form() ? 100 : 12); ++i) places.push_back(random() % size);
  for (const uint64_t at : places) {
    copy_store(whole_, copy_);
    fs::resize_file(logs_of(copy_).front(), at);
    expect_noticed_and_refilled(copy_, "cut to " + std::to_string(at));
    if (HasFailure()) return;
  }
}

TEST_F(Recovery, NoticesALogThatWasTakenAwayOrIsAnOlderOne) {
  copy_store(whole_, copy_);
  fs::remove(logs_of(copy_).front());
  expect_noticed_and_refilled(copy_, "removed");

  ASSERT_EQ(logs_of(older_).front().filename(), logs_of(whole_).front().filename());
  copy_store(whole_, copy_);
  fs::copy_file(logs_of(older_).front(), logs_of(copy_).front(),
                fs::copy_options::overwrite_existing);
  expect_noticed_and_refilled(copy_, "older log");

  copy_store(whole_, copy_);
  fs::remove_all(copy_ / "shards/0/db");
  fs::copy(older_ / "shards/0/db", copy_ / "shards/0/db", fs::copy_options::recursive);
  expect_noticed_and_refilled(copy_, "older database");
}

// RocksDB passes over a record whose header is zeros, and over the rest of its block.
TEST_F(Recovery, NoticesARecordThatWasZeroed) {
  copy_store(whole_, copy_);
  const auto log = logs_of(copy_).front();
  std::ifstream in(log, std::ios::binary);
  const Bytes bytes{std::istreambuf_iterator<char>(in), {}};
  size_t at = 0;  // the second record: behind the first, whose length stands in its header
  at = 7 + static_cast<uint8_t>(bytes[4]) + 256u * static_cast<uint8_t>(bytes[5]);
  std::fstream out(log, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(at));
  out << Bytes(7, '\0');
  out.close();
  expect_noticed_and_refilled(copy_, "zeroed at " + std::to_string(at));
}

// RocksDB aborts on it, so a reader may not open it; the writer moves it aside.
TEST_F(Recovery, NoticesABatchThatStandsInTheLogAgain) {
  copy_store(whole_, copy_);
  const fs::path log = logs_of(copy_).front();
  const Bytes bytes = *read_file(log, 64u << 20);
  size_t at = 0, last = 0;  // the newest batch that is whole in one record (type 1)
  while (at + 7 <= bytes.size()) {
    if (32768 - at % 32768 < 7) {
      at += 32768 - at % 32768;
      continue;
    }
    if (bytes[at + 6] == 1) last = at;
    at += 7 + load_le<uint16_t>(bytes.data() + at + 4);
  }
  const size_t size = 7 + load_le<uint16_t>(bytes.data() + last + 4);
  ASSERT_GE(32768 - at % 32768, size) << "it would not fit in the block";
  std::ofstream(log, std::ios::binary | std::ios::app) << bytes.substr(last, size);
  {
    const auto store = Store::open(copy_, readable());
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Code::kCorrupt);
  }
  { ASSERT_TRUE(Store::open(copy_, writable())); }
  auto store = Store::open(copy_, readable());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->shard(0).commits(), kCommits);
  EXPECT_EQ(*(*store)->case_digest(maker_.case_id), digest_);
}

// Without it nobody can tell whether the newest commits are there; said until all is read again.
TEST_F(Recovery, NoticesThatTheCounterWasTakenAway) {
  for (const bool emptied : {false, true}) {
    copy_store(whole_, copy_);
    const fs::path commits = copy_ / "shards/0/commits";
    if (emptied) {
      fs::resize_file(commits, 0);
    } else {
      fs::remove(commits);
    }
    {
      auto store = Store::open(copy_, readable());
      ASSERT_TRUE(store) << store.error().message;
      EXPECT_TRUE((*store)->shard(0).recovered().torn_tail);
      EXPECT_TRUE(says(**store, "cannot be told")) << all_notices(**store);
    }
    { ASSERT_TRUE(Store::open(copy_, writable())); }
    {
      auto store = Store::open(copy_, readable());
      ASSERT_TRUE(store);
      EXPECT_TRUE((*store)->shard(0).recovered().torn_tail);
      EXPECT_TRUE(says(**store, "at an earlier opening")) << all_notices(**store);
    }
    {
      auto store = Store::open(copy_, writable());
      ASSERT_TRUE(store);
      refill(**store, maker_);
    }
    auto store = Store::open(copy_, readable());
    ASSERT_TRUE(store);
    EXPECT_FALSE((*store)->shard(0).recovered().torn_tail) << all_notices(**store);
  }
}

TEST_F(Recovery, RefusesADatabaseWithoutAFileThatItNeedsAndDeletesNothing) {
  { ASSERT_TRUE(Store::open(whole_, writable())); }  // the log goes to tables
  for (const char* kind : {"MANIFEST-", "CURRENT", ".sst"}) {
    copy_store(whole_, copy_);
    for (const auto& file : fs::directory_iterator(copy_ / "shards/0/db"))
      if (file.path().filename().string().find(kind) != std::string::npos) fs::remove(file.path());
    size_t files = 0;
    for (const auto& file : fs::directory_iterator(copy_ / "shards/0/db"))
      files += file.path().extension() == ".sst";
    for (const Options& how : {readable(), writable()}) {
      auto store = Store::open(copy_, how);
      ASSERT_FALSE(store) << kind;
      EXPECT_NE(store.error().message.find("restore"), std::string::npos) << store.error().message;
    }
    size_t left = 0;
    for (const auto& file : fs::directory_iterator(copy_ / "shards/0/db"))
      left += file.path().extension() == ".sst";
    EXPECT_EQ(left, files) << kind;
  }
}

TEST_F(Recovery, FinishesACommitThatWasCutShortBeforeItsFilesWereWritten) {
  for (const bool ledger_too : {false, true}) {
    copy_store(whole_, copy_);
    in_killed_process([&] {
      Store& store = open_for_good(copy_, writable());
      ASSERT_TRUE(commit_one(store.shard(0), maker_, kCommits));
      const fs::path shard = copy_ / "shards/0";
      fs::copy_file(shard / "commits", dir_.path() / "commits",
                    fs::copy_options::overwrite_existing);
      fs::copy_file(shard / "ledger", dir_.path() / "ledger", fs::copy_options::overwrite_existing);
      auto batch = store.shard(0).begin();
      batch.put_epoch_opened(maker_.case_id, Epoch{77}, v1::PRODUCER_ROLE_ANALYSIS, Digest{3});
      ASSERT_TRUE(store.shard(0).commit(std::move(batch)));
      // The files as they were before that commit, written over: the inode stays.
      for (const char* name : {"commits", "ledger"}) {
        if (name == std::string("ledger") && !ledger_too) continue;
        std::ifstream in(dir_.path() / name, std::ios::binary);
        std::ofstream out(shard / name, std::ios::binary | std::ios::trunc);
        out << in.rdbuf();
      }
    });
    auto store = Store::open(copy_, writable());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE((*store)->notices().empty()) << all_notices(**store);
    EXPECT_EQ((*store)->shard(0).ledger(maker_.case_id)->size(), 3u);
    ASSERT_TRUE(commit_one((*store)->shard(0), maker_, kCommits + 1));
    size_t entries = 0;
    auto walked = (*store)->shard(0).for_each_ledger([&](const LedgerEntry&) {
      ++entries;
      return ok();
    });
    EXPECT_TRUE(walked) << walked.error().message;
    EXPECT_EQ(entries, 3u);
  }
}

TEST_F(Recovery, RemembersAnEpochWhoseRowsWereDeleted) {
  copy_store(whole_, copy_);
  {
    auto db = Database::open(copy_ / "shards/0", writable());
    ASSERT_TRUE(db) << db.error().message;
    ASSERT_TRUE(
        (*db)->db().Delete({}, (*db)->family(Family::kCase), slice(maker_.case_id.view())).ok());
  }
  auto store = Store::open(copy_, readable());
  ASSERT_TRUE(store);
  EXPECT_FALSE(*(*store)->find_case(maker_.case_id));
  const auto entries = (*store)->shard(0).ledger(maker_.case_id);
  ASSERT_TRUE(entries && entries->size() == 2u);
  EXPECT_EQ(entries->at(0).epoch, maker_.epoch);
  EXPECT_TRUE(!entries->at(0).closed && entries->at(0).commit == 1u);
  EXPECT_EQ(entries->at(0).leaf, Digest{1});
  EXPECT_TRUE(entries->at(1).closed && entries->at(1).role == v1::PRODUCER_ROLE_RECORDER);
  EXPECT_EQ((*store)->shard(0).ledger(maker_.case_id)->size(), 2u) << "asked again";
  flip(copy_ / "shards/0/ledger", 20);
  EXPECT_FALSE((*store)->shard(0).ledger(maker_.case_id)) << "a third time, of a changed file";
}

// Else one case would be listed twice, and be none that can be asked for.
TEST_F(Recovery, ARecordUnderTheKeyOfAnotherCaseHidesNoneAndTellsNothing) {
  copy_store(whole_, copy_);
  CaseId other = maker_.case_id;
  other.bytes[15] ^= 1;
  {
    auto db = Database::open(copy_ / "shards/0", writable());
    ASSERT_TRUE(db) << db.error().message;
    const auto row = (*db)->get(Family::kCase, maker_.case_id.view());
    ASSERT_TRUE(row && *row);
    ASSERT_TRUE(
        (*db)->db().Put({}, (*db)->family(Family::kCase), slice(other.view()), slice(**row)).ok());
  }
  auto store = Store::open(copy_, readable());
  ASSERT_TRUE(store) << store.error().message;
  const auto listed = (*store)->cases();
  ASSERT_TRUE(listed && listed->size() == 2u);
  for (const v1::CaseRecord& record : *listed) {
    const bool forged = BytesView(record.case_id()) == other.view();
    EXPECT_EQ(record.epochs().empty(), forged);
    EXPECT_TRUE(is_operation(record)) << "whatever it is, it is listed";
  }
}

TEST_F(Recovery, NoticesAChangedLedgerAndCompletesItFromTheDatabase) {
  const auto walk = [](const Store& store) {
    return store.shard(0).for_each_ledger([](const LedgerEntry&) { return ok(); });
  };
  copy_store(whole_, copy_);
  flip(copy_ / "shards/0/ledger", 20);
  {
    auto store = Store::open(copy_, readable());
    ASSERT_TRUE(store);
    const auto walked = walk(**store);
    ASSERT_FALSE(walked);
    EXPECT_EQ(walked.error().code, Code::kCorrupt);
    EXPECT_FALSE((*store)->shard(0).ledger(maker_.case_id));
  }
  for (const bool gone : {false, true}) {
    copy_store(whole_, copy_);
    if (gone) {
      fs::remove(copy_ / "shards/0/ledger");
    } else {
      fs::resize_file(copy_ / "shards/0/ledger", kLedgerRecordSize);
    }
    {
      auto store = Store::open(copy_, writable());
      ASSERT_TRUE(store) << store.error().message;
      EXPECT_TRUE(says(**store, "ledger lost its newest")) << all_notices(**store);
      EXPECT_TRUE(walk(**store));
    }
    auto store = Store::open(copy_, readable());
    EXPECT_EQ((*store)->shard(0).ledger(maker_.case_id)->size(), 2u);
  }
}

// In a copy taken while the store was written the ledger may be the older file.
TEST_F(Recovery, ReadsTheLedgerOfACopyAsFarAsItWent) {
  for (const uint64_t records : {1, 0}) {
    copy_store(whole_, copy_);
    fs::resize_file(copy_ / "shards/0/ledger", records * kLedgerRecordSize + 5);
    auto store = Store::open(copy_, readable());
    ASSERT_TRUE(store) << store.error().message;
    uint64_t seen = 0;
    const auto walked = (*store)->shard(0).for_each_ledger([&](const LedgerEntry&) {
      ++seen;
      return ok();
    });
    EXPECT_TRUE(walked) << walked.error().message;
    EXPECT_EQ(seen, records);
    EXPECT_EQ((*store)->shard(0).ledger(maker_.case_id)->size(), records);
  }
}

TEST_F(Recovery, GivesAStoreFromBeforeItsLedgerAndSaysSoOnce) {
  copy_store(whole_, copy_);
  {
    auto db = Database::open(copy_ / "shards/0", writable());
    ASSERT_TRUE(db);
    for (const auto& [from, to] : {std::pair("commit", "commiu"), std::pair("ledger/", "ledger0")})
      ASSERT_TRUE((*db)->db().DeleteRange({}, (*db)->family(Family::kMeta), from, to).ok());
  }
  fs::remove(copy_ / "shards/0/commits");
  fs::remove(copy_ / "shards/0/ledger");
  {
    auto store = Store::open(copy_, readable());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE((*store)->notices().empty()) << all_notices(**store);
    EXPECT_TRUE((*store)->shard(0).ledger(maker_.case_id)->empty());
  }
  for (const bool first : {true, false}) {
    auto store = Store::open(copy_, writable());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(says(**store, "before there was a ledger"), first) << all_notices(**store);
    const auto entries = (*store)->shard(0).ledger(maker_.case_id);
    ASSERT_TRUE(entries);
    EXPECT_EQ(entries->size(), 1u) << "the epoch's record says open";
    ASSERT_TRUE(commit_one((*store)->shard(0), maker_, kCommits));
  }
}

// Offsets stand in the first shard; when another loses its rows they must go back too.
TEST(RecoveryOfShards, SetsOffsetsBackWhereAnotherShardLostRows) {
  TempDir dir;
  FrameMaker maker;
  const auto at = dir.path() / "s";
  Options options = writable();
  options.shards = 2;
  in_killed_process([&] {
    Store& store = open_for_good(at, options);
    for (uint64_t n = 0; n < 5; ++n) {
      ASSERT_TRUE(commit_one(store.shard(1), maker, n));
      if (n == 2) fs::copy_file(logs_of(at, 1).front(), dir.path() / "log");
      auto offsets = store.shard(0).begin();
      offsets.put_offset(kSource, n + 1);
      offsets.put_offset("casebox.wave.v1/0", 100 + n);
      offsets.put_offset("casebox.wave.v1/1", 200 + n);
      ASSERT_TRUE(store.shard(0).commit(std::move(offsets)));
    }
  });
  fs::copy_file(dir.path() / "log", logs_of(at, 1).front(), fs::copy_options::overwrite_existing);
  auto store = Store::open(at, options);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->shard(1).recovered().lost_commits, 2u);
  EXPECT_EQ(offset_of((*store)->shard(0)), 3u);
  const auto offsets = (*store)->shard(0).offsets();
  ASSERT_TRUE(offsets);
  for (const auto& [source, next] : *offsets) {
    if (source == "casebox.wave.v1/0") {
      EXPECT_EQ(next, 104u) << "records of the other shard";
    } else if (source == "casebox.wave.v1/1") {
      EXPECT_EQ(next, 0u) << "new in what was lost";
    }
  }
}

// ── segments ───────────────────────────────────────────────────────────────────────────────────

std::vector<fs::path> segments_below(const fs::path& dir) {
  std::vector<fs::path> files;
  std::error_code ec;
  for (const auto& file : fs::recursive_directory_iterator(dir, ec))
    if (file.is_regular_file()) files.push_back(file.path());
  return files;
}

TEST_F(Recovery, MovesAsideWhatWasNeverCommittedToSegments) {
  const auto media = whole_ / "shards/0/media", aside = whole_ / "shards/0/aside";
  const auto segment = segments_below(media).front();
  const auto size = fs::file_size(segment);
  std::ofstream(segment, std::ios::app) << "torn";
  std::ofstream(segment.parent_path() / "00000007.seg") << "unknown";
  auto store = Store::open(whole_, writable());
  ASSERT_TRUE(store);
  EXPECT_EQ((*store)->shard(0).recovered().segment_bytes, 4u + 7u);
  EXPECT_EQ(fs::file_size(segment), size);
  std::multiset<Bytes> kept;
  for (const auto& file : segments_below(aside)) {
    std::ifstream in(file, std::ios::binary);
    kept.insert(Bytes{std::istreambuf_iterator<char>(in), {}});
  }
  EXPECT_EQ(kept, (std::multiset<Bytes>{"torn", "unknown"}));
  expect_whole(**store, maker_);
  ASSERT_TRUE(commit_one((*store)->shard(0), maker_, kCommits));
  expect_whole(**store, maker_);
}

TEST_F(Recovery, KeepsAllMediaWhenTheRowsOfTheirSegmentsAreDamaged) {
  const auto row = segment_key(maker_.case_id, kVideo, 0);
  for (const Bytes& value : {Bytes("x"), Bytes(8, '\0'), Bytes()}) {
    copy_store(whole_, copy_);
    {
      auto db = Database::open(copy_ / "shards/0", writable());
      ASSERT_TRUE(db);
      auto* family = (*db)->family(Family::kSegment);
      ASSERT_TRUE(value.empty() ? (*db)->db().Delete({}, family, slice(row)).ok()
                                : (*db)->db().Put({}, family, slice(row), slice(value)).ok());
    }
    auto store = Store::open(copy_, writable());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(commit_one((*store)->shard(0), maker_, kCommits));
    expect_whole(**store, maker_);
  }
}

}  // namespace
}  // namespace casebox::storage
