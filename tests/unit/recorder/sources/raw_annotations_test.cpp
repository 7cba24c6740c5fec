// Annotations in the forms in which the public sets of surgical videos have them; the files are
// made here.

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "recorder/sources/instruments_source.h"
#include "recorder/sources/internal/phase_file.h"
#include "recorder/sources/internal/raw_annotations.h"
#include "recorder/sources/phases_source.h"
#include "tests/support/frames.h"
#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using casebox::testing::TempDir;
using internal::PhaseFile;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// "Preparation 0-1.5" for each interval; of a mark with a `*`, of a step with a `+`.
std::vector<std::string> spans(const internal::PhaseCase& of, int64_t unit_ns) {
  std::vector<std::string> out;
  for (const internal::PhaseInterval& one : of.intervals) {
    std::ostringstream text;
    text << (one.level == v1::Interval::LEVEL_MARK ? "*" : "") << one.label << " "
         << static_cast<double>(one.start * unit_ns) * 1e-9 << "-"
         << static_cast<double>(one.end * unit_ns) * 1e-9;
    out.push_back(text.str());
  }
  return out;
}

std::vector<std::string> only(const Result<PhaseFile>& file) {
  EXPECT_TRUE(file) << file.error().message;
  if (!file) return {};
  EXPECT_EQ(file->cases.size(), 1u);
  return spans(file->cases[0], file->unit_ns);
}

std::string error_of(const Result<PhaseFile>& file) { return file ? "" : file.error().message; }

TEST(RawAnnotations, Cholec80sFramesAre25ASecond) {
  std::string text = "Frame\tPhase\r\n";
  for (int i = 0; i < 100; ++i)
    text += std::to_string(i) + (i < 40 ? "\tPreparation\r\n" : "\tCalotTriangleDissection\r\n");
  const auto file = internal::read_phases(text, "d/video01-phase.txt");
  EXPECT_THAT(only(file), ElementsAre("Preparation 0-1.6", "CalotTriangleDissection 1.6-4"));
  EXPECT_EQ(file->cases[0].name, "video01");
  EXPECT_THAT(file->notices, Contains(HasSubstr("25 a second")));
  EXPECT_THAT(only(internal::read_phases(text, "a.txt", "", 50)),
              ElementsAre("Preparation 0-0.8", "CalotTriangleDissection 0.8-2"));
}

TEST(RawAnnotations, AFrameThatIsNotThereEndsALabel) {
  std::string text = "Frame\tPhase\n";
  for (int i = 0; i < 100; ++i)
    if (i < 50 || i >= 75) text += std::to_string(i) + "\tPreparation\n";
  EXPECT_THAT(only(internal::read_phases(text, "a.txt")),
              ElementsAre("Preparation 0-2", "Preparation 3-4"));
}

TEST(RawAnnotations, AutoLaparosNumbersFrom1AreOneASecond) {
  const auto file =
      internal::read_phases("Frame\tPhase\n1\t2\n2\t2\n3\t2\n4\t4\n", "labels/label_03.txt");
  EXPECT_THAT(only(file),
              ElementsAre("Dividing Ligament and Peritoneum 0-3", "Transecting the Vagina 3-4"));
  EXPECT_THAT(file->notices, Contains(HasSubstr("AutoLaparo")));
  EXPECT_THAT(error_of(internal::read_phases("Frame\tPhase\n1\t9\n", "a.txt")),
              HasSubstr("a.txt:2: phase is none of 1 to 7"));
}

TEST(RawAnnotations, FramesOfNoKnownRateAreAskedFor) {
  const std::string text = "Frame\tPhase\n0\tResection\n1\tResection\n";
  EXPECT_THAT(error_of(internal::read_phases(text, "a.txt")), HasSubstr("say --frame-rate"));
  EXPECT_THAT(only(internal::read_phases(text, "a.txt", "", 30)),
              ElementsAre(HasSubstr("Resection 0-0.066667")));
  EXPECT_THAT(error_of(internal::read_phases("Frame\tPhase\n5\tA\n4\tA\n", "a.txt", "", 25)),
              HasSubstr("a.txt:3: its frame is not behind"));
}

