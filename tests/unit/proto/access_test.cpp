// Decisions of the table of access, consent and its older form, classes of streams.
#include "proto/access/access.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "proto/access/table.h"
#include "proto/base/bytes.h"

namespace casebox::access {
namespace {

const Consent kNothingStated{};

Decision decide_owner(Purpose purpose, const Consent& consent, Hold hold = Hold::kNone) {
  return decide({Role::kOwner, purpose, StreamClass::kFindings, Level::kFacts, hold}, consent,
                owner_basis(), {});
}

TEST(Access, DeniesWhatHasNoRow) {
  for (int purpose = 0; purpose < kPurposes; ++purpose)
    for (int what = 0; what < kStreamClasses; ++what)
      for (int level = 0; level < kLevels; ++level) {
        const Question asked{Role::kAdmin, static_cast<Purpose>(purpose),
                             static_cast<StreamClass>(what), static_cast<Level>(level)};
        const Decision said =
            decide(asked, {true, kEveryScope, {}}, owner_basis(), kEveryCondition);
        EXPECT_FALSE(said.allowed);
        EXPECT_FALSE(said.why.empty());
      }
}

TEST(Access, AnOwnerReadsWhatNobodyWithdrew) {
  EXPECT_TRUE(decide_owner(Purpose::kUnstated, kNothingStated).allowed);
  EXPECT_TRUE(decide_owner(Purpose::kUnstated, {true, {Scope::kTeaching}, {}}).allowed);
  const Consent withdrawn{true, {Scope::kRecord}, {Scope::kQuality}};
  const Decision said = decide_owner(Purpose::kUnstated, withdrawn);
  EXPECT_FALSE(said.allowed);
  EXPECT_TRUE(said.of_consent);
  EXPECT_EQ(said.why, "the consent to quality was withdrawn");
  EXPECT_TRUE(decide_owner(Purpose::kTrain, withdrawn).allowed) << "another scope, still there";
  EXPECT_FALSE(decide_owner(Purpose::kTrain, {true, {}, {Scope::kRecord}}).allowed)
      << "what takes back the recording takes back all";
  EXPECT_FALSE(decide_owner(Purpose::kPatadmin, kNothingStated).allowed)
      << "a briefing is the patient's to ask for";
  EXPECT_FALSE(decide_owner(Purpose::kBtg, kNothingStated).allowed);
}

TEST(Access, ASiteHasConsentOrItsLegalBasisAndNotBoth) {
  const Question asked{Role::kCommitteeReviewer, Purpose::kHqualimp, StreamClass::kFindings,
                       Level::kFacts};
  const Basis basis{{Scope::kQuality}, false};
  EXPECT_FALSE(decide(asked, kNothingStated, {}, {}).allowed);
  EXPECT_TRUE(decide(asked, kNothingStated, basis, {}).allowed);
  EXPECT_FALSE(decide(asked, {true, {Scope::kTeaching}, {}}, basis, {}).allowed)
      << "a patient who was asked and did not grant it";
  EXPECT_TRUE(decide(asked, {true, {Scope::kQuality}, {}}, {}, {}).allowed);
}

TEST(Access, ARowsConditionsMustBeShown) {
  const Question asked{Role::kCounsel, Purpose::kHlegal, StreamClass::kRoomVideo, Level::kRaw};
  const Conditions both{Condition::kTwoPersons, Condition::kReference};
  EXPECT_TRUE(decide(asked, kNothingStated, {}, both).allowed);
  EXPECT_FALSE(decide(asked, kNothingStated, {}, {Condition::kReference}).allowed);
  const Decision alone = decide(asked, kNothingStated, {}, {Condition::kTwoPersons});
  EXPECT_FALSE(alone.allowed);
  EXPECT_NE(alone.why.find("court"), std::string::npos);
}

TEST(Access, HoldsCloseWhatTheyAreAbout) {
  EXPECT_TRUE(decide_owner(Purpose::kUnstated, kNothingStated, Hold::kLegalHold).allowed);
  EXPECT_FALSE(decide_owner(Purpose::kUnstated, kNothingStated, Hold::kRestriction).allowed);
  EXPECT_TRUE(decide_owner(Purpose::kHlegal, kNothingStated, Hold::kRestriction).allowed);
  EXPECT_FALSE(decide_owner(Purpose::kHlegal, kNothingStated, Hold::kWrongPatient).allowed);
}

TEST(Access, AMatrixHasEveryCellAndMostSayNo) {
  const std::string all = matrix();
  ASSERT_EQ(all.size(), size_t{kRoles} * kPurposes * matrix_consents().size() * kStreamClasses *
                            kLevels * kHolds);
  const auto yes = std::count(all.begin(), all.end(), '1');
  EXPECT_GT(yes, 0);
  EXPECT_LT(yes, static_cast<std::ptrdiff_t>(all.size() / 20));
}

TEST(Access, OfTheOlderFormWhatWasThereAndIsNoMoreWasWithdrawn) {
  v1::Consent first, second, third;
  first.add_granted(v1::CONSENT_SCOPE_RECORD);
  first.add_granted(v1::CONSENT_SCOPE_QUALITY);
  second.add_granted(v1::CONSENT_SCOPE_RECORD);
  second.add_withdrawn(v1::CONSENT_SCOPE_QUALITY);
  third.add_granted(v1::CONSENT_SCOPE_RECORD);
  third.add_granted(v1::CONSENT_SCOPE_TEACHING);
  EXPECT_EQ(consent_of(std::vector<v1::Consent>{}), kNothingStated);
  const Consent now = consent_of({first, second, third});
  EXPECT_TRUE(now.stated);
  EXPECT_EQ(now.granted, (Scopes{Scope::kRecord, Scope::kTeaching}));
  EXPECT_EQ(now.withdrawn, Scopes{Scope::kQuality}) << "the third act did not give it again";
  EXPECT_EQ(consent_of({first, second, first}).withdrawn, Scopes{}) << "given again";
}

TEST(Access, AScopeThatIsGrantedAndWithdrawnIsWithdrawn) {
  v1::Consent said;
  said.add_granted(v1::CONSENT_SCOPE_RECORD);
  said.add_withdrawn(v1::CONSENT_SCOPE_RECORD);
  said.add_granted(v1::CONSENT_SCOPE_UNSPECIFIED);
  const Consent now = consent_of(said);
  EXPECT_EQ(now.granted, Scopes{});
  EXPECT_EQ(now.withdrawn, Scopes{Scope::kRecord});
}

TEST(Access, ConsentHasTheBytesThatItsPageShows) {
  v1::Consent said;
  said.add_granted(v1::CONSENT_SCOPE_RECORD);
  said.add_withdrawn(v1::CONSENT_SCOPE_QUALITY);
  said.set_recorded_by("nurse");
  said.set_given_by(v1::CONSENT_GIVER_PATIENT);
  EXPECT_EQ(to_hex(said.SerializeAsString()), "0a01011201021a056e757273652001");
}

TEST(Access, AStreamThatIsNotKnownHasTheStrictestClass) {
  v1::Stream stream;
  EXPECT_EQ(class_of(stream), StreamClass::kIdentity);
  stream.set_kind(v1::STREAM_KIND_VIDEO);
  stream.set_name("stream-3");
  EXPECT_EQ(class_of(stream), StreamClass::kRoomVideo);
  stream.set_name("scope.video");
  EXPECT_EQ(class_of(stream), StreamClass::kIntraBodyVideo);
  stream.set_kind(v1::STREAM_KIND_NOTE);
  EXPECT_EQ(class_of(stream), StreamClass::kIdentity);
}

TEST(Access, ReadsItsOwnWordsAndGivesNobodyTheMachinesRole) {
  std::set<std::string> words;
  for (int i = 0; i < kRoles; ++i) {
    const auto role = static_cast<Role>(i);
    EXPECT_TRUE(words.insert(to_string(role)).second);
    EXPECT_EQ(role_from(to_string(role)).has_value(), role != Role::kMachine);
  }
  EXPECT_FALSE(purpose_from("INDEX"));
  EXPECT_FALSE(purpose_from(""));
  EXPECT_EQ(*purpose_from("HLEGAL"), Purpose::kHlegal);
  EXPECT_EQ(*scopes_from({"patient_briefing", "Quality"}),
            (Scopes{Scope::kPatientBriefing, Scope::kQuality}));
  EXPECT_NE(scopes_from({"all"}).error().message.find("patient-briefing"), std::string::npos);
}

}  // namespace
}  // namespace casebox::access
