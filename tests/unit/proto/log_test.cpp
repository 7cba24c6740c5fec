// A log as long as nothing goes wrong: what is appended is read, in order, from any place, in one
// file or many.

#include <map>

#include "tests/unit/proto/log_fixture.h"

namespace casebox::log::test {
namespace {

class Log : public LogTest {};

TEST_F(Log, ReturnsWhatWasAppendedAfterItWasSyncedAndReopened) {
  auto w = writer();
  begin(*w);
  fill(*w, 20);
  ASSERT_TRUE(w->sync());
  EXPECT_EQ(read().frames, sent_);
  EXPECT_EQ(w->durable(), w->end());
  ASSERT_TRUE(w->end_case());
  w.reset();
  const Read all = read();
  EXPECT_EQ(all.frames, sent_);
  EXPECT_TRUE(all.damage.empty());
  EXPECT_EQ(all.entries.front().case_id, maker_.case_id);
  EXPECT_EQ(all.entries.front().producer, maker_.producer);
  EXPECT_EQ(all.entries.front().role, v1::PRODUCER_ROLE_RECORDER);
}

TEST_F(Log, ShowsConsumersOnlyWhatIsDurable) {
  auto w = writer();
  begin(*w);
  fill(*w, 5);
  EXPECT_TRUE(read().frames.empty());
  EXPECT_EQ(read({.below_durable_only = false}).frames, sent_);
  auto reader = Reader::open(dir());
  ASSERT_TRUE(reader);
  Read seen;
  drain(**reader, seen);
  EXPECT_TRUE(seen.frames.empty());
  ASSERT_TRUE(w->sync());
  drain(**reader, seen);
  EXPECT_EQ(seen.frames, sent_);
}

TEST_F(Log, SyncsOnceTheOldestFrameIsAsOldAsTheInterval) {
  auto w = writer({.sync_interval = milliseconds(100)});
  begin(*w);
  append(*w, maker_.open());
  const Offset before = w->durable();
  clock_.advance(milliseconds(60));
  append(*w, event());
  ASSERT_TRUE(w->maybe_sync());
  EXPECT_EQ(w->durable(), before);
  clock_.advance(milliseconds(40));  // 100 ms after the first, 40 after the second
  ASSERT_TRUE(w->maybe_sync());
  EXPECT_EQ(w->durable(), w->end());
}

TEST_F(Log, BeginsEveryFileWithCopiesAndPositions) {
  WriterOptions small;
  small.file_size = 16 << 10;
  auto w = writer(small);
  begin(*w);
  fill(*w, 100, 1000);
  ASSERT_TRUE(w->end_case());
  auto all = files(dir());
  ASSERT_TRUE(all);
  ASSERT_GT(all->size(), 5u);
  EXPECT_EQ(read().frames, sent_);

  // The heads that each header states are those of the frames before it.
  std::map<uint32_t, std::pair<uint64_t, Digest>> chain;
  for (uint32_t id : {0u, 1u})
    chain[id].second =
        frame::first_head(maker_.producer, maker_.case_id, StreamId{id}, maker_.epoch);
  size_t next = 0;
  for (const fs::path& path : *all) {
    SCOPED_TRACE(path.filename());
    EXPECT_LE(fs::file_size(path), small.file_size);
    uint32_t size = 0;
    auto header = read_file_header(path, &size);
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_EQ(header->case_id(), maker_.case_id.view());
    EXPECT_EQ(header->preamble_frames(), next == 0 ? 0u : 2u);
    ASSERT_EQ(header->epochs_size(), next == 0 ? 0 : 1);
    if (next > 0) {
      ASSERT_EQ(header->epochs(0).positions_size(), 2);
      for (const auto& position : header->epochs(0).positions()) {
        EXPECT_EQ(position.next_number(), chain[position.stream_id()].first);
        EXPECT_EQ(position.head(), view(chain[position.stream_id()].second));
      }
    }
    const Bytes bytes = content(path);
    for (size_t at = size + header->preamble_bytes(); at < bytes.size();) {
      auto frame = frame::parse(BytesView(bytes).substr(at));
      ASSERT_TRUE(frame);
      ASSERT_EQ(frame->bytes, sent_[next++]);
      auto& [number, head] = chain[frame->header.stream.value];
      head = frame::next_head(head, frame::leaf_hash(*frame));
      number = frame->header.next();
      at += frame->bytes.size();
    }
    EXPECT_EQ(BytesView(bytes).substr(size, header->preamble_bytes()),
              header->preamble_bytes() == 0 ? "" : sent_[0] + sent_[1]);
  }
  EXPECT_EQ(next, sent_.size());
}

TEST_F(Log, RepeatsTheNewestEntryOfAStreamAndTheNewestKeysOnly) {
  WriterOptions small;
  small.file_size = 8 << 10;
  auto w = writer(small);
  begin(*w);
  append(*w, maker_.open());
  append(*w, maker_.stream(kEvents, "old", v1::STREAM_KIND_TEAM));
  const Bytes stream = maker_.stream(kEvents, "new", v1::STREAM_KIND_TEAM);
  append(*w, stream);
  auto key = [&](std::vector<uint32_t> streams, uint32_t period) {
    v1::KeyFrame keys;
    for (uint32_t id : streams) {
      auto& k = *keys.add_periods();
      k.set_stream_id(id);
      k.set_period(period);
    }
    return maker_.make(frame::Kind::kKey, kControlStream, {}, keys.SerializeAsString());
  };
  const Bytes both = key({1, 2}, 0), one = key({1}, 1);
  append(*w, both);
  append(*w, key({1}, 9));  // superseded by `one`; `both` is still the newest of stream 2
  append(*w, one);
  for (int i = 0; i < 10; ++i) append(*w, event(1000));
  ASSERT_TRUE(w->end_case());
  uint32_t size = 0;
  auto header = read_file_header(file(2), &size);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(content(file(2)).substr(size, header->preamble_bytes()),
            sent_[0] + stream + both + one);
}

TEST_F(Log, GoesOnWithACaseWhoseLastFileAnotherWriterWrote) {
  {
    auto w = writer();
    begin(*w);
    fill(*w, 3);
  }
  auto w = writer();
  begin(*w);
  append(*w, event());
  ASSERT_TRUE(w->end_case());
  uint32_t size = 0;
  auto header = read_file_header(file(2), &size);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->preamble_frames(), 2u);
  ASSERT_EQ(header->epochs_size(), 1);
  for (const auto& position : header->epochs(0).positions())
    EXPECT_EQ(position.next_number(), position.stream_id() == 0 ? 2u : 3u);
  EXPECT_EQ(read().frames, sent_);
}

TEST_F(Log, StartsACaseWithoutCopiesOfTheOneBefore) {
  auto w = writer();
  begin(*w);
  fill(*w, 3);
  casebox::testing::FrameMaker other;
  ASSERT_TRUE(w->begin_case(other.case_id, other.producer, other.role));
  append(*w, other.open());
  ASSERT_TRUE(w->end_case());
  uint32_t size = 0;
  auto header = read_file_header(file(2), &size);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->preamble_frames(), 0u);
  EXPECT_EQ(header->epochs_size(), 0);
  const Read all = read();
  EXPECT_EQ(all.frames, sent_);
  EXPECT_EQ(all.entries.back().case_id, other.case_id);
}

