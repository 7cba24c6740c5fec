// What readers found of cases, kept beside the database.
#include "storage/found.h"

#include <gtest/gtest.h>

#include "proto/base/file.h"
#include "tests/support/frames.h"

namespace casebox::storage {
namespace {

using verify::Verdict;

TEST(FoundTest, IsKeptUntilEveryByteHolds) {
  testing::TempDir dir;
  const CaseId one = random_id<CaseId>(), other = random_id<CaseId>();
  EXPECT_FALSE(found(dir.path(), one));
  EXPECT_TRUE(keep_found(dir.path(), one, Verdict::kDamaged));
  EXPECT_EQ(found(dir.path(), one), Verdict::kDamaged);
  EXPECT_FALSE(found(dir.path(), other));
  EXPECT_EQ(with_found(dir.path(), one, Verdict::kComplete), Verdict::kDamaged);
  EXPECT_EQ(with_found(dir.path(), one, Verdict::kTampered), Verdict::kTampered);
  EXPECT_EQ(with_found(dir.path(), other, Verdict::kComplete), Verdict::kComplete);
  forget_found(dir.path(), one);
  EXPECT_FALSE(found(dir.path(), one));
}

TEST(FoundTest, TheWorstStays) {
  testing::TempDir dir;
  const CaseId id = random_id<CaseId>();
  EXPECT_TRUE(keep_found(dir.path(), id, Verdict::kTampered));
  EXPECT_TRUE(keep_found(dir.path(), id, Verdict::kDamaged));
  EXPECT_TRUE(keep_found(dir.path(), id, Verdict::kComplete));
  EXPECT_EQ(found(dir.path(), id), Verdict::kTampered);
}

TEST(FoundTest, WhatSaysNothingOfTheBytesIsNotKept) {
  testing::TempDir dir;
  const CaseId id = random_id<CaseId>();
  for (Verdict verdict : {Verdict::kComplete, Verdict::kCompleteWithDeclaredGaps,
                          Verdict::kUnclosed, Verdict::kNotSealed, Verdict::kUntrustedKey})
    EXPECT_TRUE(keep_found(dir.path(), id, verdict));
  EXPECT_FALSE(found(dir.path(), id));
}

TEST(FoundTest, AnythingElseInItsPlaceMakesTheBytesBeAsked) {
  testing::TempDir dir;
  const CaseId id = random_id<CaseId>();
  EXPECT_TRUE(keep_found(dir.path(), id, Verdict::kTampered));
  ASSERT_TRUE(write_file_atomic(dir.path() / "found" / to_string(id), "COMPLETE\n"));
  EXPECT_EQ(found(dir.path(), id), Verdict::kDamaged);
}

TEST(FoundTest, AFolderThatCannotBeWrittenIsTold) {
  testing::TempDir dir;
  ASSERT_TRUE(write_file_atomic(dir.path() / "found", "a file where the folder belongs"));
  EXPECT_FALSE(keep_found(dir.path(), random_id<CaseId>(), Verdict::kDamaged));
}

}  // namespace
}  // namespace casebox::storage
