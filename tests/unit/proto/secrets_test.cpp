// Where secrets are in memory, and for how long.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "proto/base/file.h"
#include "proto/keyring/keyring.h"
#include "tests/support/frames.h"

namespace casebox::keyring {
namespace {

namespace fs = std::filesystem;

/// 32 secret bytes that are nowhere in memory as they are: a test must not find its own copy.
class Masked {
 public:
  /// Takes the bytes and leaves none behind.
  explicit Masked(uint8_t* bytes) {
    for (size_t i = 0; i < 32; ++i) masked_[i] = static_cast<uint8_t>(bytes[i] ^ 0x5a);
    seal::wipe(bytes, 32);
  }

  /// How often they are in this process's memory.
  size_t copies() const {
    std::ifstream maps("/proc/self/maps");
    std::stringstream text;
    text << maps.rdbuf();
    size_t found = 0;
    for (std::string line; std::getline(text, line);) {
      uintptr_t begin = 0, end = 0;
      char mode[5] = {};
      if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3) continue;
      if (mode[0] != 'r' || mode[1] != 'w') continue;
      const auto* at = reinterpret_cast<const uint8_t*>(begin);
      const auto* last = reinterpret_cast<const uint8_t*>(end) - 32;
      for (; at <= last; ++at)
        if (static_cast<uint8_t>(*at ^ 0x5a) == masked_[0] && same(at)) ++found;
    }
    return found;
  }

 private:
  bool same(const uint8_t* at) const {
    for (size_t i = 0; i < 32; ++i)
      if (static_cast<uint8_t>(at[i] ^ 0x5a) != masked_[i]) return false;
    return true;
  }
  std::array<uint8_t, 32> masked_{};
};

Masked masked_file(const fs::path& path, size_t skip) {
  const Fd fd = *Fd::open(path, O_RDONLY);
  std::array<uint8_t, 32> bytes{};
  EXPECT_EQ(::pread(fd.get(), bytes.data(), 32, static_cast<off_t>(skip)), 32);
  return Masked(bytes.data());
}

long locked_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmLck:")) return std::stol(line.substr(6));
  return -1;
}

struct Site {
  testing::TempDir temp;
  ManualClock clock{MonoTime{0}, UtcTime{1'760'000'000'000'000'000}};
  fs::path dir = temp.path() / "keys";
  std::unique_ptr<Keystore> store = *Keystore::open(dir, clock, true, 2);
};

/// A sealed frame and what opens it; the secret itself is only in the sealed box.
struct SealedCase {
  CaseId case_id = random_id<CaseId>();
  Epoch epoch = random_epoch();
  Bytes public_key;
  v1::EpochRecord record;
  Bytes frame;

  Masked make(Keystore& store) {
    const auto key = store.take_case_key()->public_key;
    public_key = Bytes(view(Digest(key)));
    auto secret = seal::Secret::random();
    v1::EpochSecret message;
    message.set_case_id(Bytes(case_id.view()));
    message.set_epoch(epoch.value);
    message.set_secret(secret.bytes().data(), 32);
    Bytes plain = message.SerializeAsString();
    record.set_epoch(epoch.value);
    record.set_sealed_epoch_key(*seal::seal_to(key, plain));
    seal::wipe(plain);
    frame::Header h;
    h.flags = frame::flag::kSealed;
    h.stream = StreamId{4};
    h.epoch = epoch;
    const Bytes packed = frame::pack_body("the content");
    h.body_size = static_cast<uint32_t>(packed.size() + seal::kTagSize);
    {
      EpochKeys keys(epoch, secret.clone());
      const auto aad = frame::associated_data(h);
      Bytes sealed;
      EXPECT_TRUE((*keys.aead(h.stream, h.period))
                      ->seal(frame::nonce(h), {aad.data(), aad.size()}, packed, sealed));
      frame = *frame::encode(h, sealed);
    }
    secret.wipe();
    return Masked(reinterpret_cast<uint8_t*>(message.mutable_secret()->data()));
  }
};

