// Verdicts over real logs, and over logs that somebody changed.
#include "proto/verify/verify.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>

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
  EXPECT_EQ(only(r.dir, {.log_keys = {own}}).verdict, Verdict::kComplete);
  EXPECT_EQ(only(r.dir, {.log_keys = {seal::SigningKey::generate().public_key()}}).verdict,
            Verdict::kUntrustedKey);
}

TEST(Verify, FlippedByteAnywhereInAFrameIsDamage) {
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
    ASSERT_EQ(only(r.dir).verdict, Verdict::kDamaged) << "byte " << i << " of " << bytes.size();
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

TEST_F(Attack, RemovedFrameIsDamage) {
  const Pieces whole(file);
  for (size_t i = 0; i < whole.frames.size(); ++i) {
    Pieces cut = whole;
    cut.frames.erase(cut.frames.begin() + static_cast<long>(i));
    EXPECT_EQ(after(cut), Verdict::kDamaged) << i;
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

TEST_F(Attack, TheSameFrameTwiceIsADuplicate) {
  Pieces p(file);
  const size_t at = find(p, r.wave, frame::Kind::kData);
  p.frames.insert(p.frames.begin() + static_cast<long>(at) + 1, p.frames[at]);
  EXPECT_EQ(after(p), Verdict::kComplete);
  p.frames[at + 1] = testing::forge(p.frames[at]);
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
    EXPECT_GE(after(p), Verdict::kDamaged);
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

TEST_F(Attack, NewestBeatChangedInItsHeaderOrWithAFieldThatNobodyKnows) {
  const Pieces whole(file);
  const frame::View last = *frame::parse(whole.frames.back());
  ASSERT_EQ(last.header.kind, frame::Kind::kBeat);
  for (const auto& change : std::vector<std::function<void(frame::Header&)>>{
           [](frame::Header& h) { h.t = h.t + seconds(9); },
           [](frame::Header& h) { h.t_capture.ns += 1; }, [](frame::Header& h) { h.u95_us = 5; },
           [](frame::Header& h) { h.duration_us = 5; },
           [](frame::Header& h) { h.period = KeyPeriod{5}; }, [](frame::Header& h) { h.count = 2; },
           [](frame::Header& h) { h.flags |= frame::flag::kSync; }}) {
    frame::Header h = last.header;
    change(h);
    Pieces p = whole;
    p.frames.back() = *frame::encode(h, last.body);
    EXPECT_EQ(after(p), Verdict::kTampered);
  }
  Pieces p = whole;
  Bytes body(last.body);
  body += Bytes("\xf8\x07\x01", 3);  // field 127 = 1
  p.frames.back() = *frame::encode(last.header, body);
  EXPECT_EQ(after(p), Verdict::kTampered);
}

TEST_F(Attack, ForgedBeatsAreFoundThoughOneSignatureVouchesForMany) {
  const Pieces whole(file);
  for (size_t i = 0; i < whole.frames.size(); ++i) {
    const frame::View view = *frame::parse(whole.frames[i]);
    if (view.header.kind != frame::Kind::kBeat) continue;
    v1::Beat beat;
    ASSERT_TRUE(beat.ParseFromString(Bytes(view.body)));
    beat.mutable_signature()->back() ^= 1;
    Pieces p = whole;
    p.frames[i] = *frame::encode(view.header, beat.SerializeAsString());
    EXPECT_EQ(after(p), Verdict::kTampered) << "frame " << i;
  }
}

TEST_F(Attack, EpochOfAStrangerBesideTheRecorders) {
  for (const auto role :
       {v1::PRODUCER_ROLE_UNSPECIFIED, v1::PRODUCER_ROLE_RECORDER, v1::PRODUCER_ROLE_ANALYSIS,
        v1::PRODUCER_ROLE_CUSTODY, static_cast<v1::ProducerRole>(99)}) {
    TempDir one;
    Recording stranger(one.path());
    stranger.case_id = r.case_id;
    stranger.begin(role);
    stranger.record(1);
    stranger.close();
    ASSERT_TRUE(stranger.ok);
    stranger.log.reset();
    const fs::path beside = r.dir / "00000002.cblog";
    fs::copy_file(log::files(stranger.dir)->back(), beside);
    const Report report = only(r.dir);
    EXPECT_GE(report.verdict, Verdict::kUntrustedKey) << "role " << role;
    EXPECT_EQ(report.signers.size(), 2u);
    fs::remove(beside);
  }
}

TEST(Verify, SignersAreNamedFromTheTrustList) {
  TempDir temp;
  Recording r(temp.path());
  r.record(1);
  r.close();
  v1::TrustList list;
  auto& one = *list.add_producers();
  one.set_name("or-3");
  one.set_role(v1::PRODUCER_ROLE_RECORDER);
  one.set_key(Bytes(view(Digest(r.keystore->signing_key("recorder")->public_key()))));
  const auto site = seal::SigningKey::generate();
  const auto trust = *trust::TrustList::parse(trust::TrustList::sign(list, site));
  const Report report = only(r.dir, {.trust = &trust});
  EXPECT_EQ(report.verdict, Verdict::kComplete);
  ASSERT_EQ(report.signers.size(), 1u);
  EXPECT_EQ(report.signers[0].name, "or-3");
  EXPECT_TRUE(report.signers[0].listed.value_or(false));
  one.set_role(v1::PRODUCER_ROLE_ANALYSIS);
  const auto other = *trust::TrustList::parse(trust::TrustList::sign(list, site));
  EXPECT_EQ(only(r.dir, {.trust = &other}).verdict, Verdict::kUntrustedKey);
  one.set_role(v1::PRODUCER_ROLE_RECORDER);
  const auto began = static_cast<uint64_t>(r.clock.utc().ns);
  one.set_until_utc_ns(began - 3'600'000'000'000);
  const auto over = *trust::TrustList::parse(trust::TrustList::sign(list, site));
  EXPECT_EQ(only(r.dir, {.trust = &over}).verdict, Verdict::kUntrustedKey)
      << "it was recorded after the enrolment had ended";
  one.set_until_utc_ns(0);
  one.set_from_utc_ns(began + 3'600'000'000'000);
  const auto later = *trust::TrustList::parse(trust::TrustList::sign(list, site));
  EXPECT_EQ(only(r.dir, {.trust = &later}).verdict, Verdict::kUntrustedKey)
      << "it was recorded before the enrolment began";
  const trust::TrustList nobody;
  EXPECT_EQ(only(r.dir, {.trust = &nobody}).verdict, Verdict::kUntrustedKey);
}

TEST_F(Attack, FileCutToItsHeaderIsNotPassedBy) {
  Recording second(temp.path() / "second");
  second.record(1);
  second.close();
  second.log.reset();
  const Pieces theirs(log::files(second.dir)->front());
  write(r.dir / "00000002.cblog", theirs.header);
  fs::copy_file(file, r.dir / "00000003.cblog");
  const auto reports = *verify_log(r.dir.string(), {});
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].case_id, second.case_id);
  EXPECT_GE(reports[1].verdict, Verdict::kUnclosed);
}

TEST_F(Attack, DurableThatNamesAFileWhichIsGone) {
  Recording longer(temp.path() / "long", {.file_size = 64 << 10});
  longer.record(60);
  ASSERT_TRUE(longer.log->sync());
  longer.log.reset();
  ASSERT_EQ(only(longer.dir).verdict, Verdict::kUnclosed);
  fs::remove(log::files(longer.dir)->back());
  EXPECT_EQ(only(longer.dir).verdict, Verdict::kDamaged);
}

TEST_F(Attack, ManyProblemsOfOneKindAreCountedAndTenAreKept) {
  Pieces p(file);
  for (Bytes& frame : p.frames) {
    const auto h = frame::parse(frame)->header;
    if (h.stream != kControlStream) frame = testing::forge(frame);
  }
  p.save(file);
  const Report report = only(r.dir);
  EXPECT_EQ(report.verdict, Verdict::kTampered);
  EXPECT_LE(report.problems.size(), report.problem_counts.size() * Report::kKept);
  EXPECT_GE(report.problem_counts.at("chain"), 9u) << "three streams, three signed seconds";
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
  // By hand, from the page docs/formats/store.md.
  struct Chain {
    uint64_t next = 0;
    Digest head{};
  };
  std::map<std::pair<uint64_t, uint32_t>, Chain> chains;
  auto reader = *log::Reader::open(r.dir);
  while (auto entry = *reader->next()) {
    if (entry->preamble) continue;
    const frame::Header& h = entry->frame.header;
    const auto [at, fresh] = chains.try_emplace({h.epoch.value, h.stream.value});
    if (fresh) at->second.head = frame::first_head(r.producer_id, r.case_id, h.stream, h.epoch);
    at->second.head = frame::next_head(at->second.head, frame::leaf_hash(entry->frame));
    at->second.next = h.next();
  }
  ASSERT_GT(chains.size(), 1u);
  seal::Sha256 whole;
  for (auto& [place, chain] : chains) {
    char key[20];
    store_le(key, place.first);
    store_le(key + 8, place.second);
    store_le(key + 12, chain.next);
    whole.update({key, sizeof key});
    whole.update(view(chain.head));
  }
  EXPECT_EQ(only(r.dir).case_digest, whole.finish());
}

}  // namespace
}  // namespace casebox::verify
