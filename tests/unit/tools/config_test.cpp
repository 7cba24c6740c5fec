#include "tools/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "casebox/v1/event.pb.h"
#include "tools/config/yaml.h"

namespace casebox::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(const std::string& yaml, google::protobuf::Message& into) {
  auto result = read_yaml(yaml, "or.yaml", into);
  return result ? "" : result.error().message;
}

TEST(Yaml, FillsNestedMessagesListsAndNumbers) {
  v1::RecorderConfig config;
  ASSERT_TRUE(
      read_yaml("room: or-1\nroom_slot: 3\nsources:\n  - {name: a, type: csv, start_s: -1.5}\n"
                "  - name: b\nkafka: {brokers: 'h:1'}\nconsent: [record]\n",
                "or.yaml", config));
  EXPECT_EQ(config.room(), "or-1");
  EXPECT_EQ(config.room_slot(), 3u);
  ASSERT_EQ(config.sources_size(), 2);
  EXPECT_EQ(config.sources(0).start_s(), -1.5);
  EXPECT_EQ(config.kafka().brokers(), "h:1");
  EXPECT_EQ(config.consent(0), "record");
}

TEST(Yaml, NamesFileLineAndKnownFieldsOfAnUnknownField) {
  v1::RecorderConfig config;
  const std::string error =
      error_of("room: or-1\nsources:\n  - name: a\n    colour: red\n", config);
  EXPECT_THAT(error,
              StartsWith("or.yaml:4: unknown field 'colour' in sources[0]; known fields: name, "));
  EXPECT_THAT(error, HasSubstr("start_s"));
}

TEST(Yaml, RefusesValuesOfTheWrongType) {
  v1::RecorderConfig config;
  EXPECT_THAT(error_of("room_slot: three\n", config),
              StartsWith("or.yaml:1: 'room_slot' is 'three'; write a whole"));
  EXPECT_THAT(error_of("room_slot: -1\n", config), HasSubstr("0 or above"));
  EXPECT_THAT(error_of("room: [a]\n", config), HasSubstr("'room' is a list; write a text"));
  EXPECT_THAT(error_of("sources: {name: a}\n", config), HasSubstr("write a list"));
  EXPECT_THAT(error_of("sources:\n - {record_audio: yes please}\n", config),
              HasSubstr("true or false"));
}

TEST(Yaml, NamesTheLineOfTextThatIsNotUtf8) {
  v1::RecorderConfig config;
  EXPECT_EQ(error_of("procedure: x\nroom: OP-S\xE4l\n", config),
            "or.yaml:2: text that is not UTF-8; save the file as UTF-8");
  EXPECT_THAT(error_of("room: \"\\ud800\"\n", config), HasSubstr("or.yaml:1"));
  ASSERT_TRUE(read_yaml("room: OP-Säl\n", "or.yaml", config));
  EXPECT_EQ(config.room(), "OP-Säl");
}

TEST(Yaml, ReadsUtf16WithItsMark) {
  v1::RecorderConfig config;
  const std::string utf16("\xFF\xFEr\0o\0o\0m\0:\0 \0\xE4\0\n\0", 18);
  ASSERT_EQ(error_of(utf16, config), "");
  EXPECT_EQ(config.room(), "ä");
}

TEST(Yaml, TakesOnlyNumbersThatCanBeCountedWith) {
  v1::RecorderConfig config;
  for (const char* number : {"inf", "-inf", "nan", "1e999", ".inf", "1e"})
    EXPECT_THAT(error_of("sources:\n  - {start_s: " + std::string(number) + "}\n", config),
                HasSubstr("write a number"))
        << number;
}

TEST(Yaml, NothingBehindAGroupOfSettingsIsNotTakenForItsAbsence) {
  v1::RecorderConfig config;
  EXPECT_THAT(error_of("room: or-1\nkafka:\n  brokers: 'h:1'\n  tls:\n", config),
              HasSubstr("'kafka.tls' is empty; write 'tls: {}' for its defaults, or leave it out"));
  config.Clear();
  ASSERT_TRUE(read_yaml("kafka: {brokers: 'h:1', tls: {}}\nroom:\n", "or.yaml", config));
  EXPECT_TRUE(config.kafka().has_tls());
  EXPECT_EQ(config.room(), "") << "of a single setting nothing is its default, as before";
}

