// Observations of HL7 messages, as engines write them to files and monitors send them.

#include "recorder/sources/hl7_source.h"

#include <gmock/gmock.h>

#include "recorder/sources/internal/hl7_file.h"
#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using casebox::testing::all_items;
using casebox::testing::context_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kSecond = 1'000'000'000;

std::string message(const std::string& segments, const std::string& sent = "20240131101500+0100") {
  return "MSH|^~\\&|MON|OR1|EHR|H|" + sent + "||ORU^R01^ORU_R01|1|P|2.6\r" +
         "PID|1||4711^^^H||Muster^Erika||19600101|F\r" + segments;
}

struct Got {
  std::string error, said;
  std::unique_ptr<Source> source;
  std::vector<Item> items;
};

Got read(const std::string& bytes, const std::string& zone = "") {
  Context context = context_of("m", "a.hl7");
  context.config.set_zone(zone);
  Got out;
  auto source = Hl7Source::over(std::move(context), bytes);
  if (!source) {
    out.error = source.error().message;
    return out;
  }
  out.source = std::move(*source);
  out.items = *all_items(*out.source);
  for (const Skipped& one : out.source->skipped()) out.said += one.reason + "\n";
  return out;
}

std::vector<std::string> channels(const Source& source) {
  std::vector<std::string> out;
  for (const v1::Channel& c : source.streams()[0].channels())
    out.push_back(c.name() + " " + c.unit());
  return out;
}

TEST(Hl7Time, IsReadAsFarAsItIsWritten) {
  using internal::parse_hl7_time;
  const auto full = parse_hl7_time("20240131101530.25+0130");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->local_ns, 1'706'696'130'250'000'000);
  EXPECT_EQ(full->zone_ns, 5400 * kSecond);
  EXPECT_EQ(full->grain_ns, 10'000'000);
  EXPECT_EQ(parse_hl7_time("202401311015")->grain_ns, 60 * kSecond);
  EXPECT_EQ(parse_hl7_time("20240131")->grain_ns, 86'400 * kSecond);
  EXPECT_FALSE(parse_hl7_time("20240131")->zone_ns);
  for (const char* bad :
       {"", "2024", "20241301", "20240230", "2024013125", "20240131101560x", "now"})
    EXPECT_FALSE(parse_hl7_time(bad)) << bad;
}

