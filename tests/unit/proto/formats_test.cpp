// The worked examples of docs/formats/log.md and samples.md are what the code writes and reads,
// byte by byte.

#include <sstream>

#include "proto/codec/codec.h"
#include "tests/unit/proto/log_fixture.h"

namespace casebox::log::test {
namespace {

// The hex digits of the first fenced block behind `heading`; what follows two spaces is a remark.
Bytes example(const std::string& page, const std::string& heading) {
  const Bytes text = *read_file(fs::path(CASEBOX_SOURCE_DIR) / "docs/formats" / page);
  const size_t begin = text.find("```\n", text.find(heading));
  if (begin == Bytes::npos) return {};
  std::istringstream lines(text.substr(begin + 4, text.find("```", begin + 4) - begin - 4));
  std::string hex, line;
  while (std::getline(lines, line)) {
    const std::string digits = line.substr(0, line.find("  "));
    for (char c : digits)
      if (c != ' ') hex.push_back(c);
  }
  return from_hex(hex).value_or(Bytes());
}

class FormatPages : public LogTest {};

TEST_F(FormatPages, LogFileOfTheExampleIsWhatAWriterMakes) {
  CaseId case_id;
  ProducerId producer;
  for (size_t i = 0; i < 16; ++i) {
    case_id.bytes[i] = static_cast<uint8_t>(i);
    producer.bytes[i] = static_cast<uint8_t>(0x10 + i);
  }
  frame::Header header;
  header.stream = StreamId{1};
  header.epoch = Epoch{0x1122334455667788};
  header.t = CaseTime{1'000'000'000};
  const Bytes body = "made up";
  {
    auto w = writer();
    ASSERT_TRUE(w->begin_case(case_id, producer, v1::PRODUCER_ROLE_RECORDER));
    append(*w, *frame::encode(header, body));
    ASSERT_TRUE(w->end_case());
  }
  EXPECT_EQ(to_hex(content(file(1))), to_hex(example("log.md", "## Worked example")));
  EXPECT_EQ(to_hex(content(dir() / "durable")),
            to_hex(example("log.md", "The file `durable` then")));
}

TEST_F(FormatPages, LogFileOfTheExampleIsRead) {
  fs::create_directories(dir());
  std::ofstream(file(1), std::ios::binary) << example("log.md", "## Worked example");
  std::ofstream(dir() / "durable", std::ios::binary)
      << example("log.md", "The file `durable` then");
  const Read all = read();
  ASSERT_EQ(all.frames.size(), 1u);
  EXPECT_EQ(all.frames[0].substr(frame::kHeaderSize), "made up");
  EXPECT_TRUE(all.damage.empty());
}

// Rows `| bytes | values | ...` of samples.md; a missing sample is a dash.
TEST(FormatPage, CodedSamplesOfTheExamplesAreWhatTheCodecWritesAndReads) {
  std::istringstream page(*read_file(fs::path(CASEBOX_SOURCE_DIR) / "docs/formats/samples.md"));
  std::string line;
  int rows = 0;
  while (std::getline(page, line)) {
    if (line.rfind("| `", 0) != 0) continue;
    std::string hex = line.substr(3, line.find('`', 3) - 3);
    std::erase(hex, ' ');
    auto coded = from_hex(hex);
    if (!coded) continue;
    SCOPED_TRACE(line);
    ++rows;
    const size_t begin = line.find('|', 3) + 1;
    std::istringstream cells(line.substr(begin, line.find('|', begin) - begin));
    std::vector<int64_t> values;
    std::vector<bool> missing;
    bool any = false;
    for (std::string cell; cells >> cell; any |= cell == "-") {
      missing.push_back(cell == "-");
      values.push_back(cell == "-" ? 0 : std::stoll(cell));
    }
    if (!any) missing.clear();
    EXPECT_EQ(to_hex(codec::encode(values, missing)), to_hex(*coded));
    auto decoded = codec::decode(*coded, values.size());
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->values, values);
    EXPECT_EQ(decoded->missing, missing);
  }
  EXPECT_GE(rows, 6);
}

}  // namespace
}  // namespace casebox::log::test
