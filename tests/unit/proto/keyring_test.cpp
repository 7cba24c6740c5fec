// The keystore's folder, and the one door to content.
#include "proto/keyring/keyring.h"

#include <gtest/gtest.h>

#include <set>

#include "proto/base/file.h"
#include "tests/support/frames.h"

namespace casebox::keyring {
namespace {

namespace fs = std::filesystem;

struct Site {
  testing::TempDir temp;
  ManualClock clock{MonoTime{0}, UtcTime{1'760'000'000'000'000'000}};
  fs::path dir = temp.path() / "keys";
  std::unique_ptr<Keystore> store = *Keystore::open(dir, clock, true, 3);
};

/// An epoch as a producer makes it: its secret, and the record that ingest keeps of it.
struct MadeEpoch {
  CaseId case_id = random_id<CaseId>();
  Epoch epoch = random_epoch();
  seal::Secret secret = seal::Secret::random();
  Bytes public_key;
  v1::EpochRecord record;

  explicit MadeEpoch(const std::array<uint8_t, 32>& key) : public_key(view(Digest(key))) {
    v1::EpochSecret message;
    message.set_case_id(Bytes(case_id.view()));
    message.set_epoch(epoch.value);
    message.set_secret(Bytes(secret.view()));
    record.set_epoch(epoch.value);
    record.set_sealed_epoch_key(*seal::seal_to(key, message.SerializeAsString()));
  }

