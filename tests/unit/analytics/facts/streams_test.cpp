// What a case's row tells of its streams.
#include "analytics/facts/streams.h"

#include <gtest/gtest.h>

namespace casebox::analytics::facts {
namespace {

void add(v1::CaseRecord& record, uint64_t epoch, uint32_t id, const char* name, uint64_t frames,
         int64_t first_s, int64_t last_s) {
  v1::StreamRecord& row = *record.add_streams();
  row.set_epoch(epoch);
  row.mutable_stream()->set_stream_id(id);
  row.mutable_stream()->set_name(name);
  row.set_frames(frames);
  row.set_items(10 * frames);
  row.set_missing(3);
  row.set_gap_frames(1);
  row.set_first_t_ns(first_s * 1'000'000'000);
  row.set_last_t_ns(last_s * 1'000'000'000);
}

void add_epoch(v1::CaseRecord& record, uint64_t epoch, v1::ProducerRole role) {
  v1::EpochRecord& one = *record.add_epochs();
  one.set_epoch(epoch);
  one.set_role(role);
}

TEST(StreamFacts, AStreamOfARecorderThatWentOnIsOneAndWhatIsEmptyHasNoTimes) {
  v1::CaseRecord record;
  add_epoch(record, 1, v1::PRODUCER_ROLE_RECORDER);
  add_epoch(record, 2, v1::PRODUCER_ROLE_RECORDER);
  add_epoch(record, 3, v1::PRODUCER_ROLE_ANALYSIS);
  add(record, 2, 4, "monitor.ecg", 2, 50, 90);
  add(record, 1, 4, "monitor.ecg", 3, 1, 40);
  add(record, 1, 5, "camera.video", 0, 0, 0);
  add(record, 1, 0, "", 9, 0, 90);            // the control stream
  add(record, 3, 4, "monitor.ecg", 1, 0, 9);  // an analysis' own, of the same name
  add(record, 7, 6, "unknown", 1, 2, 3);      // of an epoch that no row tells of
  const auto streams = stream_facts(record);
  ASSERT_EQ(streams.size(), 4u);
  EXPECT_EQ(streams[0].stream.name(), "camera.video");
  EXPECT_FALSE(streams[0].first_t_s || streams[0].last_t_s) << "zero would be a time";
  EXPECT_EQ(streams[1].stream.name(), "monitor.ecg");
  EXPECT_EQ(streams[1].items, 50u);
  EXPECT_EQ(streams[1].missing, 6u);
  EXPECT_EQ(streams[1].gap_frames, 2u);
  EXPECT_EQ(streams[1].first_t_s, 1.0);
  EXPECT_EQ(streams[1].last_t_s, 90.0);
  EXPECT_FALSE(streams[1].derived);
  EXPECT_TRUE(streams[2].derived);
  EXPECT_EQ(streams[2].items, 10u);
  EXPECT_EQ(streams[3].stream.name(), "unknown");
  EXPECT_TRUE(streams[3].derived) << "nothing says that a recorder wrote it";
}

}  // namespace
}  // namespace casebox::analytics::facts
