// Verdicts over real logs, and over logs that somebody changed.
#include "proto/verify/verify.h"

#include <gtest/gtest.h>

#include <fstream>

#include "proto/base/file.h"
#include "tests/support/recording.h"

namespace casebox::verify {
namespace {

namespace fs = std::filesystem;
using testing::Recording;
using testing::TempDir;

Report only(const fs::path& dir, const Options& options = {}) {
  auto reports = verify_log(dir.string(), options);
  EXPECT_TRUE(reports);
  EXPECT_EQ(reports->size(), 1u);
  return reports && !reports->empty() ? (*reports)[0] : Report{};
}

void write(const fs::path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST(Verify, CleanCaseIsComplete) {
  TempDir temp;
  Recording r(temp.path());
  r.record(5);
  r.close();
  ASSERT_TRUE(r.ok);
  const Report report = only(r.dir);
  EXPECT_EQ(report.verdict, Verdict::kComplete);
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.case_id, r.case_id);
  EXPECT_DOUBLE_EQ(report.valid_to_s, 5.0);
  ASSERT_EQ(report.streams.size(), 3u);
  EXPECT_EQ(report.streams[0].items, 500u);
  EXPECT_FALSE(report.proven.empty());
  EXPECT_FALSE(report.not_proven.empty()) << "without a trusted key nobody knows who signed";
}

TEST(Verify, DeclaredGapsAreNamedAndCounted) {
  TempDir temp;
  Recording r(temp.path());
  r.record(1);
  r.gap(70);
  r.gap(0);
  r.record(1);
  r.close();
  const Report report = only(r.dir);
  EXPECT_EQ(report.verdict, Verdict::kCompleteWithDeclaredGaps);
  EXPECT_EQ(report.streams[0].missing, 70u);
  EXPECT_EQ(report.streams[0].unknown_gaps, 1u);
  EXPECT_EQ(report.streams[0].gap_frames, 2u);
}

TEST(Verify, RecordingThatNobodyEndedIsUnclosed) {
  TempDir temp;
  Recording r(temp.path());
  r.record(3);
  ASSERT_TRUE(r.log->sync());
  EXPECT_EQ(only(r.dir).verdict, Verdict::kUnclosed);
  EXPECT_DOUBLE_EQ(only(r.dir).valid_to_s, 3.0);
}

TEST(Verify, AnotherSignerIsUntrusted) {
  TempDir temp;
  Recording r(temp.path());
  r.record(1);
  r.close();
  const auto own = r.keystore->signing_key("recorder")->public_key();
  EXPECT_EQ(only(r.dir, {own}).verdict, Verdict::kComplete);
  EXPECT_EQ(only(r.dir, {seal::SigningKey::generate().public_key()}).verdict,
            Verdict::kUntrustedKey);
}

TEST(Verify, FlippedByteAnywhereInAFrameIsTampering) {
  TempDir temp;
  Recording r(temp.path());
  r.record(1);
  r.close();
  r.log.reset();
  const fs::path file = log::files(r.dir)->front();
  const Bytes bytes = *read_file(file);
  uint32_t header = 0;
  ASSERT_TRUE(log::read_file_header(file, &header));
  ASSERT_EQ(only(r.dir).verdict, Verdict::kComplete);
  for (size_t i = header; i < bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    write(file, changed);
    ASSERT_EQ(only(r.dir).verdict, Verdict::kTampered) << "byte " << i << " of " << bytes.size();
  }
}

TEST(Verify, FlippedByteOfAFileHeaderIsNeverAccepted) {
  TempDir temp;
  Recording r(temp.path());
  r.record(1);
  r.close();
  r.log.reset();
  const fs::path file = log::files(r.dir)->front();
  const Bytes bytes = *read_file(file);
  uint32_t header = 0;
  ASSERT_TRUE(log::read_file_header(file, &header));
  for (size_t i = 0; i < header; ++i) {
    Bytes changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 4);
    write(file, changed);
    auto reports = verify_log(r.dir.string(), {});
    if (!reports) continue;  // refused as a whole
    for (const Report& report : *reports)
      EXPECT_NE(report.verdict, Verdict::kComplete) << "byte " << i;
  }
}

/// Frames of a log as a list that a test can reorder, and the file header in front.
struct Pieces {
  Bytes header;
  std::vector<Bytes> frames;

