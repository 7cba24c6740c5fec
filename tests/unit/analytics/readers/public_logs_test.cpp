// Every public log and model: what the readers meet in files of other people, and say of them.

#include <gmock/gmock.h>

#include "analytics/conformance/whole_log.h"
#include "analytics/readers/csv_reader.h"
#include "analytics/readers/model_reader.h"
#include "analytics/readers/xes_reader.h"
#include "analytics/readers/xes_writer.h"
#include "tests/support/test_data.h"

namespace casebox::analytics::readers {
namespace {

using testing::Contains;
using testing::HasSubstr;

struct Expected {
  const char* file;
  size_t cases, events, activities;
  const char* notice;  // one of them has this; nullptr: there are none
};

class PublicLog : public testing::TestWithParam<Expected> {};

TEST_P(PublicLog, IsReadWholeAndWhatIsNotUsedIsSaid) {
  const Expected& expected = GetParam();
  CASEBOX_TEST_DATA(file, std::string("process_logs/") + expected.file);
  const bool csv = file.string().ends_with(".csv");
  const auto log = csv ? read_csv(file) : read_xes(file);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(log->traces.size(), expected.cases);
  EXPECT_EQ(log->event_count(), expected.events);
  EXPECT_EQ(log->activities.size(), expected.activities);
  if (expected.notice != nullptr) {
    EXPECT_THAT(log->notices, Contains(HasSubstr(expected.notice)));
  } else {
    EXPECT_THAT(log->notices, testing::IsEmpty());
  }
  // Written by us and read again it is the same log.
  std::string text;
  write_xes(*log, [&](std::string_view piece) { text += piece; });
  const auto again = read_xes_text(text, "again");
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->traces.size(), log->traces.size());
  for (size_t i = 0; i < log->traces.size(); ++i) {
    const Trace &a = log->traces[i], &b = again->traces[i];
    ASSERT_EQ(a.case_key, b.case_key);
    ASSERT_EQ(a.wall_start_ns, b.wall_start_ns) << a.case_key;
    ASSERT_EQ(a.events.size(), b.events.size());
    for (size_t k = 0; k < a.events.size(); ++k) {
      ASSERT_EQ(log->activities[a.events[k].activity], again->activities[b.events[k].activity]);
      ASSERT_EQ(a.events[k].t0_ns, b.events[k].t0_ns) << a.case_key << " " << k;
      ASSERT_EQ(a.events[k].t1_ns, b.events[k].t1_ns) << a.case_key << " " << k;
      ASSERT_EQ(a.events[k].u95_ns, b.events[k].u95_ns);
      ASSERT_EQ(a.events[k].resource, b.events[k].resource);
    }
  }
}

// Counted with pm4py 2.7 (of reviewing 3,730 events, of which 1,452 only begin an interval) and
// pandas.
INSTANTIATE_TEST_SUITE_P(
    All, PublicLog,
    testing::Values(
        Expected{"public_logs/08_receipt.xes.gz", 1434, 8577, 27, "not used"},
        Expected{"public_logs/13_SEPSIS_1t_per_variant.xes.gz", 846, 13775, 16, "whole seconds"},
        Expected{"public_logs/14_Billing_1t_per_variant.xes.gz", 1020, 12506, 18, "taken as UTC"},
        Expected{"public_logs/hospital_log_high.xes.gz", 10000, 69528, 10, "not used"},
        Expected{"public_logs/interval_event_log.xes", 1266, 8109, 8, "whole seconds"},
        Expected{"public_logs/reviewing.xes", 100, 2278, 14, "whole hours"},
        Expected{"public_logs/roadtraffic100traces.xes", 100, 390, 10, "whole days"},
        Expected{"public_logs/running-example.xes", 6, 42, 8, "whole minutes"},
        Expected{"public_logs/receipt.csv", 1434, 8577, 27, "columns are not used"},
        Expected{"public_logs/running-example.csv", 6, 42, 8, "whole minutes"},
        Expected{"ccc19/log_pre.csv", 10, 370, 29, "month-first"}));

class PublicModel : public testing::TestWithParam<const char*> {};

TEST_P(PublicModel, AlignsItsLogExactly) {
  CASEBOX_TEST_DATA(model, std::string("process_logs/") + GetParam());
  CASEBOX_TEST_DATA(log_file, "process_logs/ccc19/log_pre.csv");
  const auto norm = read_model(model);
  ASSERT_TRUE(norm) << norm.error().message;
  const auto log = read_csv(log_file);
  ASSERT_TRUE(log) << log.error().message;
  const auto one = conformance::conform_log(*norm, *log, {}, 1);
  const auto two = conformance::conform_log(*norm, *log, {}, 2);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->totals.inexact, 0u);
  EXPECT_EQ(one->totals.cost, two->totals.cost);
  EXPECT_GT(one->totals.cost, 0);
}

INSTANTIATE_TEST_SUITE_P(All, PublicModel,
                         testing::Values("ccc19/Model_PN.pnml", "ccc19/Model_BPMN.bpmn",
                                         "models/receipt-imf02.pnml",
                                         "public_logs/roadtraffic.pnml",
                                         "public_logs/running-example.bpmn",
                                         "public_logs/running-example.pnml"));

}  // namespace
}  // namespace casebox::analytics::readers
