#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "proto/base/file.h"
#include "tools/cli/kafka_args.h"
#include "tools/config/config.h"
#include "tools/config/yaml.h"

namespace casebox::tools {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

constexpr char kPassword[] = "correct horse";

class KafkaOptions : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("kafka_options_" + std::to_string(::getpid()));
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string file(const std::string& name, const std::string& text, int mode = 0600) {
    const fs::path path = dir_ / name;
    EXPECT_TRUE(write_file_atomic(path, text, mode));
    fs::permissions(path, static_cast<fs::perms>(mode));
    return path.string();
  }
  /// What is made of `kafka:` in a store's configuration.
  static v1::IngestConfig config(const std::string& kafka) {
    v1::IngestConfig out;
    const auto read =
        read_yaml("store_dir: s\nkafka:\n  brokers: h:1\n" + kafka, "ingest.yaml", out);
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    fill_defaults(out);
    return out;
  }
  static std::string wrong(const std::string& kafka) {
    const auto checked = check(config(kafka), "ingest.yaml");
    return checked ? "" : checked.error().message;
  }

  fs::path dir_;
};

TEST_F(KafkaOptions, SayNothingOfSecurityWhereNoneIsAsked) {
  const auto made = kafka_options(config("").kafka());
  ASSERT_TRUE(made);
  EXPECT_THAT(made->properties, IsEmpty());
}

TEST_F(KafkaOptions, MapALoginOverTlsToThePropertiesOfTheClient) {
  const std::string password = file("password", std::string(kPassword) + "\n");
  const std::string key = file("key", "k"), phrase = file("phrase", "open");
  const auto kafka = config("  tls: {ca_file: /ca, certificate_file: /cert, key_file: " + key +
                            ", key_password_file: " + phrase +
                            "}\n  sasl: {username: or-1, password_file: " + password + "}\n");
  ASSERT_TRUE(check(kafka, "ingest.yaml"));
  const auto made = kafka_options(kafka.kafka());
  ASSERT_TRUE(made) << made.error().message;
  const std::map<std::string, std::string> expected = {
      {"security.protocol", "SASL_SSL"},     {"ssl.ca.location", "/ca"},
      {"ssl.certificate.location", "/cert"}, {"ssl.key.location", key},
      {"ssl.key.password", "open"},          {"ssl.endpoint.identification.algorithm", "https"},
      {"sasl.mechanisms", "SCRAM-SHA-512"},  {"sasl.username", "or-1"},
      {"sasl.password", kPassword}};
  EXPECT_EQ(made->properties, expected);
  EXPECT_THAT(write_yaml(kafka, true), Not(HasSubstr(kPassword)));
}

TEST_F(KafkaOptions, TellTlsAloneFromALoginAlone) {
  auto made = kafka_options(config("  tls: {ca_file: /ca}\n").kafka());
  ASSERT_TRUE(made);
  EXPECT_THAT(made->properties, Contains(Pair("security.protocol", "SSL")));
  made = kafka_options(config("  tls: {}\n").kafka());
  ASSERT_TRUE(made);
  EXPECT_THAT(made->properties, Contains(Pair("security.protocol", "SSL")));
  made = kafka_options(config("  sasl: {mechanism: SCRAM-SHA-256, username: u, password_file: " +
                              file("p", "x") + "}\n")
                           .kafka());
  ASSERT_TRUE(made);
  EXPECT_THAT(made->properties, AllOf(Contains(Pair("security.protocol", "SASL_PLAINTEXT")),
                                      Contains(Pair("sasl.mechanisms", "SCRAM-SHA-256"))));
}

TEST_F(KafkaOptions, TakeNoSecretThatOthersCanRead) {
  const auto of = [](const std::string& path) {
    const auto made =
        kafka_options(config("  sasl: {username: u, password_file: " + path + "}\n").kafka());
    return made ? "" : made.error().message;
  };
  EXPECT_EQ(of(file("good", kPassword)), "");
  for (const int mode : {0640, 0604, 0660})
    EXPECT_THAT(of(file("open", kPassword, mode)),
                AllOf(HasSubstr("chmod 600"), HasSubstr("open"), Not(HasSubstr(kPassword))));
  EXPECT_THAT(of(file("empty", "\n")), HasSubstr("not one line"));
  EXPECT_THAT(of(file("two", std::string(kPassword) + "\nmore")),
              AllOf(HasSubstr("not one line"), Not(HasSubstr(kPassword))));
  EXPECT_THAT(of((dir_ / "absent").string()), HasSubstr("absent"));
  const auto key =
      kafka_options(config("  tls: {key_file: " + file("key", "k", 0644) + "}\n").kafka());
  ASSERT_FALSE(key);
  EXPECT_THAT(key.error().message, HasSubstr("chmod 600"));
}

TEST_F(KafkaOptions, AreRefusedWhereTheyCannotBeMeant) {
  EXPECT_EQ(wrong("  sasl: {username: u, password_file: p}\n"), "");
  EXPECT_THAT(wrong("  sasl: {mechanism: GSSAPI, username: u, password_file: p}\n"),
              HasSubstr("'kafka.sasl.mechanism' is not known"));
  EXPECT_THAT(wrong("  sasl: {password_file: p}\n"), HasSubstr("'kafka.sasl.username' is missing"));
  EXPECT_THAT(wrong("  sasl: {username: u}\n"), HasSubstr("'kafka.sasl.password_file' is missing"));
  EXPECT_THAT(wrong("  sasl: {mechanism: PLAIN, username: u, password_file: p}\n"),
              HasSubstr("in the clear"));
  EXPECT_EQ(wrong("  tls: {}\n  sasl: {mechanism: PLAIN, username: u, password_file: p}\n"), "");
  EXPECT_THAT(wrong("  tls: {certificate_file: c}\n"), HasSubstr("write both"));
  EXPECT_THAT(wrong("  tls: {key_file: k}\n"), HasSubstr("write both"));
  EXPECT_THAT(wrong("  tls: {key_password_file: k}\n"), HasSubstr("without 'key_file'"));
  v1::IngestConfig clear;
  const auto read = read_yaml("kafka: {sasl: {password: " + std::string(kPassword) + "}}\n",
                              "ingest.yaml", clear);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, AllOf(HasSubstr("password_file"), Not(HasSubstr(kPassword))));
}

}  // namespace
}  // namespace casebox::tools
