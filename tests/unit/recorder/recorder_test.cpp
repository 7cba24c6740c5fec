#include "recorder/recorder.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "proto/base/boot.h"
#include "proto/keyring/keystore.h"
#include "proto/producer/recovery.h"
#include "proto/verify/verify.h"
#include "tests/support/frames.h"

namespace casebox::recorder {
namespace {

using casebox::testing::TempDir;
using ::testing::HasSubstr;

class RecorderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    keystore_ = *keyring::Keystore::open(dir_.path() / "keys", clock_, true, 10);
    options_.config.set_procedure("lap-cholecystectomy");
    options_.log_dir = dir_.path() / "spool";
  }
  v1::SourceConfig& add(const std::string& name, const std::string& type) {
    v1::SourceConfig& source = *options_.config.add_sources();
    source.set_name(name);
    source.set_type(type);
    source.set_as_fast_as_possible(true);
    return source;
  }
  void simulate(uint64_t seed, double scale, bool video = false, double speed = 0) {
    v1::SourceConfig& source = add("room", "simulator");
    source.set_as_fast_as_possible(speed == 0);
    source.mutable_simulator()->set_seed(seed);
    source.mutable_simulator()->set_duration_scale(scale);
    source.mutable_simulator()->set_no_video(!video);
    source.mutable_simulator()->set_speed(speed);
  }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(dir_.path() / name) << text;
    return (dir_.path() / name).string();
  }
  verify::Report verified(const std::filesystem::path& dir) {
    auto reports = verify::verify_log(dir.string(), {});
    EXPECT_TRUE(reports) << reports.error().message;
    EXPECT_EQ(reports->size(), 1u);
    return reports->empty() ? verify::Report{} : reports->front();
  }

  TempDir dir_;
  SystemClock clock_;
  std::unique_ptr<keyring::Keystore> keystore_;
  Options options_;
};

