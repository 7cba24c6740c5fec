#pragma once

// Stores for tests: how they are opened, what is put into them, what stands in them.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "storage/store.h"
#include "tests/support/frames.h"

namespace casebox::storage {

namespace fs = std::filesystem;

using testing::FrameMaker;
using testing::TempDir;
constexpr StreamId kEvents{1}, kWave{2}, kVideo{3};

inline Options writable() {
  Options o;
  o.create = true;
  o.write_buffer_bytes = 4u << 20;
  return o;
}
inline Options readable() {
  Options o;
  o.read_only = true;
  return o;
}

inline Table table_for(StreamId s) {
  return s == kWave ? Table::kWave : s == kVideo ? Table::kMedia : Table::kEvent;
}

inline void put_record(Batch& batch, const FrameMaker& maker) {
  v1::CaseRecord record;
  record.set_case_id(Bytes(maker.case_id.view()));
  auto& epoch = *record.add_epochs();
  epoch.set_epoch(maker.epoch.value);
  epoch.set_role(v1::PRODUCER_ROLE_RECORDER);
  for (StreamId id : {kEvents, kWave, kVideo}) {
    auto& s = *record.add_streams();
    s.set_epoch(maker.epoch.value);
    s.mutable_stream()->set_stream_id(id.value);
  }
  batch.put_case(record);
}

inline void put(Batch& batch, const FrameMaker& maker, const Bytes& bytes) {
  auto view = frame::parse(bytes);
  ASSERT_TRUE(view);
  auto done = batch.put_frame(maker.case_id, 0, table_for(view->header.stream), *view, {});
  ASSERT_TRUE(done) << done.error().message;
}

inline std::vector<Bytes> scan_all(const Shard& shard, ScanRange range) {
  auto scan = shard.scan(range);
  EXPECT_TRUE(scan) << scan.error().message;
  std::vector<Bytes> out;
  if (!scan) return out;
  while (true) {
    auto next = scan->next();
    EXPECT_TRUE(next) << next.error().message;
    if (!next || !*next) return out;
    out.push_back((*next)->bytes);
  }
}

/// A store that is never closed.
inline Store& open_for_good(const fs::path& at, const Options& options) {
  auto store = Store::open(at, options);
  EXPECT_TRUE(store) << store.error().message;
  if (!store) ::_exit(3);
  return *store->release();
}

/// Runs `work` in a process of its own that ends as one that is killed: nothing is closed.
template <typename Work>
void in_killed_process(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

constexpr uint64_t kCommits = 24;
constexpr const char* kSource = "test";

inline bool long_form() { return std::getenv("CASEBOX_TEST_LONG") != nullptr; }

/// The frames of one commit: a number on every stream. The same whenever they are made.
inline std::vector<Bytes> frames_of(const FrameMaker& maker, uint64_t n) {
  FrameMaker at = maker;
  std::vector<Bytes> frames;
  for (StreamId id : {kEvents, kWave, kVideo}) {
    at.next[id.value] = n;
    frames.push_back(at.make(frame::Kind::kData, id, {static_cast<int64_t>(n)},
                             Bytes(300 + n * 7 % 50, static_cast<char>('a' + n % 20))));
  }
  return frames;
}

/// Commits number n as ingest would: rows, the case's record, the offset behind it. The first one
/// opens the epoch, the last closes it.
inline Result<void> commit_one(Shard& shard, const FrameMaker& maker, uint64_t n) {
  auto batch = shard.begin();
  put_record(batch, maker);
  for (const Bytes& bytes : frames_of(maker, n)) put(batch, maker, bytes);
  if (n == 0) batch.put_epoch_opened(maker.case_id, maker.epoch, maker.role, Digest{1});
  if (n + 1 == kCommits) batch.put_epoch_closed(maker.case_id, maker.epoch, maker.role, Digest{2});
  batch.put_offset(kSource, n + 1);
  return shard.commit(std::move(batch));
}

inline uint64_t offset_of(const Shard& shard) {
  auto offsets = shard.offsets();
  EXPECT_TRUE(offsets);
  for (const auto& [source, next] : *offsets)
    if (source == kSource) return next;
  return 0;
}

/// Everything below the offset is there, and nothing else.
inline void expect_whole(const Store& store, const FrameMaker& maker) {
  const Shard& shard = store.shard(0);
  std::multiset<Bytes> wanted;
  for (uint64_t n = 0; n < offset_of(shard); ++n)
    for (Bytes& bytes : frames_of(maker, n)) wanted.insert(std::move(bytes));
  const auto found = scan_all(shard, {maker.case_id});
  EXPECT_EQ(std::multiset<Bytes>(found.begin(), found.end()), wanted);
}

inline bool says(const Store& store, const std::string& text) {
  return std::ranges::any_of(store.notices(), [&](const std::string& line) {
    return line.find(text) != std::string::npos;
  });
}

inline std::string all_notices(const Store& store) {
  std::string all;
  for (const std::string& line : store.notices()) all += line + "\n";
  return all;
}

inline void copy_store(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

/// A process that commits until it is killed.
class Writer {
 public:
  Writer(const fs::path& at, const FrameMaker& maker, size_t buffer) {
    child_ = ::fork();
    if (child_ != 0) return;
    Options options = writable();
    options.write_buffer_bytes = buffer;
    auto store = Store::open(at, options);
    if (!store) ::_exit(3);
    for (uint64_t n = offset_of((*store)->shard(0));; ++n)
      if (!commit_one((*store)->shard(0), maker, n)) ::_exit(4);
  }
  ~Writer() { end(); }
  void end() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }

 private:
  pid_t child_ = 0;
};

inline void wait_for_store(const fs::path& at) {
  for (int i = 0; i < 2000; ++i) {
    if (fs::exists(at / "shards/0/ledger")) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace casebox::storage
