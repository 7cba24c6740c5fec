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

/// Asks the gate, and takes the keys.
Result<CaseKeys> open(Keyring& ring, const MadeEpoch& made, Purpose purpose = Purpose::kView,
                      const access::Consent& consent = {}) {
  CASEBOX_TRY(const auto opening,
              ring.gate().open({made.case_id, consent, made.public_key}, purpose));
  return ring.keys(opening, {made.record});
}

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
  EXPECT_TRUE((*again)->has_private_key(view(Digest(taken.public_key))));
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
  auto keys = open(ring, made);
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
  EXPECT_EQ(open(ring, made).error().code, Code::kNotFound);
  const auto trail = *site.store->read_audit();
  ASSERT_EQ(trail.size(), 1u);
  EXPECT_FALSE(trail[0].allowed());
  Keyring none(nullptr, "casebox test");
  EXPECT_EQ(open(none, made).error().code, Code::kNotFound);
}

TEST(Keyring, RefusesAnEpochKeyOfAnotherCase) {
  Site site;
  MadeEpoch made(site.store->take_case_key()->public_key);
  Keyring ring(site.store.get(), "casebox test");
  made.case_id = random_id<CaseId>();
  EXPECT_EQ(open(ring, made).error().code, Code::kCorrupt);
}

TEST(Keyring, OpensACohortUnderOneAuditRecord) {
  Site site;
  MadeEpoch a(site.store->take_case_key()->public_key), b(site.store->take_case_key()->public_key);
  fs::remove(site.dir / "cases" / (to_hex(b.public_key) + ".key"));
  Keyring ring(site.store.get(), "casebox test");
  auto opened = ring.gate().open({{a.case_id, {}, a.public_key}, {b.case_id, {}, b.public_key}},
                                 Purpose::kAnalysis);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(ring.kept_key(*(*opened)[0]));
  EXPECT_EQ(ring.kept_key(*(*opened)[1]).error().code, Code::kNotFound);
  EXPECT_EQ(site.store->read_audit()->size(), 1u);
}

