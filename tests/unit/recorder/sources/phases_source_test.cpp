#include "recorder/sources/phases_source.h"

#include <gmock/gmock.h>

#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kJson =
    R"({"phases": [{"start": 2000, "end": 9000, "label_name": "preparation", "label_id": 0},
        {"start": 3000, "end": 4000, "label_name": "out_of_body", "label_id": 12}],
       "steps": [{"start": 2000, "end": 5000, "label_name": "s0_null_step", "label_id": 0}]})";

Result<std::unique_ptr<Source>> phases(const std::string& text, const std::string& key = "",
                                       const std::string& url = "X01.mp4.json") {
  Context context = context_of("annotation", url);
  context.config.set_case_key(key);
  return PhasesSource::parse(std::move(context), text);
}

TEST(PhasesSource, ReadsPhasesStepsAndTheLabelsWithinThem) {
  auto source = phases(kJson);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->streams()[0].name(), "annotation.phases");
  EXPECT_EQ((*source)->streams()[0].source_time_unit(), "ms");
  auto items = all_items(**source);
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 3u);
  const auto interval = [&](size_t i) { return std::get<v1::Event>((*items)[i].what).interval(); };
  EXPECT_EQ(interval(0).label(), "preparation");
  EXPECT_EQ(interval(0).level(), v1::Interval::LEVEL_PHASE);
  EXPECT_EQ(interval(0).duration_ns(), 7'000'000'000);
  EXPECT_EQ(interval(1).level(), v1::Interval::LEVEL_STEP);
  EXPECT_EQ(interval(2).label(), "out_of_body");
  EXPECT_EQ(interval(2).level(), v1::Interval::LEVEL_MARK);
  EXPECT_EQ((*items)[2].t.ns, 3'000'000'000);
  EXPECT_EQ(std::get<v1::Event>((*items)[2].what).t_src(), 3000);
  EXPECT_EQ(interval(2).t_src_end(), 4000);
}

TEST(PhasesSource, ReadsCholec80SegmentsAndTheGenericTable) {
  auto cholec =
      phases("video,start_s,end_s,phase\n1,1,22,Preparation\n1,22,674.5,Calot\n", "1", "a.csv");
  ASSERT_TRUE(cholec) << cholec.error().message;
  auto items = all_items(**cholec);
  ASSERT_TRUE(items);
  EXPECT_EQ((*items)[1].t.ns, 22'000'000'000);
  EXPECT_EQ(std::get<v1::Event>((*items)[1].what).interval().duration_ns(), 652'500'000'000);
  auto generic =
      phases("case,label,start_s,end_s,level\nA,p,0,1,phase\nB,q,0,2,step\n", "B", "b.csv");
  ASSERT_TRUE(generic) << generic.error().message;
  auto of_b = all_items(**generic);
  ASSERT_EQ(of_b->size(), 1u);
  EXPECT_EQ(std::get<v1::Event>(of_b->front().what).interval().level(), v1::Interval::LEVEL_STEP);
}

TEST(PhasesSource, AFileOfSeveralCasesAsksWhich) {
  const char* two = "case,label,start_s,end_s\nA,p,0,1\nB,p,0,2\n";
  EXPECT_THAT(phases(two, "", "b.csv").error().message, HasSubstr("holds 2 cases; say which"));
  EXPECT_THAT(phases(two, "C", "b.csv").error().message, HasSubstr("none of the 2 in it"));
}

TEST(PhasesSource, BadInputIsToldWithItsPlace) {
  EXPECT_THAT(phases("{\"phases\": [}").error().message, HasSubstr("X01.mp4.json:1: not JSON"));
  EXPECT_THAT(phases("{}").error().message, HasSubstr("JSON of no form that is known"));
  EXPECT_THAT(phases(R"({"phases":[{"start":1,"end":2}]})").error().message,
              HasSubstr("phases[0]: 'label_name' is missing"));
  EXPECT_THAT(phases(R"({"phases":[{"start":3,"end":2,"label_name":"x"}]})").error().message,
              HasSubstr("ends before it starts"));
  EXPECT_THAT(phases("case,label,start_s,end_s\nA,p,x,1\n", "", "b.csv").error().message,
              HasSubstr("b.csv:2: column 3: not a time"));
  EXPECT_THAT(phases("case,label,start_s,end_s\nA,p,1\n", "", "b.csv").error().message,
              HasSubstr("b.csv:2: 3 columns"));
  EXPECT_THAT(phases(std::string(100000, '[')).error().message, HasSubstr("nested deeper"));
}

TEST(PhasesSource, NumbersThatNobodyCanCountWithAreErrors) {
  for (const char* time :
       {"1e999", "-1e999", "1e19", "18446744073709551615", "-9223372036854775808",
        "9223372036854775807", "1.5", "null", "\"1\"", "1e400000"}) {
    const std::string text =
        R"({"phases":[{"label_name":"SECRET","start":)" + std::string(time) + R"(,"end":2}]})";
    const auto source = phases(text);
    ASSERT_FALSE(source) << time;
    EXPECT_EQ(source.error().code, Code::kInvalidArgument);
    EXPECT_THAT(source.error().message, Not(HasSubstr("SECRET")));
  }
  EXPECT_FALSE(phases("case,label,start_s,end_s\nA,p,0,1e999\n", "", "b.csv"));
  EXPECT_FALSE(phases("case,label,start_s,end_s\nA,p,0,99999999999999999999\n", "", "b.csv"));
}

TEST(PhasesSource, LabelsInLatin1AndKoreanBecomeUtf8) {
  const auto label = [](const std::string& text, const std::string& url) -> std::string {
    auto source = phases(text, "", url);
    if (!source) return source.error().message;
    auto items = all_items(**source);
    return std::get<v1::Event>(items->front().what).interval().label();
  };
  EXPECT_EQ(label("case,label,start_s,end_s\nA,Pr\xE4paration,0,1\n", "b.csv"), "Präparation");
  EXPECT_EQ(label("case,label,start_s,end_s\nA,\xB8\xB6\xC3\xEB,0,1\n", "b.csv"), "마취");
  EXPECT_EQ(label("case,label,start_s,end_s\nA,\xFF\xFE,0,1\n", "b.csv"), "\\xFF\\xFE");
  EXPECT_EQ(label("{\"phases\":[{\"start\":1,\"end\":2,\"label_name\":\"Pr\xE4p\"}]}", "a.json"),
            "Präp");
  EXPECT_THAT(
      label("{\"phases\":[{\"start\":1,\"end\":2,\n\"label_name\":\"\xFF\xFE\"}]}", "a.json"),
      HasSubstr("a.json:2: text that is not UTF-8"));
}

TEST(PhasesSource, ReadsEveryRealAnnotationFile) {
  const auto dir =
      casebox::testing::real_data() / "phases" / "multibypass140" / "bern" / "labels_by70";
  if (!std::filesystem::exists(dir)) GTEST_SKIP() << "no real data at " << dir;
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    auto cases = phase_cases(entry.path().string());
    ASSERT_TRUE(cases) << cases.error().message;
    EXPECT_EQ(cases->front() + ".mp4.json", entry.path().filename().string());
    ++files;
  }
  EXPECT_EQ(files, 70u);
}

TEST(PhasesSource, ABadRowCostsItsOwnCase) {
  const std::string text =
      "case,label,start_s,end_s\nA,p,0,60\nB,SECRET,70,10\nB,q,70,80\nA,q,60,90\nC,r,x,1\n";
  auto whole = phases(text, "A", "a.csv");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(all_items(**whole)->size(), 2u);
  auto bad = phases(text, "B", "a.csv");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("a.csv:3: it ends before it starts"));
  EXPECT_THAT(phases(text, "C", "a.csv").error().message, HasSubstr("a.csv:6: column 3"));
}

TEST(PhasesSource, TimesKeepAsManyDecimalsAsTheyHave) {
  auto fine = phases("case,label,start_s,end_s\nA,p,0,60.173885\n", "A", "a.csv");
  ASSERT_TRUE(fine) << fine.error().message;
  EXPECT_EQ((*fine)->streams()[0].source_time_unit(), "us");
  EXPECT_EQ(std::get<v1::Event>((*all_items(**fine))[0].what).interval().duration_ns(),
            60'173'885'000);
  auto coarse = phases("case,label,start_s,end_s\nA,p,0,60.100\n", "A", "a.csv");
  EXPECT_EQ((*coarse)->streams()[0].source_time_unit(), "ms");
}

}  // namespace
}  // namespace casebox::recorder
