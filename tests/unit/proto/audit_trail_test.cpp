// The audit trail: counted, chained, authenticated. What a crash leaves is made good; what a hand
// leaves is said as what it is, and nothing is opened.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "proto/base/file.h"
#include "proto/keyring/keystore.h"
#include "tests/support/first_form_keystore.h"
#include "tests/support/frames.h"

namespace casebox::keyring {
namespace {

namespace fs = std::filesystem;

v1::AuditRecord opening(const std::string& purpose = "view") {
  v1::AuditRecord record;
  record.set_purpose(purpose);
  record.set_subject("casebox test");
  record.set_allowed(true);
  record.add_case_ids(Bytes(random_id<CaseId>().view()));
  return record;
}

void put(const fs::path& path, BytesView bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

struct Site {
  testing::TempDir temp;
  ManualClock clock{MonoTime{0}, UtcTime{1'760'000'000'000'000'000}};
  fs::path dir = temp.path() / "keys";
  std::unique_ptr<Keystore> store = *Keystore::open(dir, clock, true, 0);
  fs::path log = dir / "audit.log", head = dir / "audit.head";

  explicit Site(int records = 0) {
    for (int i = 0; i < records; ++i) EXPECT_TRUE(store->audit(opening()));
  }
  void reopen() { store = *Keystore::open(dir, clock); }
  Bytes bytes(const fs::path& path) { return *read_file(path); }
  /// What a program that opens the keystore anew is told; empty if the trail is whole.
  std::string trouble() {
    reopen();
    const auto done = store->audit(opening());
    const auto read = store->read_audit();
    EXPECT_EQ(done.has_value(), read.has_value());
    if (!done) {
      EXPECT_EQ(done.error().code, Code::kCorrupt) << done.error().message;
    }
    return done ? "" : done.error().message;
  }
};

bool says(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

TEST(AuditTrail, IsCountedAndNamesAccountProgramPurposeAndCases) {
  Site site(3);
  const auto trail = *site.store->read_audit();
  ASSERT_EQ(trail.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(trail[i].sequence(), i + 1);
  EXPECT_EQ(trail[2].uid(), ::getuid());
  EXPECT_FALSE(trail[2].account().empty());
  EXPECT_EQ(trail[2].subject(), "casebox test");
  EXPECT_EQ(trail[2].purpose(), "view");
  EXPECT_EQ(trail[2].case_ids_size(), 1);
  EXPECT_EQ(trail[2].utc_ns(), 1'760'000'000'000'000'000u);
  EXPECT_TRUE(site.trouble().empty());
}

TEST(AuditTrail, EveryChangedByteOfItIsNoticed) {
  Site site(3);
  const Bytes bytes = site.bytes(site.log);
  for (size_t i = 0; i < bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    put(site.log, changed);
    EXPECT_FALSE(site.trouble().empty()) << "byte " << i;
  }
  put(site.log, bytes);
  EXPECT_TRUE(site.trouble().empty());
}

TEST(AuditTrail, AnEditedRecordIsNamed) {
  Site site(3);
  Bytes bytes = site.bytes(site.log);
  bytes[8 + (bytes.size() - 8) / 3 + 20] ^= 1;  // within the second
  put(site.log, bytes);
  EXPECT_TRUE(says(site.trouble(), "record 2 was edited")) << site.trouble();
  EXPECT_TRUE(says(site.trouble(), "--accept-damage"));
}

TEST(AuditTrail, EveryCutIsNoticed) {
  Site site(3);
  const Bytes bytes = site.bytes(site.log);
  for (size_t size = 0; size < bytes.size(); ++size) {
    put(site.log, BytesView(bytes).substr(0, size));
    EXPECT_TRUE(says(site.trouble(), "was cut")) << size << ": " << site.trouble();
  }
}

TEST(AuditTrail, CuttingTheNewestRecordsSaysHowManyAreLeft) {
  Site site(2);
  const Bytes two = site.bytes(site.log);
  ASSERT_TRUE(site.store->audit(opening()));
  put(site.log, two);
  EXPECT_TRUE(says(site.trouble(), "2 of 3 records are left")) << site.trouble();
}

TEST(AuditTrail, TakingItAwayIsNoticed) {
  for (const std::vector<const char*>& files :
       {std::vector<const char*>{"audit.log"},
        {"audit.head"},
        {"audit.log", "audit.head"},
        {"audit.log", "state"},
        {"audit.log", "state", "trust.list", "signing/site.seed"}}) {
    Site site(2);
    for (const char* file : files) ASSERT_TRUE(fs::remove(site.dir / file));
    EXPECT_TRUE(says(site.trouble(), "is missing")) << site.trouble();
    for (const char* file : files)
      EXPECT_FALSE(fs::exists(site.dir / file)) << file << " was made anew";
  }
}

TEST(AuditTrail, RecordsOfAnotherHistoryAreNoticed) {
  Site site(2);
  const Bytes two = site.bytes(site.log), old_head = site.bytes(site.head);
  ASSERT_TRUE(site.store->audit(opening()));
  const Bytes three = site.bytes(site.log);
  // Another third record, authenticated like the first: the older copy went on elsewhere.
  put(site.log, two);
  const Bytes head = site.bytes(site.head);
  put(site.head, old_head);
  site.reopen();
  ASSERT_TRUE(site.store->audit(opening("export")));
  put(site.head, head);
  EXPECT_TRUE(says(site.trouble(), "rewritten")) << site.trouble();
  // The newest record twice: what was appended is set aside and counts for nothing.
  put(site.log, three + three.substr(two.size()));
  EXPECT_TRUE(site.trouble().empty());
  EXPECT_EQ(site.store->read_audit()->size(), 4u);
}

TEST(AuditTrail, SwappedRecordsAreNoticed) {
  Site site(0);
  std::vector<size_t> ends{site.bytes(site.log).size()};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(site.store->audit(opening()));
    ends.push_back(site.bytes(site.log).size());
  }
  const Bytes b = site.bytes(site.log);
  const auto part = [&](int i) { return b.substr(ends[i], ends[i + 1] - ends[i]); };
  put(site.log, b.substr(0, ends[0]) + part(1) + part(0) + part(2));
  EXPECT_TRUE(says(site.trouble(), "rewritten")) << site.trouble();
}

TEST(AuditTrail, AnOlderHeadPutBackIsNoticed) {
  Site site(2);
  const Bytes old_head = site.bytes(site.head);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(site.store->audit(opening()));
  put(site.head, old_head);
  EXPECT_EQ(site.store->audit(opening()).error().code, Code::kCorrupt) << "by who saw the newer";
  EXPECT_TRUE(says(site.trouble(), "older copy")) << site.trouble();
}

TEST(AuditTrail, AChangedByteOfTheHeadIsNoticedOrCostsNothing) {
  Site site(2);
  const Bytes two = site.bytes(site.log);
  ASSERT_TRUE(site.store->audit(opening()));
  const Bytes three = site.bytes(site.log), head = site.bytes(site.head);
  ASSERT_EQ(head.size(), 1024u);
  for (size_t i = 0; i < head.size(); ++i) {
    if (i % 512 >= 128) continue;  // between the slots nothing is written and nothing read
    Bytes changed = head;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    // The slot of record 3 with the log as it is looks as a crash leaves it, and is written again.
    const bool newest = i >= 512;
    put(site.head, changed);
    put(site.log, three);
    EXPECT_EQ(site.trouble().empty(), newest) << "byte " << i;
    // It does not help to cut that record.
    put(site.head, changed);
    put(site.log, two);
    EXPECT_FALSE(site.trouble().empty()) << "byte " << i;
  }
  for (const Bytes& other :
       {Bytes(), head.substr(0, 512), head + "x", head.substr(0, 512) + head.substr(0, 512),
        head.substr(512) + head.substr(512), head.substr(0, 512) + Bytes(512, '\0')}) {
    put(site.head, other);
    put(site.log, two);
    EXPECT_FALSE(site.trouble().empty());
  }
}

TEST(AuditTrail, GoesOnFromWhereverACrashStoppedIt) {
  Site site(2);
  const Bytes two = site.bytes(site.log), head_of_two = site.bytes(site.head);
  ASSERT_TRUE(site.store->audit(opening()));
  const Bytes three = site.bytes(site.log), head_of_three = site.bytes(site.head);
  // While the record was written: every length of it.
  for (size_t size = two.size(); size < three.size(); ++size) {
    put(site.log, three.substr(0, size));
    put(site.head, head_of_two);
    EXPECT_EQ(site.trouble(), "") << size;
    EXPECT_EQ(site.store->read_audit()->size(), 3u) << "two and the one of now";
  }
  // Behind the record, before its head; while the head was written: every length of its slot.
  for (size_t size = 0; size <= 128; ++size) {
    Bytes torn = head_of_two;
    torn.replace(512, size, head_of_three.substr(512, size));
    put(site.log, three);
    put(site.head, torn);
    EXPECT_EQ(site.trouble(), "") << size;
    EXPECT_EQ(site.store->read_audit()->size(), 4u);
  }
}

TEST(AuditTrail, ATornRecordIsSetAsideAndSaid) {
  Site site(1);
  std::ofstream(site.log, std::ios::binary | std::ios::app) << Bytes("\x30\0\0\0half", 8);
  std::vector<std::string> said;
  site.reopen();
  site.store->on_notice([&](const std::string& one) { said.push_back(one); });
  ASSERT_TRUE(site.store->audit(opening()));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(says(said[0], "audit.torn")) << said[0];
  EXPECT_EQ(site.bytes(site.dir / "audit.torn"), Bytes("\x30\0\0\0half", 8));
}

TEST(AuditTrail, AcceptedDamageIsSetAsideAndToldOf) {
  Site site(3);
  EXPECT_EQ(site.store->accept_damaged_audit("casebox keys").error().code, Code::kInvalidArgument)
      << "a whole trail is no damage";
  const Bytes before = site.bytes(site.log);
  put(site.log, before.substr(0, before.size() - 10));
  site.reopen();
  ASSERT_FALSE(site.store->audit(opening()));
  const auto what = site.store->accept_damaged_audit("casebox keys");
  ASSERT_TRUE(what) << what.error().message;
  EXPECT_TRUE(says(*what, "was cut")) << *what;
  EXPECT_EQ(site.trouble(), "");
  const auto trail = *site.store->read_audit();
  ASSERT_EQ(trail.size(), 2u);
  EXPECT_EQ(trail[0].purpose(), "accept-damage");
  EXPECT_TRUE(says(trail[0].reason(), "2 of 3 records are left")) << trail[0].reason();
  EXPECT_EQ(site.bytes(site.dir / "audit.log.damaged-1760000000000000000"),
            before.substr(0, before.size() - 10));
  fs::remove(site.log);
  fs::remove(site.head);
  site.reopen();
  ASSERT_TRUE(site.store->accept_damaged_audit("casebox keys")) << "a missing one as well";
  EXPECT_EQ(site.trouble(), "");
}

TEST(AuditTrail, ATrailOfTheFirstFormIsKeptAndGoneOnFrom) {
  testing::TempDir temp;
  ManualClock clock{MonoTime{0}, UtcTime{1'770'000'000'000'000'000}};
  const fs::path dir = temp.path() / "keys";
  testing::make_first_form_keystore(dir);
  const Bytes before = *read_file(dir / "audit.log");
  auto store = *Keystore::open(dir, clock);
  std::vector<std::string> said;
  store->on_notice([&](const std::string& one) { said.push_back(one); });
  ASSERT_EQ(said.size(), 3u) << "the list, its one producer, the trail";
  EXPECT_TRUE(says(said[2], "audit-1.log")) << said[2];
  EXPECT_EQ(to_hex(store->trust()->message().producers(0).key()), testing::kFirstFormRecorder);
  EXPECT_TRUE(store->has_private_key(*from_hex(testing::kFirstFormCaseKey)));
  ASSERT_TRUE(store->audit(opening()));
  const auto trail = *store->read_audit();
  ASSERT_EQ(trail.size(), 5u) << "three as they were, the upgrade, one new";
  EXPECT_EQ(trail[0].purpose(), "analysis");
  EXPECT_EQ(trail[2].reason(), "no-private-key");
  EXPECT_EQ(trail[3].purpose(), "upgrade");
  EXPECT_EQ(trail[3].earlier().records(), 3u);
  EXPECT_EQ(*read_file(dir / "audit-1.log"), before);
  store.reset();
  said.clear();
  store = *Keystore::open(dir, clock);
  store->on_notice([&](const std::string& one) { said.push_back(one); });
  EXPECT_TRUE(said.empty()) << said[0];

  for (size_t i = 0; i < before.size(); i += 7) {
    Bytes changed = before;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    put(dir / "audit-1.log", changed);
    EXPECT_FALSE((*Keystore::open(dir, clock))->audit(opening())) << "byte " << i;
  }
  fs::remove(dir / "audit-1.log");
  EXPECT_TRUE(says((*Keystore::open(dir, clock))->audit(opening()).error().message, "is missing"));
}

TEST(AuditTrail, AnUpgradeThatACrashStoppedIsFinished) {
  testing::TempDir temp;
  ManualClock clock{MonoTime{0}, UtcTime{1'770'000'000'000'000'000}};
  // Files as they stand behind each of its steps: list and state of a trail that is not counted
  // yet, then the old trail renamed, then the new one without its head.
  for (const int step : {1, 2, 3}) {
    const fs::path dir = temp.path() / std::to_string(step);
    testing::make_first_form_keystore(dir);
    const Bytes old_trail = *read_file(dir / "audit.log");
    {
      // A folder that takes no new trail: the upgrade stops behind the list.
      fs::create_directory(dir / "audit-1.log");
      auto stopped = *Keystore::open(dir, clock);
      ASSERT_TRUE(stopped->trust());
      ASSERT_FALSE(stopped->audit(opening()));
      fs::remove(dir / "audit-1.log");
    }
    if (step >= 2) fs::rename(dir / "audit.log", dir / "audit-1.log");
    if (step == 3) put(dir / "audit.log", BytesView("CBaudit\x02", 8));
    auto store = *Keystore::open(dir, clock);
    ASSERT_TRUE(store->audit(opening())) << step;
    EXPECT_EQ(store->read_audit()->size(), 5u) << step;
    EXPECT_EQ(*read_file(dir / "audit-1.log"), old_trail);
  }
}

TEST(AuditTrail, ADamagedTrailOfTheFirstFormIsNotUpgradedButSaid) {
  testing::TempDir temp;
  ManualClock clock{MonoTime{0}, UtcTime{1'770'000'000'000'000'000}};
  const fs::path dir = temp.path() / "keys";
  testing::make_first_form_keystore(dir);
  Bytes bytes = *read_file(dir / "audit.log");
  bytes[30] ^= 1;
  put(dir / "audit.log", bytes);
  auto store = *Keystore::open(dir, clock);
  EXPECT_TRUE(says(store->audit(opening()).error().message, "edited"));
  EXPECT_TRUE(store->signing_key("recorder")) << "recording goes on";
  const auto what = store->accept_damaged_audit("casebox keys");
  ASSERT_TRUE(what) << what.error().message;
  ASSERT_TRUE(store->audit(opening()));
  EXPECT_EQ(store->read_audit()->at(0).purpose(), "accept-damage");
  store = *Keystore::open(dir, clock);
  EXPECT_TRUE(store->audit(opening())) << "the upgrade was finished";
}

TEST(AuditTrail, ProgramsThatWriteAtOnceStaySoundAndOneThatIsKilledLocksNobodyOut) {
  Site site(0);
  constexpr int kPrograms = 3, kRounds = 12;
  size_t least = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<pid_t> children;
    for (int p = 0; p < kPrograms; ++p) {
      const pid_t child = ::fork();
      if (child == 0) {
        auto own = Keystore::open(site.dir, site.clock);
        for (int i = 0; own && i < 1000; ++i)
          if (!(*own)->audit(opening())) ::_exit(2);
        ::_exit(own ? 0 : 3);
      }
      children.push_back(child);
    }
    ::usleep(static_cast<useconds_t>(20'000 + 7'000 * round));
    for (const pid_t child : children) ::kill(child, SIGKILL);
    for (const pid_t child : children) {
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << status;
    }
    site.reopen();
    const auto trail = site.store->read_audit();
    ASSERT_TRUE(trail) << trail.error().message;
    EXPECT_GE(trail->size(), least);
    least = trail->size();
    ASSERT_TRUE(site.store->audit(opening()));
  }
  EXPECT_GT(least, static_cast<size_t>(kRounds));
}

}  // namespace
}  // namespace casebox::keyring
