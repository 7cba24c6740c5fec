// What may stand in the clear, and what does not.
#include "proto/vocabulary/vocabulary.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace casebox::vocabulary {
namespace {

TEST(Vocabulary, KnowsTheNamesThatTheProgramGives) {
  for (const char* name :
       {"monitor.ecg", "monitor.numerics", "monitor.alarms", "scope.video", "scope.video2",
        "room.audio", "team.marks", "team.consent", "case.details", "custody.consent",
        "analysis.findings", "study.details", "annotation.phases", "twin.forecast",
        "monitor.ECG_II", "vital.Solar8000.ART_2", "vital.Intellivue.numerics"})
    EXPECT_TRUE(is_stream_name(name)) << name;
}

TEST(Vocabulary, DoesNotKnowFreeText) {
  for (const char* name :
       {"", "monitor", "monitor.", ".ecg", "monitor.Smith", "smith.ecg", "monitor.ecg.smith",
        "monitor.smith.ecg", "Monitor.ecg", "monitor.ecg ", "monitor.ecg1", "monitor.ecg007",
        "monitor.ecg4711", "stream-3", "monitor.ecg\n", "monitor.Intellivue.Intellivue"})
    EXPECT_FALSE(is_stream_name(name)) << name;
  for (const char* name : {"", "Smith", "HR of bed 3", "channel-1", "HR19470301", "hr"})
    EXPECT_FALSE(is_channel_name(name)) << name;
  for (const char* unit : {"mmHg", "Smith", "mm[Hg] ", "%%"}) EXPECT_FALSE(is_unit(unit)) << unit;
  for (const char* device : {"Smith", "patient-monitor 4711", "Patient-Monitor"})
    EXPECT_FALSE(is_device(device)) << device;
  EXPECT_FALSE(is_nomenclature("MDC_SMITH"));
  EXPECT_FALSE(is_codec_string("avc1.smith"));
  EXPECT_FALSE(is_codec_string("smith"));
  EXPECT_FALSE(is_time_unit("1/smith"));
  EXPECT_FALSE(is_time_unit("/"));
  EXPECT_FALSE(is_missing_text("Smith"));
}

TEST(Vocabulary, TakesCodesInTheirForm) {
  for (const char* code : {"or-1", "OR_1.b", "lap-cholecystectomy", "3"})
    EXPECT_TRUE(is_code(code)) << code;
  for (const char* code : {"", "-or", "OR 1", "OR/1", "OR\xC3\xA9", "a\nb"})
    EXPECT_FALSE(is_code(code)) << code;
  EXPECT_TRUE(is_code(std::string(64, 'a')));
  EXPECT_FALSE(is_code(std::string(65, 'a')));
  EXPECT_TRUE(is_software("casebox 0.4.1-12-gabc (linux)"));
  EXPECT_FALSE(is_software("casebox; Smith"));
}

TEST(Vocabulary, IsOneSortedListWithoutDoubles) {
  std::ifstream in(CASEBOX_SOURCE_DIR "/proto/vocabulary/internal/words.h");
  std::string line, last, previous;
  size_t words = 0;
  while (std::getline(in, line)) {
    if (line.starts_with("inline")) last.clear();
    if (!line.starts_with("    \"")) continue;
    std::istringstream text(line.substr(5, line.rfind('"') - 5));
    for (std::string word; text >> word; ++words) {
      EXPECT_LT(last, word);
      last = word;
    }
    const bool ends = line.ends_with(";");
    EXPECT_TRUE(ends || line.ends_with(" \"")) << "a blank parts two words: " << line;
  }
  EXPECT_GT(words, 500u);
}

}  // namespace
}  // namespace casebox::vocabulary
