#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "analytics/finding/finding.h"
#include "tests/support/review_store.h"

namespace casebox::tools {
namespace {

TEST(FindingSources, NameEveryStreamEvenWhereThereAreMoreThanTheLimit) {
  testing::ReviewStore store;
  const CaseId id = store.add({});
  StoreOptions options;
  options.store = store.dir();
  auto access = StoreAccess::open(options);
  ASSERT_TRUE(access) << access.error().message;
  auto reader = storage::CaseReader::open((*access)->store(), id, (*access)->keyring(),
                                          keyring::Purpose::kAnalysis);
  ASSERT_TRUE(reader) << reader.error().message;
  std::vector<storage::SourceRef> frames;
  std::set<uint32_t> named;
  for (v1::StreamKind kind : {v1::STREAM_KIND_TEAM, v1::STREAM_KIND_ALARM, v1::STREAM_KIND_PHASE,
                              v1::STREAM_KIND_TWIN_EVENT}) {
    const auto events = (*reader)->events(kind);
    ASSERT_TRUE(events && !events->empty());
    for (const storage::EventAt& at : *events) {
      frames.push_back({at.source.epoch, at.source.stream, at.number, 1});
      named.insert(at.source.stream.value);
    }
  }
  const auto ranges = analytics::finding::Sources(**reader).ranges(frames, 2);
  ASSERT_TRUE(ranges) << ranges.error().message;
  std::set<uint32_t> kept;
  for (const v1::SourceRange& range : *ranges) kept.insert(range.stream_id());
  EXPECT_EQ(kept, named);
  EXPECT_EQ(ranges->size(), named.size());  // one each: joined as far as they can be
}

}  // namespace
}  // namespace casebox::tools
