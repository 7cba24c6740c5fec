// A log after a crash, and a log that somebody changed: nothing durable is lost, nothing is skipped
// unsaid, nothing is thrown away.

#include "tests/unit/proto/log_fixture.h"

namespace casebox::log::test {
namespace {

class LogRecovery : public LogTest {
 protected:
  // A log whose last file ends with `last`, of which nothing is durable.
  void crash_with(BytesView last) {
    fs::remove_all(dir());
    sent_.clear();
    maker_ = casebox::testing::FrameMaker();
    {
      auto w = writer({.sync = false});  // the file is whole all the same, and the test fast
      begin(*w);
      fill(*w, 5);
    }
    std::ofstream out(file(1), std::ios::app | std::ios::binary);
    out.write(last.data(), static_cast<std::streamsize>(last.size()));
  }
  Recovery recovered() {
    auto done = recover(dir());
    if (!done) ADD_FAILURE() << done.error().message;
    return done.value_or(Recovery());
  }
  std::map<fs::path, std::pair<Bytes, fs::file_time_type>> snapshot() const {
    std::map<fs::path, std::pair<Bytes, fs::file_time_type>> out;
    for (const auto& entry : fs::directory_iterator(dir()))
      out[entry.path()] = {content(entry.path()), fs::last_write_time(entry.path())};
    return out;
  }
};

TEST_F(LogRecovery, SetsATailTornAtAnyByteAside) {
  casebox::testing::FrameMaker other;
  const Bytes last = other.event(kEvents, CaseTime{7}, "door");
  for (size_t cut = 1; cut < last.size(); ++cut) {
    for (bool preallocated : {false, true}) {
      SCOPED_TRACE(std::to_string(cut) + (preallocated ? " with zeros behind" : ""));
      const Bytes torn = last.substr(0, cut);
      crash_with(preallocated ? torn + Bytes(5000, '\0') : torn);
      const Bytes tail = torn.substr(0, torn.find_last_not_of('\0') + 1);
      auto refused = Writer::open(dir(), clock_);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().code, Code::kCorrupt);

      const Recovery done = recovered();
      EXPECT_TRUE(done.torn);
      EXPECT_EQ(done.truncated_bytes, tail.size());
      EXPECT_EQ(done.case_id, maker_.case_id);
      EXPECT_EQ(content(file(1).string() + ".torn"), tail);
      const Read all = read();
      ASSERT_EQ(all.frames, sent_);
      EXPECT_TRUE(all.damage.empty());
      EXPECT_EQ(done.end, all.entries.back().next);

      auto w = writer({.sync = false});
      begin(*w);
      append(*w, event());
      ASSERT_TRUE(w->end_case());
      ASSERT_EQ(read().frames, sent_);
    }
  }
}

TEST_F(LogRecovery, KeepsAWholeFrameThatWasNotDurable) {
  casebox::testing::FrameMaker other;
  const Bytes last = other.event(kEvents, CaseTime{7}, "door");
  crash_with(last);
  EXPECT_EQ(read().frames, sent_);
  const Recovery done = recovered();
  EXPECT_FALSE(done.torn);
  sent_.push_back(last);
  EXPECT_EQ(read().frames, sent_);
}

TEST_F(LogRecovery, CutsPreallocatedZerosWithoutCallingThemATail) {
  crash_with(Bytes(100'000, '\0'));
  const Recovery done = recovered();
  EXPECT_FALSE(done.torn);
  EXPECT_EQ(done.truncated_bytes, 0u);
  EXPECT_EQ(fs::file_size(file(1)), done.end.byte);
  EXPECT_FALSE(fs::exists(file(1).string() + ".torn"));
  EXPECT_EQ(read().frames, sent_);
}

TEST_F(LogRecovery, LeavesACleanLogAsItIsAndRepeatsItselfWithoutEffect) {
  crash_with("");
  const auto before = snapshot();
  EXPECT_FALSE(recovered().torn);
  EXPECT_TRUE(snapshot() == before);

  crash_with("torn");
  const Recovery first = recovered();
  const auto after = snapshot();
  const Recovery second = recovered();
  EXPECT_TRUE(first.torn);
  EXPECT_FALSE(second.torn);
  EXPECT_EQ(second.end, first.end);
  EXPECT_TRUE(snapshot() == after);
}

TEST_F(LogRecovery, KeepsTheTailOfEachCrash) {
  crash_with("first");
  recovered();
  std::ofstream(file(1), std::ios::app) << "second";
  recovered();
  EXPECT_EQ(content(file(1).string() + ".torn"), "first");
  EXPECT_EQ(content(file(1).string() + ".torn.1"), "second");
}

TEST_F(LogRecovery, FinishesAnAttemptThatACrashInterrupted) {
  crash_with("tail");
  std::ofstream(file(1).string() + ".torn") << "tail";  // set aside, not yet cut off
  const Recovery done = recovered();
  EXPECT_TRUE(done.torn);
  EXPECT_FALSE(fs::exists(file(1).string() + ".torn.1"));
  EXPECT_EQ(fs::file_size(file(1)), done.end.byte);
}

TEST_F(LogRecovery, NeverCutsWhatWasDurableAlthoughItWasChangedSince) {
  crash_with("torn");
  const Read all = read();
  const Offset broken = all.entries.back().offset;
  overwrite(file(1), broken.byte + frame::kHeaderSize, "changed");
  const uint64_t durable_end = all.entries.back().next.byte;
  const Recovery done = recovered();
  EXPECT_EQ(done.truncated_bytes, 4u);
  EXPECT_EQ(done.end.byte, durable_end);
  EXPECT_EQ(fs::file_size(file(1)), durable_end);
  const Read after = read();
  EXPECT_EQ(after.frames, std::vector<Bytes>(sent_.begin(), sent_.end() - 1));
  ASSERT_EQ(after.damage.size(), 1u);
  EXPECT_EQ(after.damage[0].offset, broken.byte);
  EXPECT_FALSE(after.damage[0].torn_tail);
}

TEST_F(LogRecovery, WithoutADurableFileEndsTheLogBehindItsLastWholeFrame) {
  for (const char* lost : {"", "damaged, and not a whole slot in it"}) {
    crash_with("torn");
    const Read all = read();
    overwrite(file(1), all.entries[3].offset.byte + frame::kHeaderSize, "changed");
    fs::remove(dir() / "durable");
    if (*lost) std::ofstream(dir() / "durable") << lost;
    if (*lost) {
      auto reader = Reader::open(dir());
      ASSERT_TRUE(reader);
      auto entry = (*reader)->next();
      ASSERT_FALSE(entry);
      EXPECT_EQ(entry.error().code, Code::kCorrupt);
    }
    const Recovery done = recovered();
    EXPECT_EQ(done.end, all.entries.back().next);
    EXPECT_EQ(done.truncated_bytes, 4u);
    const Read after = read();
    EXPECT_EQ(after.frames.size(), sent_.size() - 1);
    EXPECT_EQ(after.damage.size(), 1u);
  }
}

TEST_F(LogRecovery, ReportsDamageInTheMiddleOnceAndGoesOnBehindIt) {
  {
    auto w = writer();
    begin(*w);
    fill(*w, 12);
  }
  const Read clean = read();
  const Bytes original = content(file(1));
  for (size_t victim = 0; victim < clean.entries.size(); ++victim) {
    const Offset at = clean.entries[victim].offset, next = clean.entries[victim].next;
    for (uint32_t byte = at.byte; byte < next.byte; byte += 7) {
      SCOPED_TRACE(byte);
      Bytes changed = original;
      changed[byte] = static_cast<char>(changed[byte] ^ 0x10);
      overwrite(file(1), 0, changed);
      for (bool below : {true, false}) {
        const Read after = read({.below_durable_only = below});
        auto expected = sent_;
        expected.erase(expected.begin() + static_cast<ptrdiff_t>(victim));
        ASSERT_EQ(after.frames, expected);
        ASSERT_EQ(after.damage.size(), 1u);
        EXPECT_EQ(after.damage[0].offset, at.byte);
        EXPECT_EQ(after.damage[0].file, file(1));
        EXPECT_FALSE(after.damage[0].torn_tail);
        EXPECT_FALSE(after.damage[0].what.empty());
      }
    }
  }
}

TEST_F(LogRecovery, DoesNotTakeZeroedFramesForUnwrittenSpace) {
  {
    auto w = writer();
    begin(*w);
    fill(*w, 6);
  }
  const Read clean = read();
  const Offset from = clean.entries[3].offset, to = clean.entries[6].offset;
  overwrite(file(1), from.byte, Bytes(to.byte - from.byte, '\0'));
  const Read after = read();
  EXPECT_EQ(after.frames.size(), sent_.size() - 3);
  ASSERT_EQ(after.damage.size(), 1u);
  EXPECT_EQ(after.damage[0].offset, from.byte);
}

TEST_F(LogRecovery, SaysThatAFileWasShortened) {
  {
    auto w = writer();
    begin(*w);
    fill(*w, 6);
  }
  const Read clean = read();
  fs::resize_file(file(1), clean.entries[6].offset.byte);
  const Read after = read();
  EXPECT_EQ(after.frames.size(), 6u);
  ASSERT_EQ(after.damage.size(), 1u);
  EXPECT_EQ(after.damage[0].offset, clean.entries[6].offset.byte);
  // Neither recovery nor the next writer forgets it.
  const Recovery done = recovered();
  EXPECT_EQ(done.end, clean.entries.back().next);
  EXPECT_EQ(read().damage.size(), 1u);
}

TEST_F(LogRecovery, ReadsTheFramesOfAFileWhoseHeaderIsDamaged) {
  WriterOptions small;
  small.file_size = 4 << 10;
  {
    auto w = writer(small);
    begin(*w);
    fill(*w, 12, 700);
  }
  const Read clean = read();
  overwrite(file(2), 20, "\x7f\x7f");
  const Read after = read();
  ASSERT_EQ(after.damage.size(), 1u);
  EXPECT_EQ(after.damage[0].file, file(2));
  EXPECT_EQ(after.damage[0].offset, 0u);
  size_t found = 0;
  for (const Bytes& frame : after.frames) {
    if (found < sent_.size() && frame == sent_[found]) ++found;
  }
  EXPECT_EQ(found, sent_.size());  // all in order; the copies of that file come as frames, too
  for (const Entry& entry : after.entries) EXPECT_EQ(entry.case_id, maker_.case_id);
}

TEST_F(LogRecovery, SaysThatAFileInTheMiddleIsMissingAndReadsTheRest) {
  WriterOptions small;
  small.file_size = 4 << 10;
  {
    auto w = writer(small);
    begin(*w);
    fill(*w, 30, 700);
  }
  size_t lost = 0;
  for (const Entry& entry : read().entries) lost += entry.offset.file == 3 && !entry.preamble;
  fs::remove(file(3));
  const Read after = read();
  EXPECT_EQ(after.frames.size(), sent_.size() - lost);
  ASSERT_EQ(after.damage.size(), 1u);
  EXPECT_EQ(after.damage[0].file, file(4));
  // Trimmed at the front is no damage.
  fs::remove(file(1));
  fs::remove(file(2));
  EXPECT_TRUE(read().damage.empty());
}

TEST_F(LogRecovery, MarksATornTailAndTakesTheMarkBackWhenItBecomesAFrame) {
  casebox::testing::FrameMaker other;
  const Bytes last = other.event(kEvents, CaseTime{7}, "door");
  crash_with(last.substr(0, 50));
  auto reader = Reader::open(dir(), {}, {.below_durable_only = false});
  ASSERT_TRUE(reader);
  Read seen;
  drain(**reader, seen);
  drain(**reader, seen);
  EXPECT_EQ(seen.frames, sent_);
  ASSERT_EQ(seen.damage.size(), 1u);
  EXPECT_TRUE(seen.damage[0].torn_tail);
  std::ofstream(file(1), std::ios::app | std::ios::binary) << last.substr(50);
  drain(**reader, seen);
  EXPECT_EQ(seen.frames.back(), last);
  EXPECT_TRUE(seen.damage.empty());
}

TEST_F(LogRecovery, IgnoresAFileThatWasNotFinishedWhenTheProgramDied) {
  crash_with("");
  std::ofstream(file(2).string() + ".new") << "half a header";
  EXPECT_EQ(read().frames, sent_);
  EXPECT_FALSE(recovered().torn);
  auto w = writer();
  begin(*w);
  append(*w, event());
  ASSERT_TRUE(w->end_case());
  EXPECT_EQ(read().frames, sent_);
}

TEST_F(LogRecovery, NeverUsesAnIndexTwiceAlthoughAllFilesWereTrimmed) {
  crash_with("");
  fs::remove(file(1));
  sent_.clear();
  EXPECT_FALSE(recovered().torn);
  auto w = writer();
  begin(*w);
  append(*w, event());
  ASSERT_TRUE(w->end_case());
  EXPECT_TRUE(fs::exists(file(2)));
  EXPECT_EQ(read().frames, sent_);
}

}  // namespace
}  // namespace casebox::log::test