  Bytes frame(BytesView message) {
    frame::Header h;
    h.flags = frame::flag::kSealed;
    h.stream = StreamId{4};
    h.epoch = epoch;
    h.first = ItemNumber{9};
    const Bytes packed = frame::pack_body(message);
    h.body_size = static_cast<uint32_t>(packed.size() + seal::kTagSize);
    EpochKeys keys(epoch, secret.clone());
    const auto aad = frame::associated_data(h);
    Bytes sealed;
    EXPECT_TRUE((*keys.aead(h.stream, h.period))
                    ->seal(frame::nonce(h), {aad.data(), aad.size()}, packed, sealed));
    return *frame::encode(h, sealed);
  }
};

TEST(Keystore, GivesEachCaseAKeyOfItsOwnAndSaysWhenNoneIsLeft) {
  Site site;
  std::set<Bytes> seen;
  for (size_t left : {2u, 1u, 0u}) {
    auto key = site.store->take_case_key();
    ASSERT_TRUE(key);
    EXPECT_FALSE(key->reused);
    EXPECT_EQ(key->left, left);
    EXPECT_TRUE(site.store->has_private_key(view(Digest(key->public_key))));
    seen.insert(Bytes(view(Digest(key->public_key))));
  }
  EXPECT_EQ(seen.size(), 3u);
  auto again = site.store->take_case_key();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->reused);
  EXPECT_TRUE(seen.contains(Bytes(view(Digest(again->public_key)))));
  ASSERT_TRUE(site.store->add_stock(1));
  EXPECT_FALSE(site.store->take_case_key()->reused);
}

TEST(Keystore, KeepsItsKeysOverAReopenAndHidesThemFromOthers) {
  Site site;
  const auto taken = *site.store->take_case_key();
  const auto signing = site.store->signing_key("recorder")->public_key();
  site.store.reset();
  auto again = Keystore::open(site.dir, site.clock);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->signing_key("recorder")->public_key(), signing);
  EXPECT_NE((*again)->signing_key("import")->public_key(), signing);
  EXPECT_EQ((*again)->private_key(view(Digest(taken.public_key)))->public_key, taken.public_key);
  EXPECT_EQ(fs::status(site.dir).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(site.dir / "site.key").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST(Keystore, RefusesRoleNamesThatLeaveItsFolder) {
  Site site;
  for (const char* name : {"../site", "", "a/b", "A"})
    EXPECT_EQ(site.store->signing_key(name).error().code, Code::kInvalidArgument) << name;
}

TEST(Keystore, IsNotMadeWhereNobodyAskedForIt) {
  testing::TempDir temp;
  ManualClock clock{{}, {}};
  EXPECT_EQ(Keystore::open(temp.path() / "none", clock).error().code, Code::kNotFound);
  EXPECT_FALSE(fs::exists(temp.path() / "none"));
}

TEST(Keyring, OpensWithTheRightKeyAndWritesItDown) {
  Site site;
  MadeEpoch made(site.store->take_case_key()->public_key);
  Keyring ring(site.store.get(), "casebox test");
  auto keys = ring.open(made.case_id, Purpose::kView, {made.record}, made.public_key);
  ASSERT_TRUE(keys) << keys.error().message;
  const Bytes frame = made.frame("the content");
  EXPECT_EQ(*keys->open(*frame::parse(frame)), "the content");
  const auto trail = *site.store->read_audit();
  ASSERT_EQ(trail.size(), 1u);
  EXPECT_EQ(trail[0].purpose(), "view");
  EXPECT_EQ(trail[0].subject(), "casebox test");
  EXPECT_TRUE(trail[0].allowed());
  EXPECT_EQ(trail[0].case_ids(0), made.case_id.view());
}

TEST(Keyring, ReadsNothingOnceThePrivateKeyIsDestroyedAndSaysThatItWasAsked) {
  Site site;
  MadeEpoch made(site.store->take_case_key()->public_key);
  fs::remove(site.dir / "cases" / (to_hex(made.public_key) + ".key"));
  Keyring ring(site.store.get(), "casebox test");
  EXPECT_EQ(ring.open(made.case_id, Purpose::kView, {made.record}, made.public_key).error().code,
            Code::kNotFound);
  const auto trail = *site.store->read_audit();
  ASSERT_EQ(trail.size(), 1u);
  EXPECT_FALSE(trail[0].allowed());
  Keyring none(nullptr, "casebox test");
  EXPECT_EQ(none.open(made.case_id, Purpose::kView, {made.record}, made.public_key).error().code,
            Code::kNotFound);
}

TEST(Keyring, RefusesAnEpochKeyOfAnotherCase) {
  Site site;
  MadeEpoch made(site.store->take_case_key()->public_key);
  Keyring ring(site.store.get(), "casebox test");
  EXPECT_EQ(
      ring.open(random_id<CaseId>(), Purpose::kView, {made.record}, made.public_key).error().code,
      Code::kCorrupt);
}

TEST(Keyring, OpensACohortUnderOneAuditRecord) {
  Site site;
  MadeEpoch a(site.store->take_case_key()->public_key), b(site.store->take_case_key()->public_key);
  fs::remove(site.dir / "cases" / (to_hex(b.public_key) + ".key"));
  Keyring ring(site.store.get(), "casebox test");
  auto opened = ring.open_cohort(
      {{a.case_id, {a.record}, a.public_key}, {b.case_id, {b.record}, b.public_key}},
      Purpose::kAnalysis);
  ASSERT_TRUE(opened);
  EXPECT_TRUE((*opened)[0].has_value());
  EXPECT_FALSE((*opened)[1].has_value());
  EXPECT_EQ(site.store->read_audit()->size(), 1u);
}

TEST(CaseKeys, TellsAMissingKeyFromAChangedFrame) {
  Site site;
  MadeEpoch made(site.store->take_case_key()->public_key);
  const Bytes bytes = made.frame("the content");
  CaseKeys none(made.case_id);
  EXPECT_EQ(none.open(*frame::parse(bytes)).error().code, Code::kDenied);
  CaseKeys keys(made.case_id);
  keys.add(EpochKeys(made.epoch, made.secret.clone()), made.epoch);
  frame::View view = *frame::parse(bytes);
  EXPECT_TRUE(keys.open(view));
  frame::Header moved = view.header;
  moved.t = moved.t + seconds(1);
  const Bytes forged = *frame::encode(moved, view.body);
  EXPECT_EQ(keys.open(*frame::parse(forged)).error().code, Code::kCorrupt)
      << "the header is sealed as well";
}

TEST(EpochKeys, DifferByStreamAndPeriodAndCommitToWhatIsDisclosed) {
  const seal::Secret secret = seal::Secret::random();
  const EpochKeys keys(Epoch{1}, secret.clone());
  const auto one = *keys.period_secret(StreamId{1}, KeyPeriod{0});
  EXPECT_NE(one.bytes(), keys.period_secret(StreamId{2}, KeyPeriod{0})->bytes());
  EXPECT_NE(one.bytes(), keys.period_secret(StreamId{1}, KeyPeriod{1})->bytes());
  EXPECT_NE(one.bytes(),
            EpochKeys(Epoch{2}, secret.clone()).period_secret(StreamId{1}, KeyPeriod{0})->bytes());
  EXPECT_EQ(*commitment(one, "salt"),
            *commitment(*keys.period_secret(StreamId{1}, KeyPeriod{0}), "salt"));
  EXPECT_NE(*commitment(one, "salt"), *commitment(one, "other"));
  EXPECT_NE(casebox::view(*commitment(one, "salt")), period_key(one)->view());
}

}  // namespace
}  // namespace casebox::keyring
