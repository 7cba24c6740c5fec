#include "recorder/sources/instruments_source.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/support/frames.h"
#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<std::unique_ptr<Source>> table(const std::string& text, const std::string& key = "") {
  Context context = context_of("instrument", "tools.csv");
  context.config.set_case_key(key);
  return InstrumentsSource::parse(std::move(context), text);
}

/// "1.000 Grasper on", "gap 3.000 5.000"
std::vector<std::string> said(Source& source) {
  std::vector<std::string> out;
  const auto items = all_items(source);
  EXPECT_TRUE(items);
  for (const Item& item : *items) {
    char text[96];
    if (const auto* gap = std::get_if<v1::Gap>(&item.what)) {
      EXPECT_TRUE(gap->count_unknown());
      std::snprintf(text, sizeof text, "gap %.3f %.3f",
                    static_cast<double>(gap->t_begin_ns()) * 1e-9,
                    static_cast<double>(gap->t_end_ns()) * 1e-9);
    } else {
      const v1::DeviceEvent& device = std::get<v1::Event>(item.what).device();
      std::snprintf(text, sizeof text, "%.3f %s %s", item.t.seconds(), device.code().c_str() + 11,
                    device.on() ? "on" : "off");
    }
    out.push_back(text);
  }
  return out;
}

TEST(InstrumentsSource, RowsOfMomentsBecomeChangesAndSayHowLongTheyWatched) {
  auto source = table(
      "video,second,phase,grasper,Hook\n1,1,Preparation,1,0\n1,2,Preparation,1,0\n"
      "1,3,Calot,0,1\n1,4,Calot,0,1\n",
      "1");
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->streams()[0].name(), "instrument.use");
  EXPECT_EQ((*source)->streams()[0].kind(), v1::STREAM_KIND_DEVICE);
  EXPECT_THAT(said(**source), ElementsAre("1.000 Hook off", "1.000 Grasper on", "3.000 Grasper off",
                                          "3.000 Hook on", "4.000 Grasper off", "4.000 Hook on"));
  ASSERT_EQ((*source)->skipped().size(), 1u);
  EXPECT_THAT((*source)->skipped()[0].reason, HasSubstr("columns 3 name no instrument"));
}

TEST(InstrumentsSource, AMissingRowIsAGapAndAChangeIsAsCoarseAsTheRows) {
  auto source = table("time_s,Grasper,Hook\n0,0,0\n1,0,0\n2,0,0\n5,1,0\n");
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_THAT(said(**source),
              ElementsAre("0.000 Grasper off", "0.000 Hook off", "gap 3.000 5.000",
                          "5.000 Hook off", "5.000 Grasper on", "5.000 Grasper on"));
  auto again = table("time_s,Grasper,Hook\n0,0,0\n1,1,0\n");
  const auto items = all_items(**again);
  EXPECT_EQ(items->front().u95_us, 1'000'000u);
}

TEST(InstrumentsSource, RowsOfUsesBecomeBeginningsAndEnds) {
  auto source =
      table("case,instrument,start_s,end_s\nA,HOOK,1.5,3\nB,Hook,0,9\nA,laser,3,4.25\n", "A");
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_THAT(said(**source),
              ElementsAre("1.500 Hook on", "3.000 Hook off", "3.000 laser on", "4.250 laser off"));
}

TEST(InstrumentsSource, RefusesWhatItCannotMeanAndQuotesNothingOfIt) {
  const std::pair<const char*, const char*> wrong[] = {
      {"time_s,Grasper,Hook\n0,SECRET,0\n", "tools.csv:2: column 2: neither 0 nor 1"},
      {"time_s,Grasper,Hook\nSECRET,0,0\n", "tools.csv:2: column 1: not a time"},
      {"time_s,Grasper,Hook\n1,0,0\n1,0,1\n", "tools.csv:3: its time is not after"},
      {"time_s,Grasper,Hook\n1,0\n", "tools.csv:2: 2 columns"},
      {"case,time_s,Grasper,Hook\nSECRET,1,0,0\nB,2,0,0\n", "tools.csv:3: several cases"},
      {"instrument,start_s,end_s\nHook,3,1\n", "tools.csv:2: the use ends before it begins"},
      {"time_s,Grasper,Hook\n", "tools.csv: no row in it"},
      {"", "tools.csv: the file is empty"},
      {"time_s,SECRET\n1,0\n", "tools.csv:1: the first line must name"}};
  for (const auto& [text, message] : wrong) {
    auto source = table(text);
    ASSERT_FALSE(source) << text;
    EXPECT_EQ(source.error().code, Code::kInvalidArgument);
    EXPECT_THAT(source.error().message, HasSubstr(message));
    EXPECT_THAT(source.error().message, ::testing::Not(HasSubstr("SECRET")));
  }
}

TEST(InstrumentsSource, IsKnownByItsHeader) {
  EXPECT_TRUE(is_instrument_header("video,second,phase,Grasper,Bipolar,Hook\r", "a.csv"));
  EXPECT_TRUE(is_instrument_header("instrument,start_s,end_s", "a.csv"));
  EXPECT_FALSE(is_instrument_header("time_s,Grasper,HR", "a.csv"));
  EXPECT_FALSE(is_instrument_header("case,label,start_s,end_s", "a.csv"));
  casebox::testing::TempDir temp;
  const auto file = temp.path() / "tools.csv";
  std::ofstream(file) << "video,second,Grasper,Hook\n2,1,0,0\n2,2,0,1\n1,1,0,0\n";
  EXPECT_EQ(*source_type_of(file), "instruments");
  EXPECT_THAT(*instrument_cases(file), ElementsAre("2", "1"));
}

}  // namespace
}  // namespace casebox::recorder