  explicit Pieces(const fs::path& file) {
    const Bytes bytes = *read_file(file);
    uint32_t size = 0;
    EXPECT_TRUE(log::read_file_header(file, &size));
    header = bytes.substr(0, size);
    BytesView rest = BytesView(bytes).substr(size);
    while (auto view = frame::parse(rest)) {
      frames.emplace_back(view->bytes);
      rest.remove_prefix(view->bytes.size());
    }
  }
  void save(const fs::path& file) const {
    Bytes bytes = header;
    for (const Bytes& frame : frames) bytes += frame;
    write(file, bytes);
  }
};

class Attack : public ::testing::Test {
 protected:
  void SetUp() override {
    r.record(3);
    r.close();
    r.log.reset();
    file = log::files(r.dir)->front();
    ASSERT_EQ(only(r.dir).verdict, Verdict::kComplete);
  }
  Verdict after(const Pieces& pieces) {
    pieces.save(file);
    return only(r.dir).verdict;
  }
  /// Index of the `skip`-th frame of a stream and kind.
  size_t find(const Pieces& pieces, StreamId stream, frame::Kind kind, size_t skip = 0) {
    for (size_t i = 0; i < pieces.frames.size(); ++i) {
      const frame::Header h = frame::parse(pieces.frames[i])->header;
      if (h.stream == stream && h.kind == kind && skip-- == 0) return i;
    }
    ADD_FAILURE() << "no such frame";
    return 0;
  }

