#include "proto/trust/trust.h"

#include <gtest/gtest.h>

namespace casebox::trust {
namespace {

v1::TrustedProducer* add(v1::TrustList& list, const std::string& name, v1::ProducerRole role,
                         const seal::SigningKey& key) {
  v1::TrustedProducer* one = list.add_producers();
  one->set_name(name);
  one->set_role(role);
  one->set_key(Bytes(view(key.public_key())));
  return one;
}

v1::CaseFrame opening(v1::ProducerRole role, const seal::SigningKey& key) {
  v1::CaseFrame open;
  open.set_role(role);
  open.set_room("or-3");
  open.set_signing_key(Bytes(view(key.public_key())));
  return open;
}

class Trust : public ::testing::Test {
 protected:
  seal::SigningKey site = seal::SigningKey::generate();
  seal::SigningKey recorder = seal::SigningKey::generate();
  seal::SigningKey analysis = seal::SigningKey::generate();
  v1::TrustList list;
};

TEST_F(Trust, ComesBackAsItWasSigned) {
  add(list, "or-3", v1::PRODUCER_ROLE_RECORDER, recorder);
  const auto read = TrustList::parse(TrustList::sign(list, site), site.public_key());
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_NE(read->find(view(recorder.public_key())), nullptr);
  EXPECT_EQ(read->find(view(recorder.public_key()))->name(), "or-3");
  EXPECT_EQ(read->find(view(analysis.public_key())), nullptr);
}

TEST_F(Trust, IsRefusedWhenOneByteOfItDiffers) {
  add(list, "or-3", v1::PRODUCER_ROLE_RECORDER, recorder);
  const Bytes bytes = TrustList::sign(list, site);
  for (size_t i = 0; i < bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(TrustList::parse(changed, site.public_key())) << "byte " << i;
  }
}

TEST_F(Trust, IsRefusedWhenAnotherSiteSignedIt) {
  const Bytes bytes = TrustList::sign(list, seal::SigningKey::generate());
  EXPECT_TRUE(TrustList::parse(bytes));
  EXPECT_FALSE(TrustList::parse(bytes, site.public_key()));
}

TEST_F(Trust, TakesAProducerInItsRoleAndNoOther) {
  add(list, "or-3", v1::PRODUCER_ROLE_RECORDER, recorder)->set_room("or-3");
  add(list, "analysis", v1::PRODUCER_ROLE_ANALYSIS, analysis);
  const auto read = *TrustList::parse(TrustList::sign(list, site));
  EXPECT_EQ(read.refusal(opening(v1::PRODUCER_ROLE_RECORDER, recorder)), "");
  EXPECT_EQ(read.refusal(opening(v1::PRODUCER_ROLE_ANALYSIS, analysis)), "");
  EXPECT_EQ(read.refusal(opening(v1::PRODUCER_ROLE_ANALYSIS, recorder)), "role-not-enrolled");
  EXPECT_EQ(read.refusal(opening(v1::PRODUCER_ROLE_RECORDER, analysis)), "role-not-enrolled");
  EXPECT_EQ(read.refusal(opening(static_cast<v1::ProducerRole>(99), recorder)), "unknown-role");
  EXPECT_EQ(read.refusal(opening(v1::PRODUCER_ROLE_UNSPECIFIED, recorder)), "unknown-role");
  EXPECT_EQ(read.refusal(opening(v1::PRODUCER_ROLE_RECORDER, seal::SigningKey::generate())),
            "not-enrolled");
  auto elsewhere = opening(v1::PRODUCER_ROLE_RECORDER, recorder);
  elsewhere.set_room("or-4");
  EXPECT_EQ(read.refusal(elsewhere), "room-not-enrolled");
  auto study = opening(v1::PRODUCER_ROLE_RECORDER, analysis);
  study.set_kind(v1::CASE_KIND_STUDY);
  EXPECT_EQ(read.refusal(study), "");
}

TEST_F(Trust, EndsWhenTheEnrolmentEnds) {
  auto* one = add(list, "or-3", v1::PRODUCER_ROLE_RECORDER, recorder);
  one->set_from_utc_ns(100);
  one->set_until_utc_ns(200);
  const auto read = *TrustList::parse(TrustList::sign(list, site));
  const auto open = opening(v1::PRODUCER_ROLE_RECORDER, recorder);
  EXPECT_EQ(read.refusal(open, UtcTime{99}), "enrolment-over");
  EXPECT_EQ(read.refusal(open, UtcTime{100}), "");
  EXPECT_EQ(read.refusal(open, UtcTime{200}), "enrolment-over");
}

TEST_F(Trust, RefusesAListThatNamesAKeyTwice) {
  add(list, "a", v1::PRODUCER_ROLE_RECORDER, recorder);
  add(list, "b", v1::PRODUCER_ROLE_ANALYSIS, recorder);
  EXPECT_FALSE(TrustList::parse(TrustList::sign(list, site)));
}

}  // namespace
}  // namespace casebox::trust