TEST(Keyring, ACohortThatOneRecordCannotNameTakesSeveral) {
  Site site;
  MadeEpoch a(site.store->take_case_key()->public_key);
  Keyring ring(site.store.get(), "casebox test");
  const std::vector<Gate::Asked> many(70'000, {a.case_id, {}, a.public_key});
  ASSERT_TRUE(ring.gate().open(many, Purpose::kAnalysis));
  const auto trail = *site.store->read_audit();
  ASSERT_EQ(trail.size(), 3u);
  EXPECT_EQ(trail[0].case_ids_size() + trail[1].case_ids_size() + trail[2].case_ids_size(), 70'000);
}

TEST(Keyring, WhatIsKeptOpensWithTheSameCasesPrivateKeyAlone) {
  Site site;
  MadeEpoch a(site.store->take_case_key()->public_key), b(site.store->take_case_key()->public_key);
  Keyring ring(site.store.get(), "casebox test");
  const auto opened = *ring.gate().open(
      {{a.case_id, {}, a.public_key}, {b.case_id, {}, b.public_key}}, Purpose::kAnalysis);
  auto of_a = ring.kept_key(*opened[0]), again = ring.kept_key(*opened[0]),
       of_b = ring.kept_key(*opened[1]);
  ASSERT_TRUE(of_a && again && of_b);
  Bytes sealed = *of_a->seal("facts", "about");
  EXPECT_EQ(*again->open(sealed, "about"), "facts");
  EXPECT_NE(*again->seal("facts", "about"), sealed) << "a nonce of its own each time";
  EXPECT_EQ(of_b->open(sealed, "about").error().code, Code::kCorrupt);
  EXPECT_EQ(again->open(sealed, "another").error().code, Code::kCorrupt);
  EXPECT_EQ(again->open(BytesView(sealed).substr(0, 8), "about").error().code, Code::kCorrupt);
  for (size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(again->open(changed, "about")) << i;
  }
}

TEST(Gate, OpensNothingThatConsentForbidsAndWritesThatDownFirst) {
  Site site;
  MadeEpoch made(site.store->take_case_key()->public_key);
  Keyring ring(site.store.get(), "casebox test");
  const access::Consent withdrawn{true, {access::Scope::kRecord}, {access::Scope::kQuality}};
  const auto refused = open(ring, made, Purpose::kExport, withdrawn);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().message.find("consent to quality was withdrawn"), std::string::npos)
      << refused.error().message;
  auto trail = *site.store->read_audit();
  ASSERT_EQ(trail.size(), 1u);
  EXPECT_FALSE(trail[0].allowed());
  EXPECT_EQ(trail[0].role(), "owner");
  EXPECT_EQ(trail[0].level(), "raw");
  EXPECT_EQ(trail[0].classes_size(), 0);
  EXPECT_NE(trail[0].reason().find("quality"), std::string::npos);
  // A name can be looked up all the same, else nobody could give consent again.
  EXPECT_TRUE(open(ring, made, Purpose::kFind, withdrawn));
  EXPECT_FALSE(open(ring, made, Purpose::kIndex, {true, {}, {access::Scope::kRecord}}));
  ASSERT_TRUE(open(ring, made, Purpose::kExport, {true, {access::Scope::kRecord}, {}}));
  trail = *site.store->read_audit();
  EXPECT_TRUE(trail.back().allowed());
  EXPECT_EQ(trail.back().classes_size(), access::kStreamClasses - 1);
}

TEST(Gate, OpensNothingWhenTheTrailCannotBeWritten) {
  Site site;
  MadeEpoch made(site.store->take_case_key()->public_key);
  Keyring ring(site.store.get(), "casebox test");
  ASSERT_TRUE(open(ring, made));
  ASSERT_TRUE(fs::remove(site.dir / "audit.log"));
  EXPECT_EQ(open(ring, made).error().code, Code::kCorrupt);
  const auto cohort = ring.gate().open(
      std::vector<Gate::Asked>{{made.case_id, {}, made.public_key}}, Purpose::kAnalysis);
  EXPECT_FALSE(cohort);
}

TEST(Gate, OfManyCasesOpensThoseThatMayBeReadUnderOneRecordForEachReason) {
  Site site;
  MadeEpoch a(site.store->take_case_key()->public_key), b(site.store->take_case_key()->public_key),
      c(site.store->take_case_key()->public_key);
  Keyring ring(site.store.get(), "casebox test");
  const access::Consent withdrawn{true, {}, {access::Scope::kRecord}};
  const auto opened = *ring.gate().open({{a.case_id, {}, a.public_key},
                                         {b.case_id, withdrawn, b.public_key},
                                         {c.case_id, withdrawn, c.public_key}},
                                        Purpose::kAnalysis);
  EXPECT_TRUE(opened[0].has_value());
  EXPECT_FALSE(opened[1].has_value());
  EXPECT_FALSE(opened[2].has_value());
  const auto trail = *site.store->read_audit();
  ASSERT_EQ(trail.size(), 2u);
  EXPECT_TRUE(trail[0].allowed());
  EXPECT_FALSE(trail[1].allowed());
  EXPECT_EQ(trail[1].case_ids_size(), 2);
}

TEST(Gate, GivesARoleTheClassesOfItsRowsAndNoMore) {
  Site site;
  access::Reader who;
  who.role = access::Role::kCommitteeReviewer;
  who.purpose = access::Purpose::kHqualimp;
  who.basis = {};
  const Gate gate(site.store.get(), "casebox test", who);
  const access::Consent quality{true, {access::Scope::kQuality}, {}};
  const auto facts = gate.verdict(Purpose::kView, quality);
  EXPECT_TRUE(facts.classes.contains(access::StreamClass::kFindings));
  EXPECT_FALSE(facts.classes.contains(access::StreamClass::kIdentity));
  EXPECT_FALSE(facts.classes.contains(access::StreamClass::kRoomVideo));
  EXPECT_TRUE(gate.verdict(Purpose::kReplay, quality).classes.empty()) << "nothing raw";
  EXPECT_TRUE(gate.verdict(Purpose::kView, {}).classes.empty()) << "no consent, no basis";
  who.refusal = "no purpose was stated";
  const auto none = Gate(site.store.get(), "casebox test", who).verdict(Purpose::kView, quality);
  EXPECT_TRUE(none.classes.empty());
  EXPECT_EQ(none.why, "no purpose was stated");
}

TEST(CaseKeys, TellsAMissingKeyFromAChangedFrame) {
  Site site;
  MadeEpoch made(site.store->take_case_key()->public_key);
  const Bytes bytes = made.frame("the content");
  MadeEpoch other(site.store->take_case_key()->public_key);
  Keyring ring(site.store.get(), "casebox test");
  EXPECT_EQ(open(ring, other)->open(*frame::parse(bytes)).error().code, Code::kDenied);
  CaseKeys keys = *open(ring, made);
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
