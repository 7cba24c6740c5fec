#include "tools/findings/chain.h"

#include <gtest/gtest.h>

#include "tests/support/review_store.h"
#include "tools/cli/json.h"

namespace casebox::tools {
namespace {

TEST(Chain, OriginsOfAForgedFindingAreShownAsTheyAre) {
  testing::ReviewStore store;
  StoredFinding stored;
  testing::ReviewCase small;
  small.seconds = 2;
  small.preparation_s = 1;
  stored.case_id = store.add(small);
  for (const char* from : {"kafka/topic/99999999999999999999999", "kafka/topic/4294967296",
                           "kafka/topic/7", "topic/", "log/import", "/", ""}) {
    v1::SourceRange& range = *stored.finding.add_sources();
    range.set_read_from(from);
    range.set_first_number(UINT64_MAX);
    range.set_last_number(0);
    range.set_t0_ns(INT64_MIN);
    range.set_t1_ns(INT64_MAX);
  }
  StoreOptions options;
  options.store = store.dir();
  auto access = StoreAccess::open(options);
  ASSERT_TRUE(access) << access.error().message;
  const auto chain = chain_json(**access, stored);
  ASSERT_TRUE(chain) << chain.error().message;
  const Json& entities = (*chain)["entities"];
  ASSERT_EQ(entities.size(), 7u);
  for (size_t i : {0, 1, 3, 4, 5, 6}) EXPECT_TRUE(entities[i]["partition"].is_null()) << i;
  EXPECT_EQ(entities[2]["partition"], 7);
  EXPECT_EQ(entities[2]["topic"], "kafka/topic");
  EXPECT_FALSE(all_unchanged(*chain));
}

TEST(Json, TextThatIsNotUtf8IsPrintedWithReplacementsAndThrowsNothing) {
  Json json;
  json["name"] = "M\xFCller";
  EXPECT_EQ(to_text(json), "{\"name\":\"M\xEF\xBF\xBDller\"}");
}

}  // namespace
}  // namespace casebox::tools
