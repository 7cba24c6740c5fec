// The gate over a store: consent of either form, what a withdrawal closes, who reads with a site's
// access.yaml.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "analytics/facts/case_facts.h"
#include "storage/case_record.h"
#include "tests/support/review_store.h"
#include "tools/documents/case_document.h"
#include "tools/query/cohort.h"
#include "tools/report/briefing.h"
#include "tools/report/cohort_evidence.h"
#include "tools/report/evidence.h"
#include "tools/store/kept_facts.h"

namespace casebox::tools {
namespace {

using keyring::Purpose;
using ::testing::HasSubstr;

class GateTest : public ::testing::Test {
 protected:
  std::unique_ptr<StoreAccess> open(const Claim& claim = {}, bool write = false) {
    StoreOptions options;
    options.store = store_.dir();
    options.claim = claim;
    options.write = write;
    auto access = StoreAccess::open(options);
    EXPECT_TRUE(access) << access.error().message;
    return std::move(*access);
  }
  /// A custody act: the whole set in force.
  void say(CaseId id, const std::vector<v1::ConsentScope>& granted,
           const std::vector<v1::ConsentScope>& withdrawn, int64_t t_s) {
    auto access = open({}, true);
    auto log = *access->open_log("custody");
    auto act = *access->begin_derived(*log, "custody", id, v1::PRODUCER_ROLE_CUSTODY);
    v1::Consent consent;
    for (const auto scope : granted) consent.add_granted(scope);
    for (const auto scope : withdrawn) consent.add_withdrawn(scope);
    consent.set_recorded_by("nurse");
    const CaseTime t = CaseTime{} + seconds(t_s);
    ASSERT_TRUE(act->append_consent(consent, t));
    ASSERT_TRUE(act->close(t));
    log.reset();
    ASSERT_TRUE(access->drain());
  }
  void rules(const std::string& roles, const std::string& basis = "[]") {
    std::ofstream(store_.dir() / "keys" / "access.yaml")
        << "accounts:\n  - account: " << account_name() << "\n    roles: [" << roles
        << "]\nlegal_basis: " << basis << "\n";
  }

