#include "recorder/sources/lines_source.h"

#include <gmock/gmock.h>

namespace casebox::recorder {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kHello[] =
    R"({"streams":[{"name":"state","kind":"numeric","device":"insufflator","channels":[)"
    R"({"name":"PRESSURE","unit":"mm[Hg]"},{"name":"FLOW"}]},)"
    R"({"name":"ecg","kind":"wave","rate_hz":100,"channels":[{"name":"ECG"}]},)"
    R"({"name":"events","kind":"device"}]})"
    "\n";

class LinesTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Source>> open(const std::string& text) {
    Context context;
    context.config.set_name("insufflator");
    context.config.set_url("tcp://127.0.0.1:7301");
    context.clock = &clock_;
    context.case_zero = clock_.mono();
    return LinesSource::over(std::move(context), text);
  }
  std::vector<Item> read(const std::string& lines) {
    auto source = open(kHello + lines);
    EXPECT_TRUE(source) << source.error().message;
    std::vector<Item> out;
    if (!source) return out;
    while (true) {
      auto more = (*source)->next(out);
      if (!more || !*more) break;
    }
    skipped_ = (*source)->skipped();
    return out;
  }

  SystemClock clock_;
  std::vector<Skipped> skipped_;
};

TEST_F(LinesTest, TheFirstLineNamesTheStreams) {
  auto source = open(kHello);
  ASSERT_TRUE(source) << source.error().message;
  ASSERT_EQ((*source)->streams().size(), 3u);
  const v1::Stream& state = (*source)->streams()[0];
  EXPECT_EQ(state.name(), "insufflator.state");
  EXPECT_EQ(state.kind(), v1::STREAM_KIND_NUMERIC);
  EXPECT_EQ(state.channels(0).unit(), "mm[Hg]");
  EXPECT_EQ((*source)->streams()[1].tick_rate_hz().num(), 100u);
  EXPECT_EQ((*source)->streams()[2].stream_class(), v1::STREAM_CLASS_A);
}

TEST_F(LinesTest, SamplesKeepTheSendersTimeAndWhatIsMissing) {
  const auto items = read(
      "{\"s\":\"state\",\"t\":1000,\"v\":[12.5,null]}\n"
      "{\"s\":\"ecg\",\"t\":2000,\"v\":[[0.1,0.2,0.3]]}\n");
  ASSERT_EQ(items.size(), 2u);
  const auto& state = std::get<Samples>(items[0].what);
  EXPECT_EQ(state.t_src, 1000);
  EXPECT_THAT(state.columns[0].reals, ElementsAre(12.5));
  EXPECT_THAT(state.columns[1].missing, ElementsAre(true));
  EXPECT_EQ(items[1].count, 3u);
  EXPECT_EQ(items[1].duration, milliseconds(30));
  EXPECT_THAT(std::get<Samples>(items[1].what).columns[0].reals, ElementsAre(0.1, 0.2, 0.3));
}

TEST_F(LinesTest, EventsOfDevicesAndMarksOfTheTeam) {
  const auto items = read(
      "{\"s\":\"events\",\"code\":\"light\",\"on\":true}\n"
      "{\"s\":\"events\",\"code\":\"time-out\",\"label\":\"x\",\"role\":\"nurse\"}\n");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_TRUE(std::get<v1::Event>(items[0].what).device().on());
  EXPECT_EQ(std::get<v1::Event>(items[1].what).mark().role(), "nurse");
}

TEST_F(LinesTest, ANumberThatIsSkippedIsAGapOfKnownCount) {
  const auto items = read(
      "{\"s\":\"state\",\"n\":7,\"v\":[1,1]}\n"
      "{\"s\":\"state\",\"n\":8,\"v\":[1,1]}\n"
      "{\"s\":\"state\",\"n\":12,\"v\":[1,1]}\n");
  ASSERT_EQ(items.size(), 4u);
  ASSERT_TRUE(items[2].is_gap());
  const auto& gap = std::get<v1::Gap>(items[2].what);
  EXPECT_EQ(gap.missing(), 3u);
  EXPECT_EQ(gap.reason(), "lost-packets");
}

TEST_F(LinesTest, ALineThatCannotBeReadIsAGapAndIsToldOnce) {
  const auto items = read(
      "{\"s\":\"state\",\"v\":[1]}\n"
      "no json\n"
      "{\"s\":\"state\",\"v\":[1,2]}\n");
  ASSERT_EQ(items.size(), 5u) << "one of its stream, one of each of three, and the item";
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(std::get<v1::Gap>(items[i].what).reason(), "record-damaged") << i;
  ASSERT_EQ(skipped_.size(), 1u);
  EXPECT_THAT(skipped_[0].reason, HasSubstr("do not fit"));
  EXPECT_FALSE(items[4].is_gap());
}

TEST_F(LinesTest, AFirstLineThatNamesNoStreamsIsToldWithItsPlace) {
  EXPECT_THAT(open("hello\n").error().message, HasSubstr(":1: the first line"));
  EXPECT_THAT(open("{\"streams\":[{\"name\":\"x\",\"kind\":\"song\"}]}\n").error().message,
              HasSubstr("numeric, wave"));
  EXPECT_THAT(open("").error().message, HasSubstr("without a word"));
}

TEST_F(LinesTest, AnAddressOfAnotherMachineIsRefused) {
  for (const char* url : {"tcp://0.0.0.0:7301", "tcp://10.0.0.1:7301", "tcp://127.0.0.1:0", "x"}) {
    Context context;
    context.config.set_name("insufflator");
    context.config.set_url(url);
    context.clock = &clock_;
    const auto opened = LinesSource::open(std::move(context));
    ASSERT_FALSE(opened) << url;
    EXPECT_EQ(opened.error().code, Code::kInvalidArgument) << url;
  }
}

}  // namespace
}  // namespace casebox::recorder
