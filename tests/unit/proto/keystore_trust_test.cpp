// The trust list that a keystore keeps: who is on it by itself, who changes it, and what happens
// when somebody else does.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "proto/base/file.h"
#include "proto/keyring/keystore.h"
#include "proto/keyring/roles.h"
#include "tests/support/first_form_keystore.h"
#include "tests/support/frames.h"

namespace casebox::keyring {
namespace {

namespace fs = std::filesystem;

struct Site {
  testing::TempDir temp;
  ManualClock clock{MonoTime{0}, UtcTime{1'760'000'000'000'000'000}};
  fs::path dir = temp.path() / "keys";
  std::unique_ptr<Keystore> store = *Keystore::open(dir, clock, true, 0);

  void reopen() { store = *Keystore::open(dir, clock); }
  std::vector<std::string> notices() {
    std::vector<std::string> out;
    store->on_notice([&out](const std::string& one) { out.push_back(one); });
    store->on_notice({});
    return out;
  }
};

v1::TrustedProducer producer(const std::string& name, v1::ProducerRole role) {
  v1::TrustedProducer one;
  one.set_name(name);
  one.set_role(role);
  one.set_key(Bytes(view(seal::SigningKey::generate().public_key())));
  return one;
}

TEST(KeystoreTrust, ANewKeystoreTrustsNobody) {
  Site site;
  const auto list = site.store->trust();
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_TRUE(list->empty());
  EXPECT_EQ(list->message().serial(), 1u);
}

TEST(KeystoreTrust, AKeyMadeOnFirstUseIsEnrolledInItsRoleAndThatIsSaidOnce) {
  Site site;
  for (const char* name : {"recorder", "import", "analysis", "custody"}) {
    const auto key = *site.store->signing_key(name);
    const auto list = *site.store->trust();
    const auto* one = list.find(view(key.public_key()));
    ASSERT_NE(one, nullptr) << name;
    EXPECT_EQ(one->role(), role_named(name));
    EXPECT_EQ(one->name(), name);
    const auto said = site.notices();
    ASSERT_EQ(said.size(), 1u) << name;
    EXPECT_NE(said[0].find(std::string("enrolled '") + name + "' as " + name), std::string::npos)
        << said[0];
    ASSERT_TRUE(site.store->signing_key(name));
    EXPECT_TRUE(site.notices().empty()) << name;
  }
  site.reopen();
  EXPECT_TRUE(site.notices().empty());
  EXPECT_EQ(site.store->trust()->message().producers_size(), 4);
}

TEST(KeystoreTrust, TheTrailTellsARefusedChangeFromOneThatWasMade) {
  Site site;
  ASSERT_TRUE(site.store->signing_key("recorder"));
  EXPECT_FALSE(site.store->end_enrolment("nobody", UtcTime{1}));
  ASSERT_TRUE(site.store->end_enrolment("recorder", UtcTime{1}));
  const auto trail = *site.store->read_audit();
  ASSERT_GE(trail.size(), 2u);
  const auto& refused = trail[trail.size() - 2];
  EXPECT_EQ(refused.reason(), "nobody");
  EXPECT_FALSE(refused.allowed());
  EXPECT_EQ(trail.back().reason(), "recorder");
  EXPECT_TRUE(trail.back().allowed());
}

TEST(KeystoreTrust, AKeystoreFromBeforeListsIsGivenOneThatKnowsItsOwnKeys) {
  Site site;
  site.dir = site.temp.path() / "first form";
  testing::make_first_form_keystore(site.dir);
  site.reopen();
  const auto list = site.store->trust();
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->message().producers_size(), 1);
  const auto* recorder = list->find(*from_hex(testing::kFirstFormRecorder));
  ASSERT_NE(recorder, nullptr);
  EXPECT_EQ(recorder->role(), v1::PRODUCER_ROLE_RECORDER);
  EXPECT_EQ(to_hex(view(site.store->signing_key("recorder")->public_key())),
            testing::kFirstFormRecorder);
  EXPECT_FALSE(site.notices().empty());
  site.reopen();
  EXPECT_TRUE(site.notices().empty());
}

TEST(KeystoreTrust, EnrolsAStrangerAndEndsTheEnrolment) {
  Site site;
  auto room = producer("or-3", v1::PRODUCER_ROLE_RECORDER);
  room.set_room("or-3");
  ASSERT_TRUE(site.store->enrol(room));
  site.reopen();
  EXPECT_EQ(site.store->trust()->find(room.key())->room(), "or-3");
  ASSERT_TRUE(site.store->end_enrolment("or-3", UtcTime{5}));
  EXPECT_EQ(site.store->trust()->find(room.key())->until_utc_ns(), 5u);
  EXPECT_EQ(site.store->end_enrolment("or-4", UtcTime{5}).error().code, Code::kNotFound);
  ASSERT_TRUE(site.store->enrol(room)) << "the same again puts it back in force";
  EXPECT_EQ(site.store->trust()->find(room.key())->until_utc_ns(), 0u);
}

TEST(KeystoreTrust, KeysThatAnybodyCanSignForAreRefused) {
  Site site;
  auto one = producer("or-3", v1::PRODUCER_ROLE_RECORDER);
  Bytes identity(32, '\0');  // the point (0, 1): every S = 0 signature holds under it
  identity[0] = '\1';
  Bytes minus_one(32, '\xff');  // (0, -1), with either sign
  minus_one[0] = '\xec';
  for (const Bytes& key : {Bytes(32, '\0'), identity, minus_one}) {
    one.set_key(key);
    EXPECT_EQ(site.store->enrol(one).error().code, Code::kInvalidArgument);
  }
}

TEST(KeystoreTrust, OneKeyHasOneNameAndOneRole) {
  Site site;
  const auto one = producer("or-3", v1::PRODUCER_ROLE_RECORDER);
  ASSERT_TRUE(site.store->enrol(one));
  auto again = one;
  again.set_role(v1::PRODUCER_ROLE_ANALYSIS);
  EXPECT_EQ(site.store->enrol(again).error().code, Code::kAlreadyExists);
  ASSERT_TRUE(site.store->enrol(again, true)) << "a role that was a mistake is corrected";
  EXPECT_EQ(site.store->trust()->find(one.key())->role(), v1::PRODUCER_ROLE_ANALYSIS);
  ASSERT_TRUE(site.store->enrol(one, true));
  EXPECT_EQ(site.store->enrol(producer("or-3", v1::PRODUCER_ROLE_RECORDER)).error().code,
            Code::kAlreadyExists);
  EXPECT_EQ(site.store->enrol(producer("OR 3", v1::PRODUCER_ROLE_RECORDER)).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(site.store->enrol(producer("or-4", static_cast<v1::ProducerRole>(9))).error().code,
            Code::kInvalidArgument);
  auto half = producer("or-4", v1::PRODUCER_ROLE_RECORDER);
  half.set_key("short");
  EXPECT_EQ(site.store->enrol(half).error().code, Code::kInvalidArgument);
}

TEST(KeystoreTrust, ANameThatIsTakenCostsTheSitesOwnKeyNothing) {
  Site site;
  ASSERT_TRUE(site.store->enrol(producer("analysis", v1::PRODUCER_ROLE_ANALYSIS)));
  const auto own = site.store->signing_key("analysis");
  ASSERT_TRUE(own);
  EXPECT_EQ(site.store->trust()->find(view(own->public_key()))->name(), "analysis-2");
}

TEST(KeystoreTrust, AnEndedEnrolmentOfAnOwnKeyStaysEnded) {
  Site site;
  const auto own = *site.store->signing_key("recorder");
  ASSERT_TRUE(site.store->end_enrolment("recorder", UtcTime{7}));
  ASSERT_TRUE(site.store->signing_key("recorder"));
  EXPECT_EQ(site.store->trust()->find(view(own.public_key()))->until_utc_ns(), 7u);
}

TEST(KeystoreTrust, AnOlderListPutBackIsNoticed) {
  Site site;
  const Bytes older = *read_file(site.dir / "trust.list");
  ASSERT_TRUE(site.store->enrol(producer("or-3", v1::PRODUCER_ROLE_RECORDER)));
  std::ofstream(site.dir / "trust.list", std::ios::binary) << older;
  auto list = site.store->trust();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Code::kCorrupt);
  EXPECT_NE(list.error().message.find("rolled back"), std::string::npos) << list.error().message;
  EXPECT_FALSE(site.store->enrol(producer("or-4", v1::PRODUCER_ROLE_RECORDER)));
  site.reopen();
  EXPECT_FALSE(site.store->trust()) << "opening makes no new list in its place";
}

TEST(KeystoreTrust, WhatWasTakenAwayIsMissedAndNotMadeAnew) {
  for (const char* file : {"trust.list", "state"}) {
    Site site;
    ASSERT_TRUE(site.store->enrol(producer("or-3", v1::PRODUCER_ROLE_RECORDER)));
    fs::remove(site.dir / file);
    EXPECT_EQ(site.store->trust().error().code, Code::kCorrupt) << file;
    site.reopen();
    EXPECT_EQ(site.store->trust().error().code, Code::kCorrupt) << file;
    EXPECT_FALSE(fs::exists(site.dir / file));
    EXPECT_TRUE(site.store->signing_key("recorder")) << "recording goes on";
    EXPECT_NE(site.notices().at(0).find("could not be enrolled"), std::string::npos);
  }
}

TEST(KeystoreTrust, EveryChangedByteOfListAndStateIsNoticed) {
  Site site;
  ASSERT_TRUE(site.store->enrol(producer("or-3", v1::PRODUCER_ROLE_RECORDER)));
  for (const char* file : {"trust.list", "state"}) {
    const Bytes bytes = *read_file(site.dir / file);
    for (size_t i = 0; i < bytes.size(); ++i) {
      Bytes changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      std::ofstream(site.dir / file, std::ios::binary) << changed;
      EXPECT_EQ(site.store->trust().error().code, Code::kCorrupt) << file << " byte " << i;
    }
    std::ofstream(site.dir / file, std::ios::binary) << bytes;
  }
  EXPECT_TRUE(site.store->trust());
}

TEST(KeystoreTrust, AListOfAnotherSiteIsRefused) {
  Site site, other;
  ASSERT_TRUE(other.store->enrol(producer("or-3", v1::PRODUCER_ROLE_RECORDER)));
  fs::copy_file(other.dir / "trust.list", site.dir / "trust.list",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(site.store->trust().error().code, Code::kCorrupt);
}

TEST(KeystoreTrust, ACrashBetweenListAndStateCostsNothing) {
  Site site;
  const Bytes state = *read_file(site.dir / "state");
  ASSERT_TRUE(site.store->enrol(producer("or-3", v1::PRODUCER_ROLE_RECORDER)));
  std::ofstream(site.dir / "state", std::ios::binary) << state;  // the list is one ahead
  EXPECT_TRUE(site.store->trust());
  const Bytes ahead = *read_file(site.dir / "trust.list");
  site.reopen();
  EXPECT_NE(*read_file(site.dir / "state"), state) << "put right when it is opened";
  ASSERT_TRUE(site.store->enrol(producer("or-4", v1::PRODUCER_ROLE_RECORDER)));
  std::ofstream(site.dir / "trust.list", std::ios::binary) << ahead;
  EXPECT_EQ(site.store->trust().error().code, Code::kCorrupt);
}

TEST(KeystoreTrust, ACrashWhileAListIsFirstMadeIsMadeGood) {
  // Behind the state and before the seed: the state knows a key that is nowhere yet.
  Site site;
  site.dir = site.temp.path() / "first form";
  testing::make_first_form_keystore(site.dir);
  fs::create_directory(site.dir / "signing/site.seed.new");  // where the seed is first written
  site.reopen();
  ASSERT_FALSE(site.store->trust());
  ASSERT_TRUE(fs::exists(site.dir / "state"));
  fs::remove(site.dir / "signing/site.seed.new");
  site.reopen();
  ASSERT_TRUE(site.store->trust());
  EXPECT_TRUE(site.store->audit({}));
}

TEST(KeystoreTrust, ACrashWhileAKeystoreIsMadeIsMadeGood) {
  Site site;
  site.store.reset();
  // It is one without its site key, which waits in a file of its own.
  fs::rename(site.dir / "site.key", site.dir / "site.key.made");
  ASSERT_FALSE(Keystore::open(site.dir, site.clock));
  auto again = Keystore::open(site.dir, site.clock, true, 1);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE((*again)->trust());
  EXPECT_TRUE((*again)->audit({}));
}

TEST(KeystoreTrust, ALostSiteKeyIsNotReplacedByAnother) {
  Site site;
  ASSERT_TRUE(site.store->add_stock(1));
  fs::remove(site.dir / "site.key");
  EXPECT_EQ(Keystore::open(site.dir, site.clock, true).error().code, Code::kCorrupt);
}

TEST(KeystoreTrust, ProgramsThatEnrolAtOnceLoseNobody) {
  Site site;
  constexpr int kPrograms = 4, kEach = 8;
  std::vector<pid_t> children;
  for (int p = 0; p < kPrograms; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto own = Keystore::open(site.dir, site.clock);
      bool good = own.has_value();
      for (int i = 0; good && i < kEach; ++i)
        good = (*own)
                   ->enrol(producer("p" + std::to_string(p) + "-" + std::to_string(i),
                                    v1::PRODUCER_ROLE_RECORDER))
                   .has_value();
      good = good && (*own)->signing_key("analysis").has_value();
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(site.store->trust()->message().producers_size(), kPrograms * kEach + 1);
}

}  // namespace
}  // namespace casebox::keyring