TEST(RawAnnotations, HeiCholesFilesAreKnownByTheirNames) {
  const std::string phases = "0,0\n1,0\n2,1\n3,1\n";
  EXPECT_THAT(error_of(internal::read_phases(phases, "Hei-Chole1_Annotation_Phase.csv")),
              HasSubstr("videos of 25 and of 50"));
  const auto file = internal::read_phases(phases, "Hei-Chole1_Annotation_Phase.csv", "", 50);
  EXPECT_THAT(only(file), ElementsAre("Preparation 0-0.04", "CalotTriangleDissection 0.04-0.08"));
  EXPECT_EQ(file->cases[0].name, "Hei-Chole1");
  EXPECT_THAT(only(internal::read_phases("0,0,1,0,0\n1,1,1,0,0\n2,1,0,0,0\n",
                                         "Hei-Chole1_Annotation_Action.csv", "", 25)),
              ElementsAre("*hold 0-0.08", "*grasp 0.04-0.12"));
}

TEST(RawAnnotations, Cataract101HasItsRatesAndNamesBesideIt) {
  const TempDir dir;
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(dir.path() / name) << text;
    return (dir.path() / name).string();
  };
  const std::string text = "VideoID;FrameNo;Phase\n269;10;1\n269;60;3\n270;5;1\n";
  const std::string path = write("annotations.csv", text.c_str());
  auto alone = internal::read_phases(text, path);
  ASSERT_TRUE(alone) << alone.error().message;
  ASSERT_TRUE(alone->cases[0].bad);
  EXPECT_THAT(alone->cases[0].bad->message, HasSubstr("--frame-rate"));
  write("videos.csv", "VideoID;Frames;FPS;Surgeon;Experience\n269;160;20;1;2\n");
  write("phases.csv", "Phase;Meaning\n1;Incision\n3;Rhexis\n");
  const auto file = internal::read_phases(text, path);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->cases.size(), 2u);
  EXPECT_EQ(file->cases[0].name, "269");
  EXPECT_THAT(spans(file->cases[0], file->unit_ns), ElementsAre("Incision 0.5-3", "Rhexis 3-8"));
  EXPECT_TRUE(file->cases[1].bad) << "videos.csv does not have it";
  EXPECT_EQ(internal::raw_companions(path).size(), 2u);
}

TEST(RawAnnotations, SurchsSegmentsHaveTheirLabelsBesideThem) {
  const TempDir dir;
  const std::string path = (dir.path() / "segments.csv").string();
  const std::string text =
      "VideoID,StartTime,EndTime,labelID\nvideo001,0,715.9380648,PA\nvideo001,715.9380648,900,"
      "etc\n";
  std::ofstream(path) << text;
  EXPECT_THAT(only(internal::read_phases(text, path)),
              ElementsAre("PA 0-715.938", "etc 715.938-900"));
  std::ofstream(dir.path() / "segment_metadata.csv") << "ID,Name,Anatomy\nPA,Prostate Apex,x\n";
  const auto named = internal::read_phases(text, path);
  EXPECT_THAT(only(named), ElementsAre("Prostate Apex 0-715.938", "etc 715.938-900"));
  EXPECT_EQ(named->cases[0].intervals[0].end, 715'938'065) << "to the nearest microsecond";
  EXPECT_THAT(internal::raw_companions(path), ElementsAre(HasSubstr("segment_metadata.csv")));
}

