// Streams whose names are sealed: a reader with a key knows them by name, one without by token.
#include <gtest/gtest.h>

#include "proto/keyring/sealed_names.h"
#include "storage/reader/case_reader.h"
#include "tests/support/frames.h"

namespace casebox::storage {
namespace {

using testing::FrameMaker;
using testing::TempDir;

/// A store with a case of two epochs, each with a stream of one name that no list knows.
class SealedNamesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Options o;
    o.create = true;
    store = std::move(*Store::open(dir.path() / "s", o));
    keystore = std::move(*keyring::Keystore::open(dir.path() / "keys", clock, true, 1));
    const auto case_key = *keystore->take_case_key();
    record.set_case_id(Bytes(maker.case_id.view()));
    record.set_case_public_key(Bytes(view(Digest(case_key.public_key))));
    for (const uint64_t epoch : {11, 22}) add_epoch(Epoch{epoch}, case_key.public_key);
    auto batch = store->shard(0).begin();
    batch.put_case(record);
    ASSERT_TRUE(store->shard(0).commit(std::move(batch)));
  }

  void add_epoch(Epoch epoch, const std::array<uint8_t, 32>& public_key) {
    seal::Secret secret = seal::Secret::random();
    v1::EpochSecret sealed;
    sealed.set_case_id(Bytes(maker.case_id.view()));
    sealed.set_epoch(epoch.value);
    sealed.set_secret(Bytes(secret.view()));
    v1::EpochRecord& row = *record.add_epochs();
    row.set_epoch(epoch.value);
    row.set_role(v1::PRODUCER_ROLE_RECORDER);
    row.set_sealed_epoch_key(*seal::seal_to(public_key, sealed.SerializeAsString()));
    keyring::EpochKeys keys(epoch, std::move(secret));
    v1::Stream stream;
    // Another number in each epoch, so that only the name tells that they are one.
    stream.set_stream_id(static_cast<uint32_t>(epoch.value));
    stream.set_name("bed 3.Smith");
    stream.add_channels()->set_name("Smith's pulse");
    v1::StreamRecord& kept = *record.add_streams();
    kept.set_epoch(epoch.value);
    *kept.mutable_stream() = *keyring::seal_names(stream, keys, maker.case_id);
  }
  std::unique_ptr<CaseReader> read(keyring::Keystore* with) {
    keyring::Keyring keyring(with, "test");
    auto reader = CaseReader::open(*store, maker.case_id, keyring, keyring::Purpose::kView);
    EXPECT_TRUE(reader) << reader.error().message;
    return std::move(*reader);
  }

  TempDir dir;
  SystemClock clock;
  FrameMaker maker;
  v1::CaseRecord record;
  std::unique_ptr<keyring::Keystore> keystore;
  std::unique_ptr<Store> store;
};

TEST_F(SealedNamesTest, StandInEveryAnswerOfAReaderWithAKey) {
  auto reader = read(keystore.get());
  ASSERT_EQ(reader->streams().size(), 1u) << "two epochs, one name";
  EXPECT_EQ(reader->streams()[0].name(), "bed 3.Smith");
  EXPECT_EQ(reader->streams()[0].channels(0).name(), "Smith's pulse");
  ASSERT_TRUE(reader->find_stream("bed 3.Smith"));
  EXPECT_TRUE(reader->all_samples("bed 3.Smith", "Smith's pulse"));
  for (const v1::StreamRecord& row : reader->record().streams())
    EXPECT_EQ(row.stream().name(), "bed 3.Smith");
}

TEST_F(SealedNamesTest, AreTokensForAReaderWithout) {
  auto reader = read(nullptr);
  ASSERT_EQ(reader->streams().size(), 2u);
  EXPECT_EQ(reader->streams()[0].name(), "stream-11");
  EXPECT_EQ(reader->streams()[1].name(), "stream-22");
  EXPECT_FALSE(reader->find_stream("bed 3.Smith"));
  EXPECT_EQ(reader->record().SerializeAsString().find("Smith"), std::string::npos);
}

}  // namespace
}  // namespace casebox::storage