TEST_F(RecorderTest, SentIsStoredAndMissingOnEveryStreamOfASimulatedRoom) {
  simulate(5, 0.02, true);
  auto summary = record(options_, *keystore_, clock_);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_TRUE(summary->accounts_balance);
  EXPECT_EQ(summary->truth.size(), 1u);
  uint64_t stored = 0;
  for (const StreamCount& row : summary->streams) {
    EXPECT_EQ(row.sent, row.stored + row.missing) << row.name;
    EXPECT_EQ(row.in_ring, 0u) << row.name;
    stored += row.stored;
  }
  EXPECT_GT(stored, 100'000u);
  const verify::Report report = verified(options_.log_dir);
  EXPECT_TRUE(report.verdict == verify::Verdict::kComplete ||
              report.verdict == verify::Verdict::kCompleteWithDeclaredGaps);
  uint64_t items = 0;
  for (const auto& stream : report.streams)
    if (stream.stream.value != 0) items += stream.items;
  EXPECT_EQ(items, stored) << "the log holds what the recorder says";
}

TEST_F(RecorderTest, ABadSourceEndsAloneAndTheOthersAreWhole) {
  add("good", "csv").set_url(file("good.csv", "t,a\n0,1\n1,2\n2,3\n"));
  add("bad", "csv").set_url(file("bad.csv", "t,a\n0,1\n1,oops\n"));
  add("gone", "vital").set_url((dir_.path() / "none.vital").string());
  auto summary = record(options_, *keystore_, clock_);
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_EQ(summary->sources.size(), 3u);
  EXPECT_EQ(summary->sources[0].state, "ended");
  EXPECT_EQ(summary->sources[1].state, "failed");
  EXPECT_THAT(summary->sources[1].message, HasSubstr("bad.csv:3: column 2"));
  EXPECT_EQ(summary->sources[2].state, "failed");
  EXPECT_EQ(summary->streams[0].stored, 3u);
  ASSERT_EQ(summary->losses.size(), 2u) << "what never came is said";
  for (const Loss& loss : summary->losses) {
    EXPECT_TRUE(loss.stream == "bad.series" || loss.stream == "gone.numerics") << loss.stream;
    EXPECT_EQ(loss.reason, "source-failed");
    EXPECT_GE(loss.end.seconds(), 2.0) << "up to the end of the case";
  }
  EXPECT_EQ(verified(options_.log_dir).verdict, verify::Verdict::kCompleteWithDeclaredGaps);
}

TEST_F(RecorderTest, StopsInGoodOrderWhenAsked) {
  simulate(5, 0.5, false, 20);
  int asked = 0;
  options_.stop = [&] { return ++asked > 20; };
  auto summary = record(options_, *keystore_, clock_);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_TRUE(summary->accounts_balance);
  EXPECT_NE(verified(options_.log_dir).verdict, verify::Verdict::kUnclosed);
}

TEST_F(RecorderTest, ConsentOfTheConfigurationStandsInTheClearBeforeAnyItem) {
  add("good", "csv").set_url(file("good.csv", "t,a\n0,1\n1,2\n"));
  options_.config.add_consent("patient-briefing");
  auto summary = record(options_, *keystore_, clock_);
  ASSERT_TRUE(summary) << summary.error().message;
  std::optional<v1::Consent> said;
  auto log = *log::Reader::open(options_.log_dir);
  while (auto entry = *log->next()) {
    const frame::View& frame = entry->frame;
    if (frame.header.kind == frame::Kind::kData) {
      EXPECT_TRUE(said) << "an item before it";
    }
    if (frame.header.kind != frame::Kind::kConsent) continue;
    EXPECT_FALSE(said) << "once";
    EXPECT_EQ(frame.header.t.ns, 0);
    said.emplace();
    ASSERT_TRUE(said->ParseFromArray(frame.body.data(), static_cast<int>(frame.body.size())));
  }
  ASSERT_TRUE(said);
  ASSERT_EQ(said->granted_size(), 1);
  EXPECT_EQ(said->granted(0), v1::CONSENT_SCOPE_PATIENT_BRIEFING);
  EXPECT_EQ(said->recorded_by(), "recorder");
  EXPECT_EQ(said->given_by(), v1::CONSENT_GIVER_PATIENT);
  options_.config.set_consent(0, "nonsense");
  EXPECT_FALSE(record(options_, *keystore_, clock_));
}

TEST_F(RecorderTest, AKilledRecorderLeavesAnUnclosedCaseThatRecoverEndsWithAGap) {
  simulate(5, 0.5, false, 4);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto ignored = record(options_, *keystore_, clock_);
    _exit(0);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  ASSERT_EQ(kill(child, SIGKILL), 0);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the recorder had ended before the kill";
  EXPECT_EQ(verified(options_.log_dir).verdict, verify::Verdict::kUnclosed);
  auto key = keystore_->signing_key("recorder");
  ASSERT_TRUE(key);
  auto recovered = producer::recover(options_.log_dir, *key, clock_, machine_boot_id());
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_TRUE(recovered->finished_epoch);
  for (const producer::RecoveredStream& stream : recovered->streams) {
    EXPECT_TRUE(stream.bounded) << stream.name;
    EXPECT_GT(stream.lost_until, recovered->lived) << stream.name;
    EXPECT_LT((stream.lost_until - recovered->lived).seconds(), 4 * 1.0)
        << "at four times the pace";
  }
  const verify::Report after = verified(options_.log_dir);
  EXPECT_EQ(after.verdict, verify::Verdict::kUnclosed);
  EXPECT_GT(after.valid_to_s, 4.0);
  for (const auto& stream : after.streams)
    if (stream.stream.value != 0) {
      EXPECT_GE(stream.unknown_gaps, 1u) << stream.name;
    }
}

TEST_F(RecorderTest, OnAFullDiskEventsWaitAndAllElseBecomesGapsUntilThereIsRoom) {
  const auto disk = dir_.path() / "disk";
  std::filesystem::create_directories(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=32m") != 0)
    GTEST_SKIP() << "a small file system cannot be mounted here (needs root)";
  struct Unmount {
    std::filesystem::path at;
    ~Unmount() { umount2(at.c_str(), MNT_DETACH); }
  } unmount{disk};
  const auto ballast = disk / "ballast";
  std::ofstream(ballast) << std::string(25u << 20, 'b');
  options_.log_dir = disk / "spool";
  simulate(5, 0.6, true);
  options_.config.mutable_sources(0)->mutable_simulator()->set_clean(true);
  int full_for = 0;
  bool seen_full = false;
  options_.on_progress = [&](const Progress& progress) {
    seen_full |= progress.disk_full;
    if (progress.disk_full && ++full_for == 3) std::filesystem::remove(ballast);
  };
  auto summary = record(options_, *keystore_, clock_);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_TRUE(seen_full) << "the disk never became full: the test proves nothing";
  EXPECT_TRUE(summary->accounts_balance);
  uint64_t missing = 0;
  for (const StreamCount& row : summary->streams) {
    EXPECT_EQ(row.sent, row.stored + row.missing) << row.name;
    const bool event = row.kind == v1::STREAM_KIND_DEVICE || row.kind == v1::STREAM_KIND_TEAM ||
                       row.kind == v1::STREAM_KIND_ALARM || row.kind == v1::STREAM_KIND_ROOM;
    if (event) {
      EXPECT_EQ(row.missing, 0u) << row.name;
    }
    missing += row.missing;
  }
  EXPECT_GT(missing, 0u);
  EXPECT_EQ(verified(options_.log_dir).verdict, verify::Verdict::kCompleteWithDeclaredGaps);
}

}  // namespace
}  // namespace casebox::recorder
