#include "tools/store/kept_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "proto/base/file.h"
#include "storage/found.h"
#include "tests/support/review_store.h"
#include "tools/query/cohort.h"

namespace casebox::tools {
namespace {

namespace facts = analytics::facts;
namespace fs = std::filesystem;
using facts::CaseFacts;
using facts::KeptPart;
using facts::Needs;

/// Everything that is known of a case, in one text.
Bytes all_of(const CaseFacts& one) {
  Bytes out = one.verdict + (one.complete ? "+" : "-") + (one.sealed ? one.sealed_why : "open");
  for (size_t p = 0; p < facts::kKeptParts; ++p)
    out += "|" + facts::to_kept(one, static_cast<KeptPart>(p));
  return out;
}

/// One need after another, and several at once.
std::vector<Needs> questions() {
  std::vector<Needs> out;
  for (bool Needs::*one :
       {&Needs::phases, &Needs::departures, &Needs::moments, &Needs::clocks, &Needs::consent,
        &Needs::twin, &Needs::gaps, &Needs::vital_names, &Needs::all_vitals}) {
    out.emplace_back().*one = true;
    out.emplace_back().*one = true;
    out.back().phases = true;
  }
  out.emplace_back().vitals = {"HR"};
  out.emplace_back().vitals = {"monitor.numerics/HR"};
  out.back().phases = true;
  out.push_back(facts::every_need());
  return out;
}

class KeptFactsTest : public ::testing::Test {
 protected:
  KeptFactsTest() {
    clean_ = store_.add({});
    broken_ = store_.add({.seconds = 60, .broken_clock = true});
  }
  std::unique_ptr<StoreAccess> open() {
    StoreOptions options;
    options.store = store_.dir();
    options.subject = "casebox test";
    auto access = StoreAccess::open(options);
    EXPECT_TRUE(access) << access.error().message;
    return std::move(*access);
  }
  /// As a question gets them, by case.
  std::map<CaseId, CaseFacts> ask(const Needs& needs) {
    auto access = open();
    std::map<CaseId, CaseFacts> out;
    auto asked = query::for_each_case(*access, keyring::Purpose::kAnalysis, needs,
                                      [&](CaseFacts&& one) -> Result<void> {
                                        out.emplace(one.id, std::move(one));
                                        return ok();
                                      });
    EXPECT_TRUE(asked) << asked.error().message;
    return out;
  }
  /// As the case itself gives them.
  CaseFacts anew(CaseId id, const Needs& needs) {
    auto access = open();
    auto reader = access->read_case(id, keyring::Purpose::kAnalysis);
    EXPECT_TRUE(reader);
    auto read = facts::read_facts(**reader, needs);
    EXPECT_TRUE(read) << read.error().message;
    return std::move(*read);
  }
  /// How many of the two cases a copy answers.
  size_t answered(const Needs& needs) {
    auto access = open();
    auto copies = KeptFacts::of(*access);
    EXPECT_TRUE(copies);
    const auto rows = access->store().case_rows();
    EXPECT_TRUE(rows);
    const auto opened = (*copies)->open(*rows, keyring::Purpose::kAnalysis, needs);
    EXPECT_TRUE(opened) << opened.error().message;
    const auto read = opened->read(0, rows->size());
    return static_cast<size_t>(std::ranges::count_if(read, [](const auto& x) { return !!x; }));
  }
  /// The pack that holds a case's copy.
  fs::path copy_of(CaseId id) const {
    char name[16];
    std::snprintf(name, sizeof name, "%02x.pack", static_cast<uint8_t>(id.view()[0]) % 64u);
    return store_.dir() / "kept" / name;
  }
  /// Where the copy of a case, of form and parts as it was kept, stands now.
  KeptPacks::Entry entry_of(CaseId id) const {
    const KeptPacks packs = KeptPacks::open(store_.dir());
    const auto* entry = packs.find(id);
    EXPECT_NE(entry, nullptr);
    return entry == nullptr ? KeptPacks::Entry{} : *entry;
  }
  NewCopy kept(CaseId id) const {
    const KeptPacks packs = KeptPacks::open(store_.dir());
    const auto* entry = packs.find(id);
    NewCopy out;
    EXPECT_NE(entry, nullptr);
    if (entry == nullptr) return out;
    out.about = entry->about;
    for (size_t p = 0; p < facts::kKeptParts; ++p)
      out.parts[p] = packs.read(*entry, static_cast<KeptPart>(p)).value_or(Bytes());
    return out;
  }
  void put(CaseId id, NewCopy copy) {
    std::map<CaseId, NewCopy> all;
    all.emplace(id, std::move(copy));
    KeptPacks::put(store_.dir(), std::move(all));
  }
  void write(const fs::path& path, BytesView bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  testing::ReviewStore store_;
  CaseId clean_, broken_;
};

TEST_F(KeptFactsTest, ACopyAnswersWhatTheCaseItselfAnswers) {
  EXPECT_EQ(answered(facts::every_need()), 0u);
  ask(facts::every_need());
  ASSERT_EQ(answered(facts::every_need()), 2u);
  for (const Needs& needs : questions()) {
    const auto kept = ask(needs);
    ASSERT_EQ(kept.size(), 2u);
    for (const auto& [id, one] : kept) EXPECT_EQ(all_of(one), all_of(anew(id, needs)));
  }
  const CaseFacts whole = ask(facts::every_need()).at(clean_);
  EXPECT_FALSE(whole.phases.empty());
  EXPECT_FALSE(whole.departures.empty());
  EXPECT_FALSE(whole.moments.all.empty());
  EXPECT_FALSE(whole.vitals.empty());
}

TEST_F(KeptFactsTest, WhatAddsToACaseMakesItsCopyAnew) {
  ask(facts::every_need());
  const NewCopy before = kept(clean_);
  ASSERT_EQ(answered(facts::every_need()), 2u);
  {
    StoreOptions options;
    options.store = store_.dir();
    options.write = true;
    auto access = StoreAccess::open(options);
    ASSERT_TRUE(access);
    auto log = (*access)->open_log("custody");
    ASSERT_TRUE(log);
    auto act = (*access)->begin_derived(**log, "custody", clean_, v1::PRODUCER_ROLE_CUSTODY);
    ASSERT_TRUE(act);
    v1::Consent consent;
    consent.add_withdrawn(v1::CONSENT_SCOPE_TEACHING);
    const CaseTime t = CaseTime{} + seconds(119);
    ASSERT_TRUE((*act)->append_consent(consent, t));
    ASSERT_TRUE((*act)->close(t));
    ASSERT_TRUE((*log)->sync());
    ASSERT_TRUE((*access)->drain());
  }
  EXPECT_EQ(answered(facts::every_need()), 1u);
  Needs needs;
  needs.consent = true;
  EXPECT_TRUE(ask(needs).at(clean_).consent.empty());
  EXPECT_EQ(answered(facts::every_need()), 2u);
  // The copy of before, made to look like one of now, is still what it was.
  NewCopy looks = before;
  looks.about = kept(clean_).about;
  put(clean_, looks);
  EXPECT_EQ(answered(facts::every_need()), 1u);
  put(clean_, before);
  EXPECT_EQ(answered(facts::every_need()), 1u);
}

TEST_F(KeptFactsTest, ACopyThatIsNotTheCasesOwnIsNone) {
  ask(facts::every_need());
  const NewCopy clean = kept(clean_), broken = kept(broken_);
  const auto unused = [&](const NewCopy& copy, const char* why) {
    put(clean_, copy);
    EXPECT_EQ(answered(facts::every_need()), 1u) << why;
  };
  for (size_t part = 0; part < facts::kKeptParts; ++part)
    for (const size_t at : {size_t{0}, size_t{20}, clean.parts[part].size() - 1}) {
      NewCopy changed = clean;
      changed.parts[part][at] = static_cast<char>(changed.parts[part][at] ^ 1);
      unused(changed, "a changed byte");
    }
  NewCopy swapped = clean;
  std::swap(swapped.parts[0], swapped.parts[1]);
  unused(swapped, "one part in another's place");
  unused(broken, "another case's copy");
  NewCopy disguised = broken;
  disguised.about = clean.about;
  unused(disguised, "another case's copy that says it is this one's");
  unused({}, "nothing");
  EXPECT_EQ(all_of(ask(facts::every_need()).at(clean_)), all_of(anew(clean_, facts::every_need())));
  EXPECT_EQ(answered(facts::every_need()), 2u) << "made anew by the question";
}

TEST_F(KeptFactsTest, APackThatWasChangedAnywhereCostsTimeAndNoAnswer) {
  ask(facts::every_need());
  const Bytes whole = *read_file(copy_of(clean_));
  const CaseFacts expected = anew(clean_, facts::every_need());
  const KeptPacks::Entry entry = entry_of(clean_);
  std::vector<size_t> places = {0, 8, 15, 16, 32, 40, 64, 70, 72, 79, 80, 88, whole.size() - 1};
  for (const auto& [offset, size] : entry.parts) places.push_back(offset + size / 2);
  for (const size_t at : places) {
    Bytes changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    write(copy_of(clean_), changed);
    EXPECT_LE(answered(facts::every_need()), 2u);
    EXPECT_EQ(all_of(ask(facts::every_need()).at(clean_)), all_of(expected)) << at;
  }
  for (const size_t n : {size_t{0}, size_t{7}, size_t{20}, whole.size() / 2, whole.size() - 1}) {
    write(copy_of(clean_), whole.substr(0, n));
    EXPECT_EQ(all_of(ask(facts::every_need()).at(clean_)), all_of(expected)) << n;
  }
  Bytes huge = whole;
  for (size_t i = 8; i < 16; ++i) huge[i] = '\xff';
  write(copy_of(clean_), huge);
  EXPECT_EQ(all_of(ask(facts::every_need()).at(clean_)), all_of(expected));
  EXPECT_EQ(answered(facts::every_need()), 2u) << "made anew by the question";
}

TEST_F(KeptFactsTest, AStoreThatWasChangedBehindACopyIsNotAnsweredFromIt) {
  ask(facts::every_need());
  ASSERT_EQ(answered(facts::every_need()), 2u);
  // A case record that says something else, under the same verdict.
  v1::CaseRecord record;
  {
    storage::Options how;
    auto store = storage::Store::open(store_.dir(), how);
    ASSERT_TRUE(store);
    record = **(*store)->find_case(clean_);
    v1::CaseRecord changed = record;
    changed.set_room("or-99");
    auto batch = (*store)->shard(0).begin();
    batch.put_case(changed);
    ASSERT_TRUE((*store)->shard(0).commit(std::move(batch)));
  }
  EXPECT_EQ(answered(facts::every_need()), 1u);
  const CaseFacts told = ask(facts::every_need()).at(clean_);
  EXPECT_EQ(told.room, record.room());
  EXPECT_EQ(all_of(told), all_of(anew(clean_, facts::every_need())));
  EXPECT_EQ(answered(facts::every_need()), 1u) << "of such a row nothing is kept";
  // The record as it was, under another verdict.
  storage::forget_found(store_.dir(), clean_);
  {
    storage::Options how;
    auto store = storage::Store::open(store_.dir(), how);
    ASSERT_TRUE(store);
    auto row = *(*store)->find_row(clean_);
    v1::KeptVerdict verdict;
    ASSERT_TRUE(verdict.ParseFromString(row->verdict));
    verdict.set_at_utc_ns(verdict.at_utc_ns() + 1);
    auto batch = (*store)->shard(0).begin();
    batch.put_case(record);
    batch.put_verdict(clean_, verdict.SerializeAsString());
    ASSERT_TRUE((*store)->shard(0).commit(std::move(batch)));
  }
  EXPECT_EQ(answered(facts::every_need()), 1u);
  EXPECT_EQ(all_of(ask(facts::every_need()).at(clean_)), all_of(anew(clean_, facts::every_need())));
  EXPECT_EQ(answered(facts::every_need()), 1u) << "under a verdict that does not hold nothing is";
}

TEST_F(KeptFactsTest, ACaseWhoseSignerIsTrustedNoLongerIsNotAnsweredFromItsCopy) {
  ask(facts::every_need());
  ASSERT_EQ(answered(facts::every_need()), 2u);
  {
    auto access = open();
    const auto list = access->trust_if_any();
    ASSERT_TRUE(list && *list);
    for (const v1::TrustedProducer& one : (*list)->message().producers())
      ASSERT_TRUE(access->keystore()->end_enrolment(one.name(), UtcTime{1}));
  }
  EXPECT_EQ(answered(facts::every_need()), 0u);
  EXPECT_EQ(all_of(ask(facts::every_need()).at(clean_)), all_of(anew(clean_, facts::every_need())));
}

TEST_F(KeptFactsTest, OnlyTheCopyOfTheCaseThatChangedIsForgotten) {
  ask(facts::every_need());
  KeptFacts::forget(*open(), clean_);
  EXPECT_EQ(answered(facts::every_need()), 1u);
  const Bytes name(clean_.view());
  for (const auto& pack : fs::directory_iterator(store_.dir() / "kept"))
    EXPECT_EQ(read_file(pack.path())->find(name), Bytes::npos);
}

TEST_F(KeptFactsTest, CopiesOfTheFirstFormGo) {
  const fs::path old = store_.dir() / "kept" / to_string(clean_);
  fs::create_directories(old.parent_path());
  write(old, "of an earlier program");
  ask(facts::every_need());
  EXPECT_FALSE(fs::exists(old));
  EXPECT_EQ(answered(facts::every_need()), 2u);
}

TEST_F(KeptFactsTest, WhatWasFoundOfACaseIsNotPassedOver) {
  ask(facts::every_need());
  ASSERT_EQ(answered(facts::every_need()), 2u);
  ASSERT_TRUE(storage::keep_found(store_.dir(), clean_, verify::Verdict::kTampered));
  EXPECT_EQ(answered(facts::every_need()), 1u);
  const CaseFacts told = ask(facts::every_need()).at(clean_);
  EXPECT_EQ(told.verdict, "TAMPERED");
  EXPECT_TRUE(told.sealed && told.phases.empty());
}

TEST_F(KeptFactsTest, ACopyShowsNothingAndGoesWithTheCasesKey) {
  ask(facts::every_need());
  const Bytes copy = *read_file(copy_of(clean_));
  for (const char* word : {"preparation", "monitor", "instrument-count", "cholecystectomy"})
    EXPECT_FALSE(copy.find(word) != Bytes::npos) << word;
  const auto mode = fs::status(copy_of(clean_)).permissions() & fs::perms::mask;
  EXPECT_EQ(mode, fs::perms::owner_read | fs::perms::owner_write);
  for (const auto& key : fs::directory_iterator(store_.dir() / "keys" / "cases"))
    if (key.path().extension() == ".key") fs::remove(key.path());
  EXPECT_EQ(answered(facts::every_need()), 0u);
  EXPECT_TRUE(ask(facts::every_need()).at(clean_).sealed);
}

TEST_F(KeptFactsTest, EveryOpeningOfACopyIsInTheAuditTrail) {
  ask(facts::every_need());
  auto access = open();
  const auto times = [&] {
    const auto trail = access->keystore()->read_audit();
    EXPECT_TRUE(trail);
    size_t n = 0;
    for (const v1::AuditRecord& record : *trail)
      for (const auto& id : record.case_ids()) n += id == clean_.view();
    return n;
  };
  const size_t before = times();
  Needs needs;
  needs.phases = true;
  ask(needs);
  EXPECT_EQ(times(), before + 1);
}

TEST(KeptForm, BytesThatAreNoPartAreRefused) {
  CaseFacts one;
  one.procedure = "p";
  one.phases.emplace_back().label = "preparation";
  one.departures.emplace_back().severity = 2;
  for (size_t p = 0; p < facts::kKeptParts; ++p) {
    const auto part = static_cast<KeptPart>(p);
    const Bytes bytes = facts::to_kept(one, part);
    CaseFacts back;
    ASSERT_TRUE(facts::from_kept(bytes, part, back));
    EXPECT_EQ(facts::to_kept(back, part), bytes);
    for (size_t n = 0; n < bytes.size(); ++n) {
      CaseFacts cut;
      EXPECT_FALSE(facts::from_kept(BytesView(bytes).substr(0, n), part, cut));
      Bytes huge = bytes;
      huge[n] = '\xff';
      (void)facts::from_kept(huge, part, cut);  // takes no more memory than the bytes could fill
    }
    EXPECT_FALSE(facts::from_kept(bytes + '\0', part, back));
  }
}

}  // namespace
}  // namespace casebox::tools
