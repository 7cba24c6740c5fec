// What stream and case frames show, what they seal, and that it comes back only where it was put.
#include "proto/keyring/sealed_names.h"

#include <gtest/gtest.h>

#include <set>

#include "proto/base/file.h"
#include "proto/base/ids.h"
#include "tests/support/recording.h"

namespace casebox::keyring {
namespace {

constexpr const char* kMark = "Zz-Marker-Zz";

CaseId some_case(uint8_t fill) {
  CaseId id;
  id.bytes.fill(fill);
  return id;
}

EpochKeys keys_of(uint64_t epoch, uint8_t fill = 7) {
  std::array<uint8_t, 32> secret;
  secret.fill(fill);
  return EpochKeys(Epoch{epoch}, seal::Secret(secret));
}

/// Every text field of the message and of those inside it, `mark` and a number each.
int mark_texts(google::protobuf::Message& message, const std::string& mark) {
  int marked = 0;
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const auto* field = message.GetDescriptor()->field(i);
    if (field->name() == "sealed_names") continue;
    const bool text = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING;
    const std::string value = mark + std::to_string(++marked);
    if (text && field->is_repeated()) {
      reflection.AddString(&message, field, value);
    } else if (text) {
      reflection.SetString(&message, field, value);
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      marked += mark_texts(field->is_repeated() ? *reflection.AddMessage(&message, field)
                                                : *reflection.MutableMessage(&message, field),
                           value + "-");
    }
  }
  return marked;
}

v1::Stream marked_stream() {
  v1::Stream stream;
  mark_texts(stream, kMark);
  stream.set_stream_id(7);
  stream.set_kind(v1::STREAM_KIND_WAVE);
  stream.mutable_channels(0)->set_id(3);
  stream.mutable_channels(0)->set_gain(0.25);
  return stream;
}

TEST(SealedNames, ShowNoTextThatTheVocabularyDoesNotKnow) {
  auto keys = keys_of(1);
  const v1::Stream stream = marked_stream();
  const v1::Stream shown = *seal_names(stream, keys, some_case(1));
  EXPECT_EQ(shown.SerializeAsString().find("Marker"), std::string::npos);
  EXPECT_EQ(shown.name(), "stream-7");
  EXPECT_EQ(shown.channels(0).name(), "channel-3");
  EXPECT_EQ(shown.channels(0).unit(), "");
  EXPECT_EQ(shown.channels(0).gain(), 0.25);
  EXPECT_EQ(shown.device(), "");
  EXPECT_EQ(shown.policy_reason(), "other");
}

TEST(SealedNames, ComeBackWhole) {
  auto keys = keys_of(1);
  const v1::Stream stream = marked_stream();
  v1::Stream shown = *seal_names(stream, keys, some_case(1));
  ASSERT_TRUE(open_names(shown, keys, some_case(1)));
  EXPECT_EQ(shown.SerializeAsString(), stream.SerializeAsString());
}

// The example of docs/formats/frame.md, made with another program.
TEST(SealedNames, OpenAsTheFormatPageShowsThem) {
  std::array<uint8_t, 32> secret;
  CaseId case_id;
  for (uint8_t i = 0; i < 32; ++i) secret[i] = i;
  for (uint8_t i = 0; i < 16; ++i) case_id.bytes[i] = i;
  const Bytes page = *read_file(CASEBOX_SOURCE_DIR "/docs/formats/frame.md");
  const size_t at = page.find("\nsealed_names  ");
  ASSERT_NE(at, Bytes::npos);
  v1::Stream stream;
  stream.set_stream_id(7);
  stream.set_name("stream-7");
  stream.set_sealed_names(*from_hex(page.substr(at + 15, page.find('\n', at + 1) - at - 15)));
  EpochKeys keys(Epoch{0x1122334455667788}, seal::Secret(secret));
  const auto opened = open_names(stream, keys, case_id);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(stream.name(), "bed 3.pulse");
}

TEST(SealedNames, StandInTheClearWhereTheVocabularyKnowsThemAll) {
  auto keys = keys_of(1);
  v1::Stream stream;
  stream.set_stream_id(2);
  stream.set_name("monitor.ecg");
  stream.set_device("patient-monitor");
  stream.set_source_time_unit("1/90000");
  stream.add_channels()->set_name("ECG_II");
  stream.mutable_channels(0)->set_unit("mV");
  const v1::Stream shown = *seal_names(stream, keys, some_case(1));
  EXPECT_EQ(shown.SerializeAsString(), stream.SerializeAsString());
}

TEST(SealedNames, CannotBeMovedToAnotherCaseEpochOrStream) {
  auto keys = keys_of(1);
  const v1::Stream shown = *seal_names(marked_stream(), keys, some_case(1));
  v1::Stream moved = shown;
  EXPECT_EQ(open_names(moved, keys, some_case(2)).error().code, Code::kCorrupt);
  auto other_epoch = keys_of(2);
  EXPECT_EQ(open_names(moved, other_epoch, some_case(1)).error().code, Code::kCorrupt);
  auto other_secret = keys_of(1, 8);
  EXPECT_EQ(open_names(moved, other_secret, some_case(1)).error().code, Code::kCorrupt);
  moved.set_stream_id(8);
  EXPECT_EQ(open_names(moved, keys, some_case(1)).error().code, Code::kCorrupt);
  moved.set_stream_id(7);
  EXPECT_EQ(moved.SerializeAsString(), shown.SerializeAsString()) << "and it is as it was";
  for (size_t i = 0; i < shown.sealed_names().size(); i += 9) {
    moved = shown;
    (*moved.mutable_sealed_names())[i] ^= 1;
    EXPECT_FALSE(open_names(moved, keys, some_case(1)));
  }
  moved.set_sealed_names("short");
  EXPECT_FALSE(open_names(moved, keys, some_case(1)));
}

TEST(SealedNames, NeverUseANonceTwice) {
  auto keys = keys_of(1);
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i) {
    const v1::Stream shown = *seal_names(marked_stream(), keys, some_case(1));
    EXPECT_TRUE(nonces.insert(shown.sealed_names().substr(0, seal::kNonceSize)).second);
  }
}

