// Where a command's trust list comes from, and who answers for it.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/frames.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

class TrustOptionsTest : public ::testing::Test {
 protected:
  TrustOptionsTest() {
    recorder_ = keystore_->signing_key("recorder")->public_key();
    std::ofstream(file_, std::ios::binary) << *keystore_->signed_trust();
    site_key_ = to_hex(keystore_->trust()->message().site_key());
  }

  testing::TempDir dir_;
  ManualClock clock_{MonoTime{0}, UtcTime{1'760'000'000'000'000'000}};
  std::unique_ptr<keyring::Keystore> keystore_ =
      *keyring::Keystore::open(dir_.path() / "keys", clock_, true, 0);
  std::filesystem::path file_ = dir_.path() / "list";
  std::array<uint8_t, 32> recorder_{};
  std::string site_key_;
};

TEST_F(TrustOptionsTest, TheKeystoresListNeedsNoFile) {
  const auto loaded = load_trust({}, keystore_.get());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(loaded->vouched);
  EXPECT_NE(loaded->list.find(view(recorder_)), nullptr);
}

TEST_F(TrustOptionsTest, WithoutKeystoreAndFileItSaysWhatToDo) {
  const auto loaded = load_trust({}, nullptr);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::kNotFound);
  EXPECT_NE(loaded.error().message.find("keys trust"), std::string::npos);
}

TEST_F(TrustOptionsTest, AFileVouchesForItselfOnlyWhenNobodyNamedTheSitesKey) {
  EXPECT_FALSE(load_trust({file_, ""}, nullptr)->vouched);
  EXPECT_TRUE(load_trust({file_, site_key_}, nullptr)->vouched);
  EXPECT_TRUE(load_trust({file_, ""}, keystore_.get())->vouched);
}

TEST_F(TrustOptionsTest, AFileOfAnotherSiteIsRefused) {
  auto other = *keyring::Keystore::open(dir_.path() / "other", clock_, true, 0);
  EXPECT_EQ(load_trust({file_, ""}, other.get()).error().code, Code::kCorrupt);
  const std::string key = to_hex(other->trust()->message().site_key());
  EXPECT_EQ(load_trust({file_, key}, nullptr).error().code, Code::kCorrupt);
  EXPECT_EQ(load_trust({"", key}, keystore_.get()).error().code, Code::kCorrupt);
}

TEST_F(TrustOptionsTest, WhatIsNoKeyOrNoListIsSaidToBeNone) {
  EXPECT_EQ(load_trust({file_, "12"}, nullptr).error().code, Code::kInvalidArgument);
  EXPECT_EQ(load_trust({file_, "xyz"}, nullptr).error().code, Code::kInvalidArgument);
  EXPECT_EQ(load_trust({dir_.path() / "none", ""}, nullptr).error().code, Code::kNotFound);
  std::ofstream(file_, std::ios::binary) << "not a list";
  EXPECT_EQ(load_trust({file_, ""}, nullptr).error().code, Code::kCorrupt);
}

TEST_F(TrustOptionsTest, WhoWasEnrolledSinceIsSeenWithoutOpeningAnew) {
  StoreOptions how;
  how.store = dir_.path() / "store";
  how.write = how.create = true;
  auto access = StoreAccess::open(how);
  ASSERT_TRUE(access) << access.error().message;
  const auto key = (*access)->keystore()->signing_key("import")->public_key();
  EXPECT_NE((*access)->trust()->list.find(view(key)), nullptr);
}

}  // namespace
}  // namespace casebox::tools
