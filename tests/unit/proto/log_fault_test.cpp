// A disk without room and a process without warning of its end.

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <thread>

#include "tests/unit/proto/log_fixture.h"

// The disk's answer to a flush, for the whole test program: so many more fail.
static int failing_syncs = 0;
extern "C" int fdatasync(int fd) {
  if (failing_syncs > 0) {
    --failing_syncs;
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace casebox::log::test {
namespace {

class LogFault : public LogTest {};

// The process's limit on file sizes stands in for a full disk: a write crosses it in part (a short
// write), then fails, as on a disk that fills up. SIGXFSZ is ignored, so the write returns.
class FullDisk {
 public:
  FullDisk() {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    old_ = ::signal(SIGXFSZ, SIG_IGN);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, old_);
  }
  void holds(uint64_t bytes) {
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }

 private:
  rlimit before_{};
  sighandler_t old_ = SIG_DFL;
};

TEST_F(LogFault, AFullDiskRefusesFramesAndTakesTheSameBytesOnceThereIsRoom) {
  FullDisk disk;
  auto w = writer();
  begin(*w);
  fill(*w, 5, 1000);
  ASSERT_TRUE(w->sync());
  const Bytes frame = event(1000);
  for (uint64_t room : {uint64_t{0}, uint64_t{1}, uint64_t{63}, uint64_t{64}, uint64_t{700},
                        uint64_t{frame.size() - 1}}) {
    SCOPED_TRACE(room);
    const Offset end = w->end();
    disk.holds(end.byte + room);
    for (int attempt = 0; attempt < 3; ++attempt) {
      auto refused = w->append(frame);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Code::kNoSpace) << refused.error().message;
      EXPECT_EQ(w->end(), end);
    }
    EXPECT_TRUE(w->sync());
    EXPECT_EQ(read().frames, sent_);
    const Read all = read({.below_durable_only = false});
    EXPECT_EQ(all.frames, sent_);
    EXPECT_TRUE(all.damage.empty()) << all.damage[0].what;
  }
  disk.holds(w->end().byte + frame.size());
  append(*w, frame);
  ASSERT_TRUE(w->sync());
  disk.holds(1 << 30);
  append(*w, event(1000));
  ASSERT_TRUE(w->end_case());
  const Read all = read();
  EXPECT_EQ(all.frames, sent_);
  EXPECT_TRUE(all.damage.empty());
}

TEST_F(LogFault, AFullDiskAtTheEndOfAFileLeavesTheFileOpen) {
  FullDisk disk;
  WriterOptions small;
  small.file_size = 8 << 10;
  auto w = writer(small);
  begin(*w);
  fill(*w, 7, 1000);
  ASSERT_EQ(files(dir())->size(), 1u);
  const Bytes frame = event(1000);
  disk.holds(100);  // not even the next file's header
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto refused = w->append(frame);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kNoSpace) << refused.error().message;
  }
  EXPECT_EQ(files(dir())->size(), 1u);
  EXPECT_FALSE(fs::exists(file(2).string() + ".new"));
  disk.holds(1 << 30);
  append(*w, frame);
  ASSERT_TRUE(w->end_case());
  EXPECT_EQ(files(dir())->size(), 2u);
  const Read all = read();
  EXPECT_EQ(all.frames, sent_);
  EXPECT_TRUE(all.damage.empty());
}

TEST_F(LogFault, AFailedSyncPublishesNothingAndTheNextOneWritesTheFramesAnew) {
  auto w = writer();
  begin(*w);
  fill(*w, 3, 1000);
  const Offset before = w->durable();
  failing_syncs = 2;
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto synced = w->sync();
    ASSERT_FALSE(synced);
    EXPECT_EQ(synced.error().code, Code::kIo);
    EXPECT_EQ(w->durable(), before);
    EXPECT_TRUE(read().frames.empty());
  }
  append(*w, event(1000));
  ASSERT_TRUE(w->sync());
  EXPECT_EQ(read().frames, sent_);
}

TEST_F(LogFault, AFailedSyncThatLostFramesIsNeverForgotten) {
  auto w = writer();
  begin(*w);
  fill(*w, 3, 1000);
  const Offset before = w->durable();
  failing_syncs = 1;
  ASSERT_FALSE(w->sync());
  overwrite(file(1), before.byte + 300, "what the page cache no longer has");
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto synced = w->sync();
    ASSERT_FALSE(synced);
    EXPECT_EQ(synced.error().code, Code::kIo) << synced.error().message;
  }
  EXPECT_EQ(w->durable(), before);
  EXPECT_FALSE(w->end_case());
  w.reset();
  EXPECT_TRUE(read().frames.empty());
  // Recovery keeps what is whole and sets the rest aside.
  auto done = recover(dir());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->torn);
  EXPECT_EQ(read().frames, std::vector<Bytes>(sent_.begin(), sent_.begin() + 2));
}

TEST_F(LogFault, WhatWasDurableWhenTheWriterWasKilledIsThereAfterRecovery) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(round);
    fs::remove_all(dir());
    int said[2];
    ASSERT_EQ(::pipe(said), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {  // no gtest in here: whatever fails ends the child
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      SystemClock clock;
      auto w =
          Writer::open(dir(), clock, {.file_size = 512 << 10, .sync_interval = milliseconds(1)});
      if (!w || !(*w)->begin_case(maker_.case_id, maker_.producer, maker_.role)) ::_exit(1);
      uint64_t appended = 0;
      while (appended < 200'000) {
        if (!(*w)->append(event(100 + appended * 37 % 3000))) ::_exit(1);
        ++appended;
        if (!(*w)->maybe_sync()) ::_exit(1);
        if ((*w)->durable() == (*w)->end() && ::write(said[1], &appended, 8) != 8) ::_exit(1);
      }
      ::_exit(1);
    }
    ::close(said[1]);
    uint64_t durable = 0;
    // The first offset said proves that it runs; then it lives for a random while.
    ASSERT_EQ(::read(said[0], &durable, 8), 8);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
    ::kill(child, SIGKILL);
    for (uint64_t next; ::read(said[0], &next, 8) == 8;) durable = next;
    ::close(said[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));

    auto done = recover(dir());
    ASSERT_TRUE(done) << done.error().message;
    const Read all = read();
    EXPECT_TRUE(all.damage.empty()) << all.damage[0].what;
    EXPECT_GE(all.frames.size(), durable);
    uint64_t number = 0;
    for (const Bytes& bytes : all.frames) {
      auto frame = frame::parse(bytes);
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->header.first.value, number++);
    }
    auto w = writer();
    ASSERT_TRUE(w);
  }
}

}  // namespace
}  // namespace casebox::log::test