TEST(Hl7Source, NumbersAreRowsOfTheMomentsTheyTell) {
  const Got got =
      read(message("OBR|1|||x|||20240131101400+0100\r"
                   "OBX|1|NM|8867-4^Heart rate^LN||72|/min^^UCUM|||||F|||20240131101410+0100\r"
                   "OBX|2|NM|59408-5^SpO2^LN||98.5|%|||||F|||20240131101410+0100\r"
                   "OBX|3|SN|8480-6^NIBP sys^LN||^120|mm[Hg]^^UCUM|||||F\r"));
  ASSERT_TRUE(got.source) << got.error;
  EXPECT_THAT(channels(*got.source), ElementsAre("Heart rate /min", "SpO2 %", "NIBP sys mm[Hg]"));
  ASSERT_EQ(got.items.size(), 2u) << "the pressure is of its group's time, 10 s before";
  EXPECT_EQ(got.source->wall().kind, Wall::Kind::kUtc);
  EXPECT_EQ(got.source->wall().ns, 1'706'692'440 * kSecond);
  const auto& first = std::get<Samples>(got.items[0].what);
  EXPECT_THAT(first.columns[2].reals, ElementsAre(120));
  EXPECT_TRUE(first.columns[0].reals.empty());
  const auto& second = std::get<Samples>(got.items[1].what);
  EXPECT_THAT(second.columns[0].reals, ElementsAre(72));
  EXPECT_THAT(second.columns[1].reals, ElementsAre(98.5));
  EXPECT_EQ(got.items[1].t.ns, 10 * kSecond);
  EXPECT_EQ(got.items[1].u95_us, 500'000u) << "whole seconds are written";
  EXPECT_THAT(got.said, HasSubstr("patient, visit and orders are left out"));
}

TEST(Hl7Source, TextsAreEventsAndThePatientIsNowhere) {
  const Got got =
      read(message("OBX|1|TX|note^Remark||line one\nline \\T\\ two||||||F|||20240131101410+0100\r"
                   "OBX|2|NM|x^Lactate||not done||||||F|||20240131101410+0100\r"
                   "OBX|3|NA|w^Pleth||1^2^3|||||F\rOBX|4|NM|y^HR||||||||X\r"));
  ASSERT_TRUE(got.source) << got.error;
  ASSERT_EQ(got.items.size(), 2u);
  const auto& event = std::get<v1::Event>(got.items[0].what);
  EXPECT_EQ(event.text().text(), "Remark\tline one\nline & two");
  EXPECT_THAT(got.said, HasSubstr("1 values that are said to be numbers are none"));
  EXPECT_THAT(got.said, HasSubstr("1 observations are arrays"));
  EXPECT_THAT(got.said, HasSubstr("1 observations have no value"));
  for (const v1::Stream& stream : got.source->streams())
    EXPECT_THAT(stream.ShortDebugString(), Not(HasSubstr("Erika")));
  EXPECT_THAT(got.said, Not(HasSubstr("Erika")));
}

TEST(Hl7Source, MessagesComeFramedInBatchesAndInAnyOrder) {
  const std::string late = message("OBX|1|NM|hr||80||||||F|||20240131101530+0100\n");
  const std::string early = message("OBX|1|NM|hr||70||||||F|||20240131101510+0100\r\n");
  const std::string ack = "MSH|^~\\&|A|B|C|D|20240131||ACK|1|P|2.3\rMSA|AA|1\r";
  const Got got = read("FHS|^~\\&|x\r\x0B" + late + "\x1C\r\x0B" + ack + "\x1C\r\x0B" + early +
                       "\x1C\rFTS|1\r");
  ASSERT_TRUE(got.source) << got.error;
  ASSERT_EQ(got.items.size(), 2u);
  EXPECT_THAT(std::get<Samples>(got.items[0].what).columns[0].reals, ElementsAre(70));
  EXPECT_EQ(got.items[1].t.ns, 20 * kSecond);
  EXPECT_THAT(got.said, HasSubstr("they are sorted"));
  EXPECT_THAT(got.said, HasSubstr("1 messages are no observations"));
}

TEST(Hl7Source, AZoneIsTakenFromTheMessageAndElseAskedFor) {
  const std::string of_message = message("OBX|1|NM|hr||70||||||F|||20240131101410\r");
  EXPECT_EQ(read(of_message).source->wall().ns, 1'706'692'450 * kSecond);
  const std::string none = message("OBX|1|NM|hr||70||||||F\r", "20240131101500");
  EXPECT_EQ(read(none).source->wall().kind, Wall::Kind::kLocal);
  EXPECT_THAT(read(none).said, HasSubstr("say --zone"));
  EXPECT_EQ(read(none, "+02:00").source->wall().ns, 1'706'688'900 * kSecond);
  EXPECT_THAT(read(of_message + none).error, HasSubstr("say theirs with --zone"));
  EXPECT_EQ(read(of_message + none, "Z").error, "");
}

TEST(Hl7Source, WhatHoldsNoObservationIsRefused) {
  EXPECT_THAT(read("MSH|^~\\&|A|B|C|D|20240131||ADT^A01|1|P|2.3\rPID|1\r").error,
              HasSubstr("a.hl7:1: its 1 messages hold no observation"));
  EXPECT_THAT(read("PID|1||x\r").error, HasSubstr("no MSH segment before it"));
  EXPECT_THAT(read("").error, HasSubstr("no MSH segment"));
}

}  // namespace
}  // namespace casebox::recorder
