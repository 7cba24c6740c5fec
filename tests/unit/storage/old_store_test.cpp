// Stores of older programs, and ones whose making was cut off, made by hand with RocksDB.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <fstream>

#include "storage/store.h"
#include "tests/support/frames.h"

namespace casebox::storage {
namespace {

using testing::FrameMaker;
using testing::TempDir;

Options writable() {
  Options o;
  o.create = true;
  return o;
}
Options readable() {
  Options o;
  o.read_only = true;
  return o;
}

TEST(OldStore, TakesAwayTheIndexOfAnOlderStoreWhenItIsOpenedForWriting) {
  TempDir dir;
  FrameMaker maker;
  const auto open_raw = [&](bool with_index) {
    const std::string path = (dir.path() / "s" / "shards" / "0" / "db").string();
    std::vector<std::string> names;
    EXPECT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
    EXPECT_EQ(std::ranges::count(names, "index"), with_index ? 1 : 0);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names)
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    EXPECT_TRUE(rocksdb::DB::Open({}, path, families, &handles, &db).ok());
    rocksdb::ColumnFamilyHandle* meta = nullptr;
    for (auto* handle : handles)
      if (handle->GetName() == "meta") meta = handle;
    std::string value;
    if (with_index) {
      EXPECT_EQ(db->Get({}, meta, "unindexed/x", &value).ok(), true);
    } else {
      rocksdb::ColumnFamilyHandle* index = nullptr;
      EXPECT_TRUE(db->Get({}, meta, "unindexed/x", &value).IsNotFound());
      EXPECT_TRUE(db->CreateColumnFamily({}, "index", &index).ok());
      EXPECT_TRUE(db->Put({}, index, "ievent", "12345678").ok());
      EXPECT_TRUE(db->Put({}, meta, "unindexed/x", "").ok());
      handles.push_back(index);
    }
    for (auto* handle : handles) (void)db->DestroyColumnFamilyHandle(handle);
    delete db;
  };
  {
    auto store = Store::open(dir.path() / "s", writable());
    ASSERT_TRUE(store);
    EXPECT_FALSE((*store)->shard(0).recovered().index_dropped);
    auto batch = (*store)->shard(0).begin();
    const Bytes bytes = maker.open();
    ASSERT_TRUE(batch.put_frame(maker.case_id, 0, Table::kEvent, *frame::parse(bytes), {}));
    ASSERT_TRUE((*store)->shard(0).commit(std::move(batch)));
  }
  open_raw(false);
  {
    auto store = Store::open(dir.path() / "s", readable());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(*(*store)->shard(0).end_number(maker.case_id, 0, kControlStream), 1u);
  }
  open_raw(true);
  {
    auto store = Store::open(dir.path() / "s", writable());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE((*store)->shard(0).recovered().index_dropped);
    EXPECT_EQ(*(*store)->shard(0).end_number(maker.case_id, 0, kControlStream), 1u);
  }
  auto store = Store::open(dir.path() / "s", writable());
  ASSERT_TRUE(store);
  EXPECT_FALSE((*store)->shard(0).recovered().index_dropped);
  EXPECT_EQ(*(*store)->shard(0).end_number(maker.case_id, 0, kControlStream), 1u);
}

/// A database with a family too few, as a kill leaves one that is being made.
void make_half(const std::filesystem::path& store) {
  std::filesystem::create_directories(store / "shards/0/media");
  std::ofstream(store / "store.json")
      << R"({"format": 1, "store_id": "3e63c429-678a-4bfd-a4df-177ab130ca82", "shards": 1})";
  rocksdb::DB* db = nullptr;
  rocksdb::Options options;
  options.create_if_missing = true;
  ASSERT_TRUE(rocksdb::DB::Open(options, (store / "shards/0/db").string(), &db).ok());
  delete db;
}

TEST(HalfStore, SaysThatItsMakingWasCutOffAndIsFinishedByTheNextWriter) {
  TempDir dir;
  make_half(dir.path() / "s");
  const auto refused = Store::open(dir.path() / "s", readable());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("its making was cut off: import or ingest again"),
            std::string::npos)
      << refused.error().message;
  ASSERT_TRUE(Store::open(dir.path() / "s", writable()));
  const auto store = Store::open(dir.path() / "s", readable());
  EXPECT_TRUE(store) << store.error().message;
}

TEST(HalfStore, IsNotSaidOfOneThatCountedCommits) {
  TempDir dir;
  FrameMaker maker;
  {
    auto store = Store::open(dir.path() / "s", writable());
    ASSERT_TRUE(store);
    auto batch = (*store)->shard(0).begin();
    const Bytes bytes = maker.open();
    ASSERT_TRUE(batch.put_frame(maker.case_id, 0, Table::kEvent, *frame::parse(bytes), {}));
    ASSERT_TRUE((*store)->shard(0).commit(std::move(batch)));
  }
  std::filesystem::remove_all(dir.path() / "s/shards/0/db");
  make_half(dir.path() / "s");
  const auto refused = Store::open(dir.path() / "s", readable());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.find("cut off"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("restore the newest backup"), std::string::npos);
}

}  // namespace
}  // namespace casebox::storage
