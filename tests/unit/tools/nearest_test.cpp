#include "tools/cli/nearest.h"

#include <gtest/gtest.h>

namespace casebox::tools {
namespace {

const std::vector<std::string> kKnown = {"analyze",     "cases",  "cat",   "conform",
                                         "conformance", "report", "verify"};

TEST(Nearest, FindsTheWordThatIsMeant) {
  EXPECT_EQ(nearest("analyse", kKnown), "analyze");
  EXPECT_EQ(nearest("Analize", kKnown), "analyze");
  EXPECT_EQ(nearest("vrify", kKnown), "verify");
  EXPECT_EQ(nearest("reprot", kKnown), "report");
  EXPECT_EQ(nearest("cta", kKnown), "cat");     // two letters exchanged are one mistake
  EXPECT_EQ(nearest("rep", kKnown), "report");  // the beginning of a longer word
}

TEST(Nearest, DoesNotGuess) {
  EXPECT_EQ(nearest("xyzzy", kKnown), "");
  EXPECT_EQ(nearest("", kKnown), "");
  EXPECT_EQ(nearest("erase", kKnown), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), kKnown), "");
}

}  // namespace
}  // namespace casebox::tools