Result<CaseKeys> opened(Keyring& ring, const SealedCase& made) {
  CASEBOX_TRY(const auto opening,
              ring.gate().open({made.case_id, {}, made.public_key}, Purpose::kView));
  return ring.keys(opening, {made.record});
}

TEST(Secrets, TheSiteKeyIsInMemoryOnceAndThatPageIsLocked) {
  Site site;
  const Masked key = masked_file(site.dir / "site.key", 0);
  EXPECT_EQ(key.copies(), 1u);
  EXPECT_GT(locked_kilobytes(), 0);
  {
    auto second = *Keystore::open(site.dir, site.clock);
    ASSERT_TRUE(second->signing_key("recorder"));
    ASSERT_TRUE(second->audit({}));
    EXPECT_EQ(key.copies(), 1u) << "of two keystores over one folder";
  }
  ASSERT_TRUE(site.store->trust());
  EXPECT_EQ(key.copies(), 1u) << "after using it";
  site.store.reset();
  EXPECT_EQ(key.copies(), 0u);
}

TEST(Secrets, AnEpochsSecretIsDroppedAfterASecondWithoutUseAndComesBackWhenNeeded) {
  Site site;
  SealedCase made;
  const Masked secret = made.make(*site.store);
  ASSERT_EQ(secret.copies(), 0u) << "the test itself holds one";
  Keyring ring(site.store.get(), "casebox test");
  auto keys = opened(ring, made);
  ASSERT_TRUE(keys) << keys.error().message;
  const auto frame = *frame::parse(made.frame);
  // Used again and again, it stays.
  for (int i = 0; i < 15; ++i) {
    ASSERT_EQ(*keys->open(frame), "the content");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_GE(secret.copies(), 1u);
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  EXPECT_EQ(secret.copies(), 0u);
  EXPECT_TRUE(keys->has(made.epoch));
  EXPECT_EQ(*keys->open(frame), "the content");
  EXPECT_EQ(site.store->read_audit()->size(), 1u) << "the opening was audited once";
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  EXPECT_EQ(secret.copies(), 0u) << "dropped again";
}

TEST(Secrets, ADestroyedPrivateKeyEndsReadingWithinASecondWhetherItRestsOrNot) {
  for (const bool rest : {true, false}) {
    Site site;
    SealedCase made;
    const Masked secret = made.make(*site.store);
    Keyring ring(site.store.get(), "casebox test");
    auto keys = opened(ring, made);
    const auto frame = *frame::parse(made.frame);
    ASSERT_TRUE(keys->open(frame));
    ASSERT_TRUE(fs::remove(site.dir / "cases" / (to_hex(made.public_key) + ".key")));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1000);
    while (std::chrono::steady_clock::now() < end) {
      if (!rest && !keys->open(frame)) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const auto opened = keys->open(frame);
    ASSERT_FALSE(opened) << rest;
    EXPECT_EQ(opened.error().code, Code::kNotFound) << opened.error().message;
    EXPECT_EQ(secret.copies(), 0u) << rest;
  }
}

TEST(Secrets, ModesThatLetOthersInAreSaidAtEveryOpening) {
  Site site;
  const auto said = [&] {
    std::vector<std::string> out;
    auto store = *Keystore::open(site.dir, site.clock);
    store->on_notice([&](const std::string& one) { out.push_back(one); });
    return out;
  };
  EXPECT_TRUE(said().empty());
  for (const fs::path& path : {fs::path("site.key"), fs::path("audit.log"), fs::path("state"),
                               fs::path("cases"), fs::path("signing/site.seed"), fs::path(".")}) {
    const auto before = fs::status(site.dir / path).permissions();
    for (const fs::perms more : {fs::perms::group_read, fs::perms::others_write}) {
      fs::permissions(site.dir / path, before | more);
      const auto lines = said();
      ASSERT_EQ(lines.size(), 1u) << path;
      EXPECT_NE(lines[0].find("chmod -R go-rwx"), std::string::npos) << lines[0];
      EXPECT_EQ(said().size(), 1u) << "and again";
    }
    fs::permissions(site.dir / path, before);
  }
  EXPECT_TRUE(said().empty());
}

}  // namespace
}  // namespace casebox::keyring
