#include "analytics/conformance/labels.h"

#include <gtest/gtest.h>

namespace casebox::analytics::conformance {
namespace {

struct Labels : ::testing::Test {
  Labels() {
    norm.step_of = {{"ClippingCutting", 0}, {"sign-out", 1}, {"step 1", 2}, {"step1", 3}};
    norm.ignored = {"pause"};
  }
  std::map<std::string, std::string> take(const std::vector<std::string>& labels) {
    log = {};
    Trace& trace = log.traces.emplace_back();
    for (const std::string& label : labels)
      trace.events.emplace_back().activity = log.intern(label);
    return take_labels(norm, log);
  }
  std::string label(size_t i) { return log.activities[log.traces[0].events[i].activity]; }

  protocol::Norm norm;
  EventLog log;
};

TEST_F(Labels, DifferInCaseBlanksAndSigns) {
  const auto taken = take({"Clipping cutting", "clipping_cutting", "Sign Out", "ClippingCutting"});
  EXPECT_EQ(taken, (std::map<std::string, std::string>{{"Clipping cutting", "ClippingCutting"},
                                                       {"clipping_cutting", "ClippingCutting"},
                                                       {"Sign Out", "sign-out"}}));
  EXPECT_EQ(label(0), "ClippingCutting");
  EXPECT_EQ(label(2), "sign-out");
  EXPECT_EQ(label(3), "ClippingCutting");
}

TEST_F(Labels, NothingIsGuessed) {
  // Two labels of the norm are meant; a letter more; nothing is left of it; the norm ignores it.
  EXPECT_TRUE(take({"Step-1", "ClippingCuttings", "--", "pause", "step1"}).empty());
  EXPECT_EQ(label(0), "Step-1");
  EXPECT_EQ(label(4), "step1");
}

}  // namespace
}  // namespace casebox::analytics::conformance