  testing::ReviewStore store_;
};

TEST_F(GateTest, ConsentOfTheOlderFormIsReadAsThatOfNow) {
  const CaseId now = store_.add({});
  testing::ReviewCase sealed;
  sealed.sealed_consent = true;
  const CaseId before = store_.add(sealed);
  auto access = open();
  for (const CaseId id : {now, before}) {
    const auto record = *access->store().find_case(id);
    EXPECT_EQ(record->has_consent(), id == now);
    EXPECT_EQ(storage::tells_consent(*record), id == now);
    auto reader = *access->read_case(id, Purpose::kView);
    EXPECT_TRUE(reader->readable());
    EXPECT_EQ(reader->verdict(), verify::Verdict::kCompleteWithDeclaredGaps);
    EXPECT_TRUE(reader->consent().stated);
    EXPECT_EQ(reader->consent().granted,
              (access::Scopes{access::Scope::kRecord, access::Scope::kQuality}));
    const auto facts = *query::read_facts(*reader, analytics::facts::every_need());
    EXPECT_EQ(facts.consent, (std::set<std::string>{"record", "quality"}));
  }
  // Nothing can be told of it where there are no keys, and nothing else either.
  keyring::Keyring none(nullptr, "test");
  auto reader = *storage::CaseReader::open(access->store(), before, none, Purpose::kView);
  EXPECT_FALSE(reader->consent().stated);
  EXPECT_FALSE(reader->readable());
}

TEST_F(GateTest, ACaseOfTheOlderFormClosesWhenItsConsentIsWithdrawnNow) {
  testing::ReviewCase sealed;
  sealed.sealed_consent = true;
  const CaseId id = store_.add(sealed);
  say(id, {v1::CONSENT_SCOPE_RECORD}, {v1::CONSENT_SCOPE_QUALITY}, 200);
  auto access = open();
  auto reader = *access->read_case(id, Purpose::kView);
  EXPECT_EQ(reader->readable().error().code, Code::kRefused);
  EXPECT_EQ(reader->verdict(), verify::Verdict::kCompleteWithDeclaredGaps)
      << "the record itself is whole";
}

TEST_F(GateTest, TheNewestConsentDecidesInWhateverOrderItCame) {
  const CaseId id = store_.add({});
  say(id, {}, {v1::CONSENT_SCOPE_RECORD}, 300);
  say(id, {v1::CONSENT_SCOPE_RECORD, v1::CONSENT_SCOPE_QUALITY}, {}, 200);
  auto access = open();
  const auto record = *access->store().find_case(id);
  EXPECT_EQ(record->consent().t_ns(), int64_t{300} * 1'000'000'000);
  auto reader = *access->read_case(id, Purpose::kView);
  EXPECT_EQ(reader->readable().error().code, Code::kRefused);
  // The store's row is a cache: the frames say the same.
  EXPECT_EQ(reader->record().consent().SerializeAsString(), record->consent().SerializeAsString());
  say(id, {v1::CONSENT_SCOPE_RECORD, v1::CONSENT_SCOPE_QUALITY}, {}, 300);
  EXPECT_TRUE((*open()->read_case(id, Purpose::kView))->readable())
      << "at one time the later act counts";
}

TEST_F(GateTest, NothingOfARefusedCaseIsGivenAndTheTrailHasIt) {
  const CaseId id = store_.add({});
  say(id, {v1::CONSENT_SCOPE_RECORD}, {v1::CONSENT_SCOPE_QUALITY}, 200);
  auto access = open();
  const size_t before = access->keystore()->read_audit()->size();
  auto reader = *access->read_case(id, Purpose::kExport);
  for (const auto& read :
       {reader->events(v1::STREAM_KIND_TEAM).error(), reader->readable().error(),
        reader->seal_kept("x", "y").error(), access->read_content(id, Purpose::kReplay).error()}) {
    EXPECT_EQ(read.code, Code::kRefused) << read.message;
    EXPECT_THAT(read.message, HasSubstr("the consent to quality was withdrawn"));
  }
  EXPECT_EQ(reader->gaps()->size() > 0, true) << "accounting stays";
  const auto trail = *access->keystore()->read_audit();
  ASSERT_EQ(trail.size(), before + 2);
  for (size_t i = before; i < trail.size(); ++i) EXPECT_FALSE(trail[i].allowed());
  EXPECT_EQ(access->alias_of(id), "");
}

TEST_F(GateTest, QuestionsLoseAWithdrawnCaseAtOnceCopiesIncludedAndCountIt) {
  const CaseId stays = store_.add({}), goes = store_.add({});
  auto access = open();
  query::Answer answer = *query::ask(*access, "phase(\"Preparation\").duration > 0s");
  EXPECT_EQ(answer.cases.size(), 2u);
  say(goes, {v1::CONSENT_SCOPE_RECORD}, {v1::CONSENT_SCOPE_QUALITY}, 200);
  for (const char* asked : {"phase(\"Preparation\").duration > 0s", "duration > 0s", ""}) {
    access = open();
    answer = *query::ask(*access, asked);
    EXPECT_EQ(answer.cases, std::vector{stays}) << asked;
    EXPECT_EQ(answer.refused, 1u) << asked;
    EXPECT_EQ(answer.scanned, 2u) << asked;
    ASSERT_EQ(answer.not_asked.size(), 1u) << asked;
    EXPECT_EQ(answer.not_asked[0].case_id, goes);
    EXPECT_THAT(answer.not_asked[0].reason, HasSubstr("withdrawn"));
  }
}

TEST_F(GateTest, AnOpenReaderIsToldThatConsentWasWithdrawn) {
  const CaseId id = store_.add({});
  auto access = open();
  auto reader = *access->read_case(id, Purpose::kReplay);
  EXPECT_TRUE(access->still_open(id, Purpose::kReplay, reader->consent()));
  say(id, {v1::CONSENT_SCOPE_RECORD}, {v1::CONSENT_SCOPE_QUALITY}, 200);
  EXPECT_EQ(access->still_open(id, Purpose::kReplay, reader->consent()).error().code,
            Code::kRefused);
}

TEST_F(GateTest, AnAccountReadsWhatItsRoleMayForAPurposeAndNothingElse) {
  const CaseId id = store_.add({});
  rules("committee-reviewer, educator");
  EXPECT_THAT(
      open({"committee-reviewer", "", false})->read_content(id, Purpose::kView).error().message,
      HasSubstr("--purpose"));
  EXPECT_THAT(open({"", "HQUALIMP", false})->read_content(id, Purpose::kView).error().message,
              HasSubstr("--role"));
  auto access = open({"committee-reviewer", "HQUALIMP", false});
  auto reader = access->read_content(id, Purpose::kView);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_TRUE((*reader)->events(v1::STREAM_KIND_TEAM));
  EXPECT_EQ((*reader)->fragments("scope.video", {}, [](const auto&) { return ok(); }).error().code,
            Code::kRefused);
  EXPECT_EQ(access->read_content(id, Purpose::kReplay).error().code, Code::kRefused);
  EXPECT_EQ(open({"educator", "TRAIN", false})->read_content(id, Purpose::kView).error().code,
            Code::kRefused);
  StoreOptions wrong;
  wrong.store = store_.dir();
  wrong.claim = {"counsel", "HLEGAL", false};
  EXPECT_EQ(StoreAccess::open(wrong).error().code, Code::kInvalidArgument)
      << "not a role of theirs";
  wrong.claim = {"", "PROFIT", false};
  EXPECT_EQ(StoreAccess::open(wrong).error().code, Code::kInvalidArgument);
  rules("king");
  wrong.claim = {};
  EXPECT_EQ(StoreAccess::open(wrong).error().code, Code::kInvalidArgument);
}

TEST_F(GateTest, ARoleGetsTheFactsOfACaseWithoutItsIdentity) {
  testing::ReviewCase asked;
  asked.alias = "Case 7";
  asked.consent = {v1::CONSENT_SCOPE_RECORD, v1::CONSENT_SCOPE_QUALITY,
                   v1::CONSENT_SCOPE_PATIENT_BRIEFING};
  const CaseId id = store_.add(asked);
  rules("committee-reviewer, patient-liaison");
  auto access = open({"committee-reviewer", "HQUALIMP", false});
  auto reader = *access->read_content(id, Purpose::kView);
  EXPECT_EQ(reader->events(v1::STREAM_KIND_DETAILS).error().code, Code::kRefused);
  const auto view = gather_case(*reader);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_TRUE(view->readable);
  EXPECT_TRUE(view->details_closed);
  EXPECT_EQ(view->alias, "");
  const auto shown = case_full_json(*access, id, true, false);
  ASSERT_TRUE(shown) << shown.error().message;
  EXPECT_FALSE((*shown)["refused"].get<bool>());
  EXPECT_FALSE((*shown)["not_open"].empty()) << "what was left out is named";
  EXPECT_FALSE((*shown)["phases"].empty());
  const auto cohort = report::gather_cohort(*access, "one case", {id});
  ASSERT_TRUE(cohort) << cohort.error().message;
  EXPECT_EQ(cohort->cases.size(), 1u);
  access = open({"patient-liaison", "PATADMIN", false});
  const auto evidence = report::gather_evidence(*access, id, Purpose::kBriefing);
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_TRUE(evidence->view.details_closed);
  EXPECT_TRUE(report::briefing(*evidence, "the office"));
}

TEST_F(GateTest, AProgramThatGoesOnAsksTheRulesAsTheyAreNow) {
  const CaseId id = store_.add({});
  auto access = open({"", "HQUALIMP", false});
  auto reader = *access->read_content(id, Purpose::kReplay);
  EXPECT_TRUE(access->still_open(id, Purpose::kReplay, reader->consent()));
  rules("committee-reviewer");
  EXPECT_EQ(access->read_content(id, Purpose::kReplay).error().code, Code::kRefused);
  EXPECT_TRUE(access->read_content(id, Purpose::kView));
  EXPECT_EQ(access->still_open(id, Purpose::kReplay, reader->consent()).error().code,
            Code::kRefused)
      << "an open reader is told";
  rules("king");
  EXPECT_THAT(access->read_content(id, Purpose::kView).error().message, HasSubstr("access.yaml"))
      << "what cannot be read lets nobody in";
  EXPECT_EQ(access->keyring().gate().who().role, access::Role::kAdmin);
  rules("committee-reviewer");
  EXPECT_TRUE(access->read_content(id, Purpose::kView));
  std::filesystem::remove(store_.dir() / "keys" / "access.yaml");
  EXPECT_TRUE(access->read_content(id, Purpose::kReplay));
}

TEST_F(GateTest, WhateverStandsInPlaceOfTheRulesMakesNobodyTheOwner) {
  const CaseId id = store_.add({});
  const auto file = store_.dir() / "keys" / "access.yaml";
  StoreOptions options;
  options.store = store_.dir();
  std::filesystem::create_symlink(store_.dir() / "nowhere", file);
  EXPECT_THAT(StoreAccess::open(options).error().message, HasSubstr("a link that leads nowhere"));
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_THAT(StoreAccess::open(options).error().message, HasSubstr("not a file"));
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_THAT(StoreAccess::open(options).error().message, HasSubstr("not a file"));
  std::filesystem::remove(file);
  EXPECT_TRUE(open()->read_content(id, Purpose::kReplay));
}

TEST_F(GateTest, ALinkInPlaceOfTheCopiesLeadsNothingOutOfTheStore) {
  store_.add({});
  const auto outside = store_.dir() / "outside", kept = store_.dir() / "kept";
  std::filesystem::create_directory(outside);
  std::filesystem::create_directory_symlink(outside, kept);
  EXPECT_EQ(query::ask(*open(), "compared or not compared")->scanned, 1u);
  EXPECT_TRUE(std::filesystem::is_empty(outside));
  std::filesystem::remove(kept);
  EXPECT_EQ(query::ask(*open(), "compared or not compared")->scanned, 1u);
  EXPECT_FALSE(std::filesystem::is_empty(kept));
  // A pipe in the place of a copy is waited for by nobody, and replaced.
  const auto copy = std::filesystem::directory_iterator(kept)->path();
  std::filesystem::remove(copy);
  ASSERT_EQ(::mkfifo(copy.c_str(), 0600), 0);
  EXPECT_EQ(query::ask(*open(), "compared or not compared")->scanned, 1u);
  EXPECT_TRUE(std::filesystem::is_regular_file(copy));
}

TEST_F(GateTest, WhereASiteGivesRolesTheProgramsOwnJobsNeedConsentToo) {
  const CaseId with = store_.add({});
  testing::ReviewCase asked;
  asked.consent = {v1::CONSENT_SCOPE_RECORD};
  const CaseId without = store_.add(asked);
  const Claim machine{"", "", true};
  EXPECT_TRUE(open(machine)->read_content(without, Purpose::kAnalysis)) << "the owner's machine";
  rules("admin", "[quality]");
  EXPECT_TRUE(open(machine)->read_content(with, Purpose::kAnalysis));
  EXPECT_EQ(open(machine)->read_content(without, Purpose::kAnalysis).error().code, Code::kRefused)
      << "asked, and not granted: the basis is for cases that nobody was asked about";
}

}  // namespace
}  // namespace casebox::tools
