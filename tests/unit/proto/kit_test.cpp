// A recorder's kit: it signs and seals, and cannot read.
#include "proto/keyring/kit.h"

#include <gtest/gtest.h>

#include <fstream>

#include "proto/base/file.h"
#include "tests/support/frames.h"

namespace casebox::keyring {
namespace {

namespace fs = std::filesystem;

struct Made {
  testing::TempDir temp;
  ManualClock clock{MonoTime{0}, UtcTime{1'760'000'000'000'000'000}};
  fs::path keys = temp.path() / "keys", dir = temp.path() / "kit";
  std::unique_ptr<Keystore> site = *Keystore::open(keys, clock, true, 0);

  explicit Made(size_t stock = 3) {
    auto done = Kit::make(*site, dir, {"or-3", "room-3", stock});
    EXPECT_TRUE(done) << done.error().message;
  }
};

TEST(Kit, HoldsWhatARecorderNeedsAndNothingThatReads) {
  Made made;
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(made.dir)) {
    EXPECT_EQ(fs::status(entry.path()).permissions() & fs::perms(077), fs::perms::none)
        << entry.path();
    if (entry.is_regular_file()) files.push_back(entry.path().filename().string());
  }
  EXPECT_EQ(files.size(), 6u) << "kit.txt, recorder.seed, trust.list, three public keys";
  const Bytes site_key = *read_file(made.keys / "site.key");
  for (const auto& entry : fs::recursive_directory_iterator(made.dir))
    if (entry.is_regular_file())
      EXPECT_EQ(read_file(entry.path())->find(site_key), Bytes::npos) << entry.path();
  EXPECT_FALSE(Keystore::open(made.dir, made.clock)) << "it is no keystore";
}

TEST(Kit, SignsAsItsRecorderWhichIsEnrolledForItsRoom) {
  Made made;
  const auto kit = *Kit::open(made.dir);
  const auto key = *kit->signing_key("recorder");
  EXPECT_EQ(key.public_key(), kit->public_key());
  const auto list = *made.site->trust();
  const auto* one = list.find(view(key.public_key()));
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->name(), "or-3");
  EXPECT_EQ(one->room(), "room-3");
  EXPECT_EQ(one->role(), v1::PRODUCER_ROLE_RECORDER);
  EXPECT_EQ(view(kit->site_key()), list.message().site_key());
  for (const char* role : {"import", "analysis", "custody", "site"})
    EXPECT_EQ(kit->signing_key(role).error().code, Code::kDenied) << role;
}

TEST(Kit, GivesCaseKeysWhosePrivateHalvesTheSiteKeepsAndSaysWhenNoneIsLeft) {
  Made made(2);
  const auto kit = *Kit::open(made.dir);
  for (size_t left : {1u, 0u}) {
    const auto key = *kit->take_case_key();
    EXPECT_EQ(key.left, left);
    EXPECT_FALSE(key.reused);
    EXPECT_TRUE(made.site->has_private_key(view(Digest(key.public_key))));
  }
  EXPECT_TRUE(kit->take_case_key()->reused);
  ASSERT_TRUE(Kit::make(*made.site, made.dir, {"or-3", "room-3", 4}));
  EXPECT_EQ(kit->take_case_key()->left, 3u) << "refilled";
  EXPECT_EQ((*Kit::open(made.dir))->public_key(), kit->public_key()) << "under the same key";
}

TEST(Kit, AnEmptyOneThatNeverHadAKeySaysWhoFillsIt) {
  Made made(0);
  const auto taken = (*Kit::open(made.dir))->take_case_key();
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("keys kit"), std::string::npos);
}

TEST(Kit, IsNotMadeOverSomethingElseNorForAnothersName) {
  Made made;
  EXPECT_EQ(Kit::make(*made.site, made.temp.path() / "other", {"or-3", "", 1}).error().code,
            Code::kAlreadyExists);
  EXPECT_FALSE(fs::exists(made.temp.path() / "other"));
  EXPECT_EQ(Kit::make(*made.site, made.dir, {"or-4", "", 1}).error().code, Code::kAlreadyExists);
  EXPECT_EQ(Kit::make(*made.site, made.keys, {"or-4", "", 1}).error().code, Code::kAlreadyExists);
  EXPECT_EQ(Kit::make(*made.site, made.temp.path() / "other", {"Not A Code", "", 1}).error().code,
            Code::kInvalidArgument);
  EXPECT_FALSE(fs::exists(made.temp.path() / "other.half"));
}

TEST(Kit, PartsThatDoNotBelongTogetherAreRefused) {
  Made made, other;
  const Bytes seed = *read_file(made.dir / "recorder.seed");
  fs::copy_file(other.dir / "recorder.seed", made.dir / "recorder.seed",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(Kit::open(made.dir).error().code, Code::kCorrupt);
  std::ofstream(made.dir / "recorder.seed", std::ios::binary) << seed.substr(1);
  EXPECT_EQ(Kit::open(made.dir).error().code, Code::kCorrupt);
  std::ofstream(made.dir / "recorder.seed", std::ios::binary) << seed;
  EXPECT_TRUE(Kit::open(made.dir));
  std::ofstream(made.dir / "kit.txt") << "something else\n";
  EXPECT_EQ(Kit::open(made.dir).error().code, Code::kUnsupported);
  EXPECT_EQ(Kit::open(made.temp.path()).error().code, Code::kNotFound);
}

TEST(Kit, ALooseModeAndAListThatDoesNotHoldAreSaidAndRecordingGoesOn) {
  Made made;
  const auto said = [&] {
    std::vector<std::string> out;
    const auto kit = *Kit::open(made.dir);
    kit->on_notice([&](const std::string& one) { out.push_back(one); });
    EXPECT_TRUE(kit->take_case_key());
    return out;
  };
  EXPECT_TRUE(said().empty());
  fs::permissions(made.dir / "recorder.seed", fs::perms(0644));
  EXPECT_EQ(said().size(), 1u);
  std::ofstream(made.dir / "trust.list", std::ios::binary) << "nothing";
  EXPECT_EQ(said().size(), 2u);
}

}  // namespace
}  // namespace casebox::keyring
