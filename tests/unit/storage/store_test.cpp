#include "storage/store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "tests/unit/storage/store_support.h"

namespace casebox::storage {
namespace {

TEST(Store, KeepsFramesVerbatimOverCloseAndReopen) {
  TempDir dir;
  FrameMaker maker;
  std::vector<Bytes> frames;
  {
    auto store = Store::open(dir.path() / "s", writable());
    ASSERT_TRUE(store) << store.error().message;
    auto batch = (*store)->shard(0).begin();
    put_record(batch, maker);
    frames.push_back(maker.open());
    for (int64_t i = 0; i < 20; ++i)
      for (StreamId id : {kEvents, kWave, kVideo})
        frames.push_back(maker.make(frame::Kind::kData, id, {i * 1'000'000'000},
                                    Bytes(1000 + static_cast<size_t>(i), 'x'), 2, seconds(1)));
    for (const auto& f : frames) put(batch, maker, f);
    batch.put_offset("log/import", 77);
    auto done = (*store)->shard(0).commit(std::move(batch));
    ASSERT_TRUE(done) << done.error().message;
  }
  auto store = Store::open(dir.path() / "s", readable());
  ASSERT_TRUE(store) << store.error().message;
  const Shard& shard = (*store)->shard(0);
  auto found = scan_all(shard, {maker.case_id});
  EXPECT_EQ(std::multiset<Bytes>(found.begin(), found.end()),
            std::multiset<Bytes>(frames.begin(), frames.end()));
  EXPECT_EQ(shard.offsets()->at(0), (std::pair<std::string, uint64_t>("log/import", 77)));
  uint64_t number = 0;
  ASSERT_TRUE(shard.for_each_frame(maker.case_id, maker.epoch, kVideo, [&](const StoredFrame& f) {
    EXPECT_EQ(f.view().header.first.value, number);
    number = f.view().header.next();
    return ok();
  }));
  EXPECT_EQ(number, 40u);
  EXPECT_EQ(*shard.end_number(maker.case_id, 0, kWave), 40u);
  EXPECT_TRUE((*store)->case_digest(maker.case_id));
}

TEST(Store, ScansAHalfOpenRangeWithTheFramesThatOverlapItsStart) {
  TempDir dir;
  FrameMaker maker;
  auto store = Store::open(dir.path() / "s", writable());
  ASSERT_TRUE(store);
  Shard& shard = (*store)->shard(0);
  auto batch = shard.begin();
  put_record(batch, maker);
  for (int64_t i = -5; i < 100; ++i)
    for (StreamId id : {kEvents, kWave, kVideo})
      put(batch, maker,
          maker.make(frame::Kind::kData, id, {i * 1'000'000'000}, "body", 1, seconds(1)));
  ASSERT_TRUE(shard.commit(std::move(batch)));
  ScanRange range{maker.case_id, {2'500'000'000}, {5'000'000'000}};
  auto found = scan_all(shard, range);
  ASSERT_EQ(found.size(), 9u);  // 2, 3 and 4 s of each
  std::vector<std::pair<int64_t, uint32_t>> order;
  for (const auto& f : found)
    order.emplace_back(frame::parse(f)->header.t.ns, frame::parse(f)->header.stream.value);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.front().first, 2'000'000'000);
  range.streams = {kWave};
  EXPECT_EQ(scan_all(shard, range).size(), 3u);
  range.to = range.from;
  EXPECT_TRUE(scan_all(shard, range).empty());
}

TEST(Store, ListsMediaHeadersWithoutReadingTheSegments) {
  TempDir dir;
  FrameMaker maker;
  auto store = Store::open(dir.path() / "s", writable());
  ASSERT_TRUE(store);
  Shard& shard = (*store)->shard(0);
  auto batch = shard.begin();
  put_record(batch, maker);
  for (int64_t i = 0; i < 10; ++i)
    put(batch, maker,
        maker.make(frame::Kind::kData, kVideo, {i * 1'000'000'000}, Bytes(500, 'x'), 3,
                   seconds(1)));
  ASSERT_TRUE(shard.commit(std::move(batch)));
  std::filesystem::remove_all(dir.path() / "s" / "shards" / "0" / "media");
  std::vector<int64_t> times;
  auto visited = shard.for_each_media_header(maker.case_id, kVideo, [&](const frame::Header& h) {
    EXPECT_EQ(h.count, 3u);
    EXPECT_EQ(h.body_size, 500u);
    times.push_back(h.t.seconds());
    return ok();
  });
  ASSERT_TRUE(visited) << visited.error().message;
  EXPECT_EQ(times, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  auto scan = shard.scan({maker.case_id});
  EXPECT_FALSE(scan->next());  // the bytes themselves are gone
}

TEST(Store, FindsOverlappingNumbers) {
  TempDir dir;
  FrameMaker maker;
  auto store = Store::open(dir.path() / "s", writable());
  Shard& shard = (*store)->shard(0);
  auto batch = shard.begin();
  for (int i = 0; i < 5; ++i)
    put(batch, maker, maker.make(frame::Kind::kData, kWave, {i}, "body", 10));
  ASSERT_TRUE(shard.commit(std::move(batch)));
  EXPECT_EQ(
      (*shard.find_overlap(maker.case_id, 0, kWave, ItemNumber{15}, 1))->view().header.first.value,
      10u);
  EXPECT_EQ((*shard.find_overlap(maker.case_id, 0, kWave, ItemNumber{45}, 100))
                ->view()
                .header.first.value,
            40u);
  EXPECT_FALSE(*shard.find_overlap(maker.case_id, 0, kWave, ItemNumber{50}, 10));
  EXPECT_FALSE(*shard.find_overlap(maker.case_id, 0, kVideo, ItemNumber{0}, 10));
}

TEST(Store, ReadersBesideAWriterSeeWhatWasCommittedWhenTheyRefresh) {
  TempDir dir;
  FrameMaker maker;
  auto store = Store::open(dir.path() / "s", writable());
  ASSERT_TRUE(store);
  auto reader = Store::open(dir.path() / "s", readable());
  ASSERT_TRUE(reader) << reader.error().message;
  auto batch = (*store)->shard(0).begin();
  put_record(batch, maker);
  put(batch, maker, maker.make(frame::Kind::kData, kVideo, {}, "body"));
  ASSERT_TRUE((*store)->shard(0).commit(std::move(batch)));
  EXPECT_TRUE(scan_all((*reader)->shard(0), {maker.case_id}).empty());
  ASSERT_TRUE((*reader)->refresh());
  EXPECT_EQ(scan_all((*reader)->shard(0), {maker.case_id}).size(), 1u);
}

TEST(Store, ReportsAFlippedByteInASegmentAndInAnSst) {
  TempDir dir;
  FrameMaker maker;
  const auto at = dir.path() / "s";
  {
    auto store = Store::open(at, writable());
    auto batch = (*store)->shard(0).begin();
    put_record(batch, maker);
    for (StreamId id : {kWave, kVideo})
      for (int i = 0; i < 50; ++i)
        put(batch, maker, maker.make(frame::Kind::kData, id, {i}, Bytes(3000, 'q')));
    ASSERT_TRUE((*store)->shard(0).commit(std::move(batch)));
    ASSERT_TRUE((*store)->shard(0).flush());
  }
  auto flip = [](const std::filesystem::path& file, uint64_t offset) {
    std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
    f.seekg(static_cast<std::streamoff>(offset));
    const char c = static_cast<char>(f.get() ^ 1);
    f.seekp(static_cast<std::streamoff>(offset));
    f.put(c);
  };
  auto visit = [&](StreamId id) -> std::optional<Code> {
    auto store = Store::open(at, readable());
    if (!store) return store.error().code;
    auto done = (*store)->shard(0).for_each_frame(maker.case_id, maker.epoch, id,
                                                  [](const StoredFrame&) { return ok(); });
    return done ? std::nullopt : std::optional<Code>(done.error().code);
  };
  EXPECT_EQ(visit(kVideo), std::nullopt);
  for (const auto& file : std::filesystem::recursive_directory_iterator(at / "shards/0/media"))
    if (file.is_regular_file()) flip(file.path(), file.file_size() / 2);
  EXPECT_EQ(visit(kVideo), Code::kCorrupt);
  EXPECT_EQ(visit(kWave), std::nullopt);
  for (const auto& file : std::filesystem::directory_iterator(at / "shards/0/db"))
    if (file.path().extension() == ".sst" && file.file_size() > 100'000)
      flip(file.path(), file.file_size() / 2);
  EXPECT_EQ(visit(kWave), Code::kCorrupt);
}

/// Commits batches until it is killed; each batch is one number on every stream, and its offset.
[[noreturn]] void write_forever(const std::filesystem::path& at, FrameMaker maker, int report) {
  auto store = Store::open(at, writable());
  if (!store) ::_exit(3);
  Shard& shard = (*store)->shard(0);
  uint64_t next = 0;
  if (auto offsets = shard.offsets(); offsets && !offsets->empty()) next = offsets->at(0).second;
  for (StreamId id : {kEvents, kWave, kVideo}) maker.next[id.value] = next;
  while (true) {
    auto batch = shard.begin();
    put_record(batch, maker);
    for (StreamId id : {kEvents, kWave, kVideo})
      put(batch, maker,
          maker.make(frame::Kind::kData, id, {static_cast<int64_t>(next)}, Bytes(2000, 'k')));
    batch.put_offset("test", ++next);
    if (!shard.commit(std::move(batch))) ::_exit(4);
    if (::write(report, &next, sizeof next) != sizeof next) ::_exit(5);
  }
}

TEST(Store, LosesAndDoublesNothingWhenItsWriterIsKilled) {
  TempDir dir;
  FrameMaker maker;
  const auto at = dir.path() / "s";
  std::mt19937 random(7);
  uint64_t committed = 0;
  for (int round = 0; round < 5; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    if (child == 0) write_forever(at, maker, pipe[1]);
    ::close(pipe[1]);
    for (uint32_t wanted = 1 + random() % 40; wanted > 0; --wanted)
      ASSERT_EQ(::read(pipe[0], &committed, sizeof committed),
                static_cast<ssize_t>(sizeof committed));
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &committed, sizeof committed) ==
           static_cast<ssize_t>(sizeof committed)) {
    }
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    auto store = Store::open(at, readable());
    ASSERT_TRUE(store) << store.error().message;
    const uint64_t stored = (*store)->shard(0).offsets()->at(0).second;
    EXPECT_GE(stored, committed);
    EXPECT_LE(stored, committed + 1);
    EXPECT_EQ(scan_all((*store)->shard(0), {maker.case_id}).size(), stored * 3);
  }
}

/// Commits a frame of so many bytes; its number is used again when that fails.
Result<void> write_one(Shard& shard, FrameMaker& maker, StreamId id, size_t size) {
  auto batch = shard.begin();
  put_record(batch, maker);
  const uint64_t before = maker.next[id.value];
  put(batch, maker,
      maker.make(frame::Kind::kData, id, {static_cast<int64_t>(before)}, Bytes(size, 'z')));
  auto done = shard.commit(std::move(batch));
  if (!done) maker.next[id.value] = before;
  return done;
}

/// While it lives no file of this process grows beyond so many bytes: a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit small{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &old_); }

 private:
  rlimit old_{};
};

TEST(Store, RefusesABatchOnAFullDiskAndResumes) {
  TempDir dir;
  FrameMaker maker;
  const auto at = dir.path() / "s";
  auto store = Store::open(at, writable());
  ASSERT_TRUE(store);
  Shard& shard = (*store)->shard(0);
  ASSERT_TRUE(write_one(shard, maker, kVideo, 1000));
  ASSERT_TRUE(write_one(shard, maker, kWave, 1000));
  for (StreamId id : {kVideo, kWave}) {
    const auto refused = [&] {
      const FullDisk full(100'000);
      return write_one(shard, maker, id, 500'000);
    }();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kNoSpace) << refused.error().message;
    auto again = write_one(shard, maker, id, 500'000);
    ASSERT_TRUE(again) << again.error().message;
  }
  EXPECT_EQ(scan_all(shard, {maker.case_id}).size(), 4u);
  store->reset();
  auto reopened = Store::open(at, writable());
  ASSERT_TRUE(reopened) << reopened.error().message;
  EXPECT_EQ(scan_all((*reopened)->shard(0), {maker.case_id}).size(), 4u);
}

// The store is closed and opened again under its readers: they get an answer or kUnavailable.
TEST(Store, IsReadWhileAFailedWriteIsRecoveredFrom) {
  TempDir dir;
  FrameMaker maker;
  auto store = Store::open(dir.path() / "store", writable());
  ASSERT_TRUE(store) << store.error().message;
  Shard& shard = (*store)->shard(0);
  ASSERT_TRUE(write_one(shard, maker, kWave, 1000));
  std::atomic<int> answers = 0, strange = 0;
  std::jthread reader([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const auto cases = shard.cases();
      const auto offsets = shard.offsets();
      answers += cases.has_value() && offsets.has_value();
      if (!cases) strange += cases.error().code != Code::kUnavailable;
      if (!offsets) strange += offsets.error().code != Code::kUnavailable;
    }
  });
  size_t written = 1;
  for (int round = 0; round < 10; ++round) {
    const auto refused = [&] {
      const FullDisk full(100'000);
      return write_one(shard, maker, kWave, 500'000);
    }();
    ASSERT_FALSE(refused);
    auto again = write_one(shard, maker, kWave, 100);
    for (int wait = 0; !again && wait < 2000; ++wait) {
      ASSERT_EQ(again.error().code, Code::kUnavailable) << again.error().message;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      again = write_one(shard, maker, kWave, 100);
    }
    ASSERT_TRUE(again) << again.error().message;
    ++written;
  }
  reader.request_stop();
  reader.join();
  EXPECT_GT(answers, 0);
  EXPECT_EQ(strange, 0);
  EXPECT_EQ(scan_all(shard, {maker.case_id}).size(), written);
}

// What was begun while the store could not be opened again is made anew.
TEST(Store, SaysSoWhenItCannotBeOpenedAnewAndGoesOnWhenItCan) {
  TempDir dir;
  FrameMaker maker;
  auto store = Store::open(dir.path() / "store", writable());
  ASSERT_TRUE(store) << store.error().message;
  Shard& shard = (*store)->shard(0);
  ASSERT_TRUE(write_one(shard, maker, kWave, 1000));
  {
    const FullDisk full(100'000);
    ASSERT_FALSE(write_one(shard, maker, kWave, 500'000));
  }
  const auto db = dir.path() / "store/shards/0/db", away = dir.path() / "away";
  std::filesystem::rename(db, away);
  std::ofstream(db) << "not a folder";
  EXPECT_FALSE(write_one(shard, maker, kWave, 100));
  const auto cases = shard.cases();
  ASSERT_FALSE(cases);
  EXPECT_EQ(cases.error().code, Code::kUnavailable) << cases.error().message;
  Batch begun = shard.begin();
  put_record(begun, maker);
  std::filesystem::remove(db);
  std::filesystem::rename(away, db);
  const auto refused = shard.commit(std::move(begun));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable) << refused.error().message;
  const auto again = write_one(shard, maker, kWave, 100);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(scan_all(shard, {maker.case_id}).size(), 2u);
}

TEST(Store, RefusesACommitThatWouldTakeTheRoomKeptForUpkeep) {
  TempDir dir;
  FrameMaker maker;
  Options options = writable();
  options.reserve_bytes = uint64_t{1} << 60;
  {
    auto store = Store::open(dir.path() / "s", options);
    ASSERT_TRUE(store) << store.error().message;
    Shard& shard = (*store)->shard(0);
    auto batch = shard.begin();
    put_record(batch, maker);
    put(batch, maker, maker.open());
    const auto refused = shard.commit(std::move(batch));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kNoSpace);
    EXPECT_NE(refused.error().message.find("free space"), std::string::npos);
    EXPECT_FALSE(*shard.find_case(maker.case_id)) << "something of the batch was stored";
  }
  auto store = Store::open(dir.path() / "s", writable());
  ASSERT_TRUE(store) << store.error().message;
  auto batch = (*store)->shard(0).begin();
  put_record(batch, maker);
  put(batch, maker, maker.open());
  EXPECT_TRUE((*store)->shard(0).commit(std::move(batch)));
  EXPECT_TRUE(*(*store)->shard(0).find_case(maker.case_id));
}

}  // namespace
}  // namespace casebox::storage
