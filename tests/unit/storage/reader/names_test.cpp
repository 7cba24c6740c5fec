// Streams whose names are sealed: a reader with a key knows them by name, one without by token.
#include <gtest/gtest.h>

#include "storage/reader/case_reader.h"
#include "tests/support/recording.h"

namespace casebox::storage {
namespace {

/// A store with a case of two epochs, each with a stream of one name that no list knows.
class SealedNamesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add_stream();
    recording.close();
    recording.begin();
    add_stream();
    recording.close();
    ASSERT_TRUE(recording.ok);
    Options o;
    o.create = true;
    store = std::move(*Store::open(dir.path() / "s", o));
    auto batch = store->shard(0).begin();
    auto log = *log::Reader::open(recording.dir, {}, {.below_durable_only = false});
    v1::CaseRecord record;
    record.set_case_id(Bytes(recording.case_id.view()));
    while (auto entry = *log->next()) {
      if (entry->preamble) continue;
      const uint64_t epoch = entry->frame.header.epoch.value;
      if (record.epochs().empty() || record.epochs().rbegin()->epoch() != epoch) {
        v1::EpochRecord& row = *record.add_epochs();
        row.set_epoch(epoch);
        row.set_index(static_cast<uint32_t>(record.epochs_size() - 1));
      }
      ASSERT_TRUE(batch.put_frame(recording.case_id, record.epochs().rbegin()->index(),
                                  Table::kEvent, entry->frame, {}));
    }
    batch.put_case(record);
    ASSERT_TRUE(store->shard(0).commit(std::move(batch)));
  }

  void add_stream() {
    v1::Stream stream;
    // Another number in each epoch, so that only the name tells that they are one.
    stream.set_stream_id(++id);
    stream.set_name("bed 3.Smith");
    stream.set_kind(v1::STREAM_KIND_WAVE);
    stream.add_channels()->set_name("Smith's pulse");
    ASSERT_TRUE(recording.producer->add_stream(stream));
  }
  std::unique_ptr<CaseReader> read(keyring::Keystore* with) {
    keyring::Keyring keyring(with, "test");
    auto reader = CaseReader::open(*store, recording.case_id, keyring, keyring::Purpose::kView,
                                   {.show_unproven = true});
    EXPECT_TRUE(reader) << reader.error().message;
    return std::move(*reader);
  }

  testing::TempDir dir;
  testing::Recording recording{dir.path()};
  uint32_t id = 40;
  std::unique_ptr<Store> store;
};

TEST_F(SealedNamesTest, StandInEveryAnswerOfAReaderWithAKey) {
  auto reader = read(recording.keystore.get());
  int found = 0;
  for (const v1::Stream& stream : reader->streams()) found += stream.name() == "bed 3.Smith";
  EXPECT_EQ(found, 1) << "two epochs, one name";
  const auto stream = reader->find_stream("bed 3.Smith");
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->channels(0).name(), "Smith's pulse");
  EXPECT_TRUE(reader->all_samples("bed 3.Smith", "Smith's pulse"));
  found = 0;
  for (const v1::StreamRecord& row : reader->record().streams())
    found += row.stream().name() == "bed 3.Smith";
  EXPECT_EQ(found, 2);
}

TEST_F(SealedNamesTest, AreTokensForAReaderWithout) {
  auto reader = read(nullptr);
  EXPECT_TRUE(reader->find_stream("stream-41"));
  EXPECT_TRUE(reader->find_stream("stream-42"));
  EXPECT_FALSE(reader->find_stream("bed 3.Smith"));
  EXPECT_EQ(reader->record().SerializeAsString().find("Smith"), std::string::npos);
}

}  // namespace
}  // namespace casebox::storage