TEST(SealedNames, AreRefusedWhenTheyCouldNotBeReadAgain) {
  auto keys = keys_of(1);
  v1::Stream stream;
  stream.set_name("monitor.\xB5V");
  EXPECT_EQ(seal_names(stream, keys, some_case(1)).error().code, Code::kInvalidArgument);
}

TEST(SealedNames, OfFramesWrittenBeforeThemStandAsTheyAre) {
  auto keys = keys_of(1);
  // Stream 7 "bed 3.Smith" of device "ward", channel 1 "Smith's pulse" in "BPM", time in "ns".
  const Bytes vector = *from_hex(
      "0807120b62656420332e536d69746818012a180801120d536d69746827732070756c73651a034250"
      "4d2001420477617264480152026e73");
  v1::Stream old;
  ASSERT_TRUE(old.ParseFromString(vector));
  ASSERT_TRUE(open_names(old, keys, some_case(1)));
  EXPECT_EQ(old.SerializeAsString(), vector);
  EXPECT_EQ(old.name(), "bed 3.Smith");
  EXPECT_EQ(old.channels(0).name(), "Smith's pulse");
  EXPECT_EQ(old.channels(0).unit(), "BPM");
  EXPECT_EQ(old.device(), "ward");
  v1::CaseFrame frame;
  mark_texts(*frame.mutable_config(), kMark);
  const v1::CaseFrame before = frame;
  ASSERT_TRUE(open_config(frame, keys, some_case(1)));
  EXPECT_EQ(frame.SerializeAsString(), before.SerializeAsString());
}

TEST(SealedNames, OfTheSettingsOnlyNumbersAndCodesAreShown) {
  auto keys = keys_of(1);
  v1::CaseFrame frame;
  v1::RecorderConfig& config = *frame.mutable_config();
  mark_texts(config, kMark);
  config.set_frame_max_ms(150);
  config.mutable_sources(0)->set_type("media");
  config.mutable_sources(0)->set_stream_class("C");
  const v1::RecorderConfig whole = config;
  ASSERT_TRUE(seal_config(frame, keys, some_case(1)));
  EXPECT_EQ(frame.SerializeAsString().find("Marker"), std::string::npos);
  EXPECT_EQ(frame.config().frame_max_ms(), 150u);
  EXPECT_EQ(frame.config().sources(0).type(), "media");
  EXPECT_EQ(frame.config().sources(0).stream_class(), "C");
  ASSERT_TRUE(open_config(frame, keys, some_case(1)));
  EXPECT_EQ(frame.config().SerializeAsString(), whole.SerializeAsString());
}

TEST(SealedNames, AProducerKeepsWordsOutOfItsFramesAndRefusesUnknownReasons) {
  testing::TempDir temp;
  testing::Recording r(temp.path());
  v1::Stream stream;
  stream.set_name(std::string("monitor.") + kMark);
  stream.set_kind(v1::STREAM_KIND_WAVE);
  stream.add_channels()->set_name(kMark);
  const StreamId id = *r.producer->add_stream(stream);
  EXPECT_EQ(r.producer->streams().back().name(), stream.name()) << "the writer knows it";
  v1::Gap gap;
  gap.set_reason(kMark);
  gap.set_missing(3);
  EXPECT_EQ(r.producer->append_gap(id, gap).error().code, Code::kInvalidArgument);
  v1::Pause pause;
  pause.set_begins(true);
  pause.set_reason("privacy");
  pause.set_role(kMark);
  EXPECT_EQ(r.producer->append_pause(pause, CaseTime{}).error().code, Code::kInvalidArgument);
  pause.set_role("surgeon");
  EXPECT_TRUE(r.producer->append_pause(pause, CaseTime{}));
  pause.set_reason(kMark);
  const auto refused = r.producer->append_pause(pause, CaseTime{});
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_EQ(refused.error().message.find(kMark), std::string::npos);
  r.close();
  for (const auto& file : std::filesystem::directory_iterator(r.dir))
    EXPECT_EQ(read_file(file.path())->find("Marker"), Bytes::npos) << file.path();
}

TEST(SealedNames, ACaseFrameTakesCodesOnly) {
  testing::TempDir temp;
  testing::Recording r(temp.path());
  r.close();
  producer::Options options;
  options.case_id = random_id<CaseId>();
  options.producer_id = r.producer_id;
  options.case_public_key = r.keystore->take_case_key()->public_key;
  for (const auto set : {+[](v1::CaseFrame& f) { f.set_procedure("Mrs Zz-Marker-Zz"); },
                         +[](v1::CaseFrame& f) { f.set_room("Zz-Marker-Zz room"); },
                         +[](v1::CaseFrame& f) { f.set_software("Zz-Marker-Zz; x"); }}) {
    options.details = {};
    set(options.details);
    const auto opened =
        producer::Producer::open(options, *r.keystore->signing_key("recorder"), *r.log, r.clock);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::kInvalidArgument);
    EXPECT_EQ(opened.error().message.find("Marker"), std::string::npos);
  }
}

}  // namespace
}  // namespace casebox::keyring