  TempDir temp;
  Recording r{temp.path()};
  fs::path file;
};

TEST_F(Attack, RemovedFrame) {
  const Pieces whole(file);
  for (size_t i = 0; i < whole.frames.size(); ++i) {
    Pieces cut = whole;
    cut.frames.erase(cut.frames.begin() + static_cast<long>(i));
    EXPECT_EQ(after(cut), Verdict::kTampered) << i;
  }
  // The last beat is missed only because the durable offset names its place; without that file too,
  // nobody said that the recording ended.
  Pieces cut = whole;
  cut.frames.pop_back();
  fs::remove(r.dir / "durable");
  EXPECT_EQ(after(cut), Verdict::kUnclosed);
}

TEST_F(Attack, CutTailIsNeverComplete) {
  const Pieces whole(file);
  for (size_t n = 1; n < whole.frames.size(); ++n) {
    Pieces cut = whole;
    cut.frames.resize(n);
    EXPECT_NE(after(cut), Verdict::kComplete) << n << " frames left";
  }
}

TEST_F(Attack, SwappedFramesOfOneStream) {
  Pieces p(file);
  std::swap(p.frames[find(p, r.wave, frame::Kind::kData, 0)],
            p.frames[find(p, r.wave, frame::Kind::kData, 1)]);
  EXPECT_EQ(after(p), Verdict::kTampered);
}

TEST_F(Attack, RepeatedFrame) {
  Pieces p(file);
  const size_t at = find(p, r.wave, frame::Kind::kData);
  p.frames.insert(p.frames.begin() + static_cast<long>(at) + 1, p.frames[at]);
  EXPECT_EQ(after(p), Verdict::kTampered);
}

TEST_F(Attack, ChangedBodyUnderACorrectChecksum) {
  for (const StreamId stream : {r.wave, r.team, r.video, kControlStream}) {
    const Pieces whole(file);
    for (size_t i = 0; i < whole.frames.size(); ++i) {
      const frame::View view = *frame::parse(whole.frames[i]);
      if (view.header.stream != stream || view.body.empty()) continue;
      Pieces p = whole;
      p.frames[i] = testing::forge(whole.frames[i]);
      EXPECT_EQ(after(p), Verdict::kTampered) << "frame " << i;
    }
    whole.save(file);
  }
}

TEST_F(Attack, ChangedHeaderUnderACorrectChecksum) {
  Pieces p(file);
  const size_t at = find(p, r.wave, frame::Kind::kData, 1);
  frame::View view = *frame::parse(p.frames[at]);
  frame::Header moved = view.header;
  moved.t = moved.t + milliseconds(1);
  p.frames[at] = *frame::encode(moved, view.body);
  EXPECT_EQ(after(p), Verdict::kTampered);
}

TEST_F(Attack, GapPutInTheBlackBoxInsteadOfData) {
  Pieces p(file);
  const size_t at = find(p, r.wave, frame::Kind::kData, 1);
  frame::Header h = frame::parse(p.frames[at])->header;
  v1::Gap gap;
  gap.set_reason("disconnected");
  gap.set_missing(h.count);
  h.kind = frame::Kind::kGap;
  h.flags = 0;
  p.frames[at] = *frame::encode(h, gap.SerializeAsString());
  EXPECT_EQ(after(p), Verdict::kTampered);
}

TEST_F(Attack, FrameOfAnotherCase) {
  TempDir other;
  Recording foreign(other.path());
  foreign.record(1);
  foreign.close();
  foreign.log.reset();
  const Pieces theirs(log::files(foreign.dir)->front());
  for (const Bytes& frame : theirs.frames) {
    Pieces p(file);
    const Pieces whole = p;
    p.frames.insert(p.frames.begin() + 4, frame);
    EXPECT_EQ(after(p), Verdict::kTampered);
    whole.save(file);
  }
}

TEST_F(Attack, FrameAfterTheEnd) {
  Pieces p(file);
  const size_t at = find(p, r.team, frame::Kind::kData, 2);
  frame::View view = *frame::parse(p.frames[at]);
  frame::Header next = view.header;
  next.first = ItemNumber{next.next()};
  p.frames.push_back(*frame::encode(next, view.body));
  EXPECT_EQ(after(p), Verdict::kTampered);
}

TEST(Verify, FilesThatFollowCarryCopiesThatMustBeTrue) {
  TempDir temp;
  Recording r(temp.path(), {.file_size = 64 << 10});
  r.record(60);
  r.close();
  ASSERT_TRUE(r.ok);
  r.log.reset();
  ASSERT_EQ(only(r.dir).verdict, Verdict::kComplete);
  const auto files = *log::files(r.dir);
  ASSERT_GT(files.size(), 2u);
  Pieces p(files[1]);
  uint32_t size = 0;
  const uint32_t copies = log::read_file_header(files[1], &size)->preamble_frames();
  ASSERT_GT(copies, 2u);
  for (uint32_t i = 0; i < copies; ++i) {
    Pieces changed = p;
    changed.frames[i] = testing::forge(p.frames[i]);
    changed.save(files[1]);
    EXPECT_EQ(only(r.dir).verdict, Verdict::kTampered) << "copy " << i;
  }
  p.save(files[1]);
  EXPECT_EQ(only(r.dir).verdict, Verdict::kComplete);
}

TEST(Verify, DigestOfACaseIsThatOfItsFramesAlone) {
  TempDir temp;
  Recording r(temp.path(), {.file_size = 64 << 10});
  r.record(60);
  r.close();
  r.log.reset();
  std::map<std::pair<uint64_t, uint32_t>, seal::Sha256> streams;
  auto reader = *log::Reader::open(r.dir);
  while (auto entry = *reader->next())
    if (!entry->preamble)
      streams[{entry->frame.header.epoch.value, entry->frame.header.stream.value}].update(
          entry->frame.bytes);
  seal::Sha256 whole;
  for (auto& [place, digest] : streams) {
    char key[12];
    store_le(key, place.first);
    store_le(key + 8, place.second);
    whole.update({key, 12});
    whole.update(view(digest.finish()));
  }
  EXPECT_EQ(only(r.dir).case_digest, whole.finish());
}

}  // namespace
}  // namespace casebox::verify