TEST_F(Log, ReadsOnFromEveryOffsetItGave) {
  WriterOptions small;
  small.file_size = 4 << 10;
  auto w = writer(small);
  begin(*w);
  fill(*w, 20, 700);
  ASSERT_TRUE(w->end_case());
  const Read all = read();
  ASSERT_EQ(all.frames, sent_);
  size_t behind = 0;
  for (const Entry& entry : all.entries) {
    EXPECT_EQ(Offset::unpack(entry.offset.packed()), entry.offset);
    if (!entry.preamble) ++behind;
    const Read rest = read({}, entry.next);
    EXPECT_EQ(rest.frames,
              std::vector<Bytes>(sent_.begin() + static_cast<ptrdiff_t>(behind), sent_.end()));
    EXPECT_TRUE(rest.damage.empty());
  }
}

TEST_F(Log, FollowsAWriterOverManyFiles) {
  WriterOptions small;
  small.file_size = 4 << 10;
  for (bool below : {true, false}) {
    fs::remove_all(dir());
    sent_.clear();
    auto w = writer(small);
    auto reader = Reader::open(dir(), {}, {.below_durable_only = below});
    ASSERT_TRUE(reader);
    Read seen;
    drain(**reader, seen);
    begin(*w);
    for (int i = 0; i < 30; ++i) {
      append(*w, event(500));
      if (i % 3 == 0) {
        ASSERT_TRUE(w->sync());
        drain(**reader, seen);
        EXPECT_EQ(seen.frames, sent_);
      }
    }
    ASSERT_TRUE(w->end_case());
    drain(**reader, seen);
    EXPECT_EQ(seen.frames, sent_);
    EXPECT_TRUE(seen.damage.empty());
  }
}

TEST_F(Log, RefusesASecondWriterUntilTheFirstIsGone) {
  auto first = writer();
  auto second = Writer::open(dir(), clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kAlreadyExists);
  auto recovered = recover(dir());
  ASSERT_FALSE(recovered);
  EXPECT_EQ(recovered.error().code, Code::kAlreadyExists);
  first.reset();
  EXPECT_TRUE(Writer::open(dir(), clock_));
}

TEST_F(Log, RefusesToAppendOutsideACaseOrWhatIsNotOneFrame) {
  auto w = writer();
  auto outside = w->append(event());
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().code, Code::kInvalidArgument);
  begin(*w);
  EXPECT_FALSE(w->append(event() + "x"));
  EXPECT_FALSE(w->append("not a frame"));
  append(*w, event());
  ASSERT_TRUE(w->sync());
  EXPECT_EQ(read().frames, sent_);
}

TEST_F(Log, KnowsALogFromAnyOtherFolder) {
  EXPECT_FALSE(is_log(dir()));
  EXPECT_FALSE(files(dir()));
  fs::create_directories(dir());
  EXPECT_FALSE(is_log(dir()));
  std::ofstream(dir() / "notes.txt") << "x";
  EXPECT_FALSE(is_log(dir()));
  EXPECT_TRUE(files(dir())->empty());
  writer();
  EXPECT_TRUE(is_log(dir()));
  EXPECT_FALSE(is_log(dir() / "notes.txt"));
}

TEST_F(Log, CutsThePreallocatedSpaceOffWhenAFileCloses) {
  auto w = writer();
  begin(*w);
  fill(*w, 3);
  EXPECT_GT(fs::file_size(file(1)), 1u << 20);
  const Offset end = w->end();
  ASSERT_TRUE(w->end_case());
  EXPECT_EQ(fs::file_size(file(1)), end.byte);
}

}  // namespace
}  // namespace casebox::log::test