TEST(Yaml, RefusesAKeyGivenTwice) {
  v1::RecorderConfig config;
  EXPECT_THAT(error_of("room: a\nroom: b\n", config),
              StartsWith("or.yaml:2: field 'room' is given twice"));
}

TEST(Yaml, SaysWhereTextIsNoYaml) {
  v1::RecorderConfig config;
  EXPECT_THAT(error_of("room: a\nsources: [\n", config), HasSubstr("not YAML"));
  EXPECT_THAT(error_of("- a\n- b\n", config), HasSubstr("a map of fields"));
}

TEST(Yaml, StopsAliasesThatMultiply) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  std::string sources = "consent: *a0\n";
  v1::RecorderConfig config;
  EXPECT_NE(error_of(bomb + sources, config), "");
}

TEST(Yaml, ReadsBackWhatItWrites) {
  v1::Event event;
  event.mutable_finding()->set_kind("departure");
  event.mutable_finding()->set_certainty(v1::CERTAINTY_AMBIGUOUS);
  event.mutable_finding()->set_id("\x01\xff");
  (*event.mutable_finding()->mutable_labels())["step"] = "time-out: \"first\"";
  (*event.mutable_finding()->mutable_values())["margin"] = 0.1;
  v1::Event back;
  ASSERT_TRUE(read_yaml(write_yaml(event, false), "x", back));
  EXPECT_EQ(back.finding().labels().at("step"), "time-out: \"first\"");
  EXPECT_EQ(back.SerializeAsString().size(), event.SerializeAsString().size());
  EXPECT_EQ(back.finding().certainty(), v1::CERTAINTY_AMBIGUOUS);
  EXPECT_EQ(back.finding().values().at("margin"), 0.1);
}

TEST(Config, ExamplesPassTheirOwnCheck) {
  v1::RecorderConfig recorder;
  ASSERT_TRUE(read_yaml(*example_config("recorder"), "x", recorder));
  fill_defaults(recorder);
  EXPECT_TRUE(check(recorder, "x"));
  v1::IngestConfig ingest;
  ASSERT_TRUE(read_yaml(*example_config("ingest"), "x", ingest));
  EXPECT_TRUE(check(ingest, "x"));
  v1::ServeConfig serve;
  ASSERT_TRUE(read_yaml(*example_config("serve"), "x", serve));
  EXPECT_TRUE(check(serve, "x"));
  EXPECT_FALSE(example_config("toaster"));
}

TEST(Config, RefusesToServeBeyondLoopback) {
  v1::ServeConfig serve;
  serve.set_store_dir("s");
  serve.set_address("0.0.0.0");
  auto result = check(serve, "serve.yaml");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("127.0.0.1"));
  fill_defaults(serve);
  serve.set_address("127.0.0.1");
  EXPECT_TRUE(check(serve, "serve.yaml"));
}

TEST(Config, RefusesTimesSpeedsAndEncodingsOutOfRange) {
  v1::RecorderConfig config;
  ASSERT_TRUE(read_yaml(*example_config("recorder"), "x", config));
  config.mutable_sources(1)->set_start_s(1e300);
  EXPECT_THAT(check(config, "x").error().message, HasSubstr("'sources[1].start_s'"));
  config.mutable_sources(1)->set_start_s(-3);
  config.mutable_sources(1)->mutable_simulator()->set_speed(-1);
  EXPECT_THAT(check(config, "x").error().message, HasSubstr("simulator.speed"));
  config.mutable_sources(1)->clear_simulator();
  config.mutable_sources(1)->set_encoding("latin-nine-hundred");
  EXPECT_THAT(check(config, "x").error().message, HasSubstr("'sources[1].encoding'"));
  config.mutable_sources(1)->set_encoding("windows-949");
  EXPECT_TRUE(check(config, "x"));
}

TEST(Config, RefusesTwoSourcesOfOneNameAndUnknownTypes) {
  v1::RecorderConfig config;
  ASSERT_TRUE(read_yaml(*example_config("recorder"), "x", config));
  config.mutable_sources(1)->set_name("scope");
  EXPECT_THAT(check(config, "x").error().message, HasSubstr("used twice"));
  config.mutable_sources(1)->set_name("monitor");
  config.mutable_sources(1)->set_type("telepathy");
  EXPECT_THAT(check(config, "x").error().message, HasSubstr("'sources[1].type'"));
}

}  // namespace
}  // namespace casebox::tools
