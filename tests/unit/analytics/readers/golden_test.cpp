// Published and independently computed figures of public logs and models.

#include <gmock/gmock.h>

#include "analytics/conformance/conform.h"
#include "analytics/readers/csv_reader.h"
#include "analytics/readers/model_reader.h"
#include "analytics/readers/xes_reader.h"
#include "tests/support/test_data.h"

namespace casebox::analytics {
namespace {

struct Totals {
  int64_t cost = 0;
  double mean_fitness = 0;
  size_t fitting = 0;
  size_t cases = 0;
  uint64_t variants = 0;
};

Totals totals(const protocol::Norm& norm, const EventLog& log, conformance::Options options) {
  auto conformer = conformance::Conformer::create(norm, options);
  EXPECT_TRUE(conformer) << conformer.error().message;
  Totals out;
  for (const Trace& trace : log.traces) {
    const conformance::CaseResult result = (*conformer)->conform(log, trace, {});
    EXPECT_TRUE(result.exact);
    out.cost += result.cost;
    out.mean_fitness += result.fitness();
    out.fitting += result.cost == 0;
    ++out.cases;
  }
  out.mean_fitness /= static_cast<double>(out.cases);
  out.variants = (*conformer)->variants();
  return out;
}

TEST(Golden, ReceiptLogOnItsModel) {
  CASEBOX_TEST_DATA(log_file, "process_logs/public_logs/08_receipt.xes.gz");
  CASEBOX_TEST_DATA(model_file, "process_logs/models/receipt-imf02.pnml");
  const auto log = readers::read_xes(log_file);
  ASSERT_TRUE(log) << log.error().message;
  const auto norm = readers::read_model(model_file);
  ASSERT_TRUE(norm) << norm.error().message;
  conformance::Options options;
  options.order = OrderBasis::kSource;
  const Totals t = totals(*norm, *log, options);
  EXPECT_EQ(t.cases, 1434u);
  EXPECT_EQ(log->event_count(), 8577u);
  EXPECT_EQ(t.variants, 116u);
  EXPECT_EQ(t.cost, 2465);
  EXPECT_NEAR(t.mean_fitness, .8154953, 5e-8);
  EXPECT_EQ(t.fitting, 713u);
}

TEST(Golden, ReceiptLogIsTheSameFromCsv) {
  CASEBOX_TEST_DATA(csv_file, "process_logs/public_logs/receipt.csv");
  CASEBOX_TEST_DATA(xes_file, "process_logs/public_logs/08_receipt.xes.gz");
  const auto csv = readers::read_csv(csv_file);
  const auto xes = readers::read_xes(xes_file);
  ASSERT_TRUE(csv) << csv.error().message;
  ASSERT_TRUE(xes) << xes.error().message;
  ASSERT_EQ(csv->traces.size(), xes->traces.size());
  for (size_t i = 0; i < csv->traces.size(); ++i) {
    const Trace &a = csv->traces[i], &b = xes->traces[i];
    ASSERT_EQ(a.case_key, b.case_key);
    ASSERT_EQ(a.events.size(), b.events.size());
    EXPECT_EQ(a.wall_start_ns, b.wall_start_ns);
    for (size_t k = 0; k < a.events.size(); ++k) {
      EXPECT_EQ(csv->activities[a.events[k].activity], xes->activities[b.events[k].activity]);
      EXPECT_EQ(a.events[k].t0_ns, b.events[k].t0_ns);
    }
  }
}

TEST(Golden, RunningExampleFitsBothItsModels) {
  CASEBOX_TEST_DATA(log_file, "process_logs/public_logs/running-example.xes");
  const auto log = readers::read_xes(log_file);
  ASSERT_TRUE(log) << log.error().message;
  for (const char* model : {"running-example.pnml", "running-example.bpmn"}) {
    CASEBOX_TEST_DATA(model_file, std::string("process_logs/public_logs/") + model);
    const auto norm = readers::read_model(model_file);
    ASSERT_TRUE(norm) << norm.error().message;
    const Totals t = totals(*norm, *log, {});
    EXPECT_EQ(t.cases, 6u);
    EXPECT_EQ(t.cost, 0) << model;
    EXPECT_EQ(t.fitting, 6u) << model;
  }
}

TEST(Golden, CatheterModelWithoutFinalMarkingIsReadWithNotices) {
  CASEBOX_TEST_DATA(model_file, "process_logs/ccc19/Model_PN.pnml");
  CASEBOX_TEST_DATA(log_file, "process_logs/ccc19/log_pre.csv");
  const auto norm = readers::read_model(model_file);
  ASSERT_TRUE(norm) << norm.error().message;
  EXPECT_THAT(norm->notices, testing::Contains(testing::HasSubstr("no final marking")));
  EXPECT_THAT(norm->notices, testing::Contains(testing::HasSubstr("INVISIBLE No Return")));
  const auto log = readers::read_csv(log_file);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_THAT(log->notices, testing::Contains(testing::HasSubstr("month-first")));
  EXPECT_EQ(log->traces.size(), 10u);
  EXPECT_EQ(log->event_count(), 370u);
  const Totals net = totals(*norm, *log, {});
  // The same procedure drawn twice must judge the same.
  CASEBOX_TEST_DATA(bpmn_file, "process_logs/ccc19/Model_BPMN.bpmn");
  const auto bpmn = readers::read_model(bpmn_file);
  ASSERT_TRUE(bpmn) << bpmn.error().message;
  EXPECT_EQ(totals(*bpmn, *log, {}).cost, net.cost);
}

}  // namespace
}  // namespace casebox::analytics