TEST(RawAnnotations, CholecT50sTripletsAndPhasesAreSpans) {
  const auto row = [](int triplet, int phase) {
    return "[" + std::to_string(triplet) + ",0,1,0,0,0,0,0,0,-1,0,0,0,0," + std::to_string(phase) +
           "]";
  };
  const std::string text =
      "{\"video\":1,\"fps\":1,\"num_frames\":12,\"categories\":{\"triplet\":{\"7\":\"hook,dissect,"
      "gallbladder\"},\"phase\":{\"0\":\"preparation\",\"1\":\"calot-triangle-dissection\"}},"
      "\"annotations\":{\"0\":[" +
      row(-1, 0) + "],\"1\":[" + row(7, 0) + "],\"10\":[" + row(7, 1) + "],\"2\":[" + row(7, 1) +
      "," + row(-1, 1) + "]}}";
  const auto file = internal::read_phases(text, "VID01.json");
  EXPECT_THAT(only(file),
              ElementsAre("preparation 0-2", "*hook,dissect,gallbladder 1-3",
                          "calot-triangle-dissection 2-3", "calot-triangle-dissection 10-11",
                          "*hook,dissect,gallbladder 10-11"));
  EXPECT_EQ(file->cases[0].name, "VID01");
  EXPECT_THAT(error_of(internal::read_phases(
                  R"({"categories":{},"fps":1,"annotations":{"0":[[1,2]]}})", "a.json")),
              HasSubstr("not the 15 numbers"));
}

TEST(RawAnnotations, FourDOrsPhasesEndWithTheirLastFrame) {
  const auto file = internal::read_phases(R"({"sterile":[0,64],"roll_in":[65,174]})", "p_1.json");
  EXPECT_THAT(only(file), ElementsAre("sterile 0-65", "roll_in 65-175"));
  EXPECT_THAT(file->notices, Contains(HasSubstr("one a second")));
  const auto graphs = internal::read_phases(
      R"({"scans":[{"take_idx":2,"scan":"000003","objects":{"1":"human_0","2":"patient"},
          "relationships":[[1,2,3,"CloseTo"]]},{"take_idx":2,"scan":"000004","objects":{},
          "relationships":[]},{"take_idx":6,"scan":"000000","relationships":[]}]})",
      "r.json");
  ASSERT_TRUE(graphs) << graphs.error().message;
  ASSERT_EQ(graphs->cases.size(), 2u);
  EXPECT_EQ(graphs->cases[0].name, "take 2");
  EXPECT_THAT(spans(graphs->cases[0], graphs->unit_ns),
              ElementsAre("*human_0 CloseTo patient 3-4"));
  EXPECT_THAT(error_of(internal::read_phases("{\"a\":1}", "a.json")),
              HasSubstr("no form that is known"));
}

/// "0.04 Grasper on" for each change.
std::vector<std::string> changes(const std::string& text, const std::string& path,
                                 double rate = 0) {
  Context context = context_of("i", path);
  if (rate > 0) context.config.set_time_unit(frame_unit(rate));
  auto source = InstrumentsSource::parse(std::move(context), text);
  if (!source) return {source.error().message};
  const auto items = all_items(**source);
  std::vector<std::string> out;
  for (const Item& item : *items) {
    if (item.is_gap()) continue;
    const v1::DeviceEvent& device = std::get<v1::Event>(item.what).device();
    std::ostringstream line;
    line << item.t.seconds() << " " << device.code().substr(11) << (device.on() ? " on" : " off");
    out.push_back(line.str());
  }
  return out;
}

TEST(RawAnnotations, InstrumentsOfFramesComeInSeconds) {
  const std::string tools = "Frame\tGrasper\tHook\n0\t1\t0\n25\t1\t1\n50\t0\t1\n";
  EXPECT_THAT(changes(tools, "video01-tool.txt"),
              ElementsAre("0 Hook off", "0 Grasper on", "1 Hook on", "2 Grasper off",
                          "2 Grasper off", "2 Hook on"));
  std::string row = ",0,0,1,0,0,0,0";
  for (int i = 8; i <= 20; ++i) row += ",0";
  row += ",1";
  const auto hei =
      changes("0" + row + "\n1" + row + "\n", "Hei-Chole1_Annotation_Instrument.csv", 50);
  EXPECT_THAT(hei, Contains("0 Coagulation on"));
  EXPECT_THAT(hei, Contains("0.02 Undefined on"));
  EXPECT_THAT(changes("0" + row + "\n", "Hei-Chole1_Annotation_Instrument.csv"),
              ElementsAre(HasSubstr("--frame-rate")));
  EXPECT_EQ(internal::raw_case_name("x/Hei-Chole1_Annotation_Instrument.csv"), "Hei-Chole1");
}

}  // namespace
}  // namespace casebox::recorder
