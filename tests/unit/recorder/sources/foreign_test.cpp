#include "recorder/sources/internal/foreign.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::recorder {
namespace {

using ::testing::HasSubstr;

TEST(Foreign, FormatsAreToldByTheirFirstBytesWithWhatToDo) {
  using internal::foreign_format;
  EXPECT_THAT(foreign_format("PAR1\1\2").value_or(""), HasSubstr("this is a Parquet table"));
  // A record of the S/5's serial line: length, 47 bytes more, and what they add up to.
  Bytes record("\x31\0", 2);
  record.append(47, '\x7D');
  Bytes line = "\x7E";
  unsigned sum = 0;
  for (const char c : record) {
    sum += static_cast<unsigned char>(c);
    line += c == '\x7D' ? Bytes("\x7D\x5D") : Bytes(1, c);
  }
  record = line + static_cast<char>(sum) + "\x7E";
  EXPECT_THAT(foreign_format(Bytes(400, '\1') + record).value_or(""), HasSubstr("S/5"));
  record[record.size() - 2] ^= 1;
  EXPECT_FALSE(foreign_format(Bytes(400, '\1') + record)) << "its sum is wrong";
  EXPECT_THAT(foreign_format(Bytes(128, '\0') + "DICM").value_or(""), HasSubstr("DICOM"));
  EXPECT_THAT(foreign_format("PK\3\4xl/").value_or(""), HasSubstr("save the sheet as CSV"));
  EXPECT_THAT(foreign_format("<?xml?><log xes.version=\"1.0\">").value_or(""),
              HasSubstr("casebox conform"));
  for (const char* read : {"time,HR\n0,70\n", "0,70", "", "a 1 2", "{\"phases\": []}"})
    EXPECT_FALSE(foreign_format(read)) << read;
}

TEST(Foreign, FormatsThatAreReadAreToldByTheirFirstBytes) {
  using internal::known_format;
  for (const char* head : {"0       X X X",
                           "\xff"
                           "BIOSEMIX"}) {
    ASSERT_TRUE(known_format(head)) << head;
    EXPECT_STREQ(known_format(head)->type, "edf");
  }
  for (const char* head : {"# remark\n100 2 360 650000\n100.dat 212 200\n",
                           "a103l 3 250 82500\r\na103l.mat 16+24 7247/mV 16 0\r\n",
                           "v102s/3 4 250 225000\nv102s_1 75000\n",
                           "m 6 62.4725/999.56 14400\nm.dat 516x4 200/mV 14\n"}) {
    ASSERT_TRUE(known_format(head)) << head;
    EXPECT_STREQ(known_format(head)->type, "wfdb");
  }
  for (const char* head : {"MSH|^~\\&|a", "\x0BMSH|^~\\&|a", "FHS|^~\\&|"})
    EXPECT_STREQ(known_format(head)->type, "hl7") << head;
  EXPECT_STREQ(known_format("ObjectType = Image\nNDims = 3\n")->type, "metaimage");
  for (const char* other : {"0,70", "time HR SpO2\n0.1 70 98\n", "1 2 3\n4 5 6\n0.5 2 1\n",
                            "a 1 2\nb 3\n", "time,HR 2 3\n0.1 2 3\n", "", "\xff", "0   "})
    EXPECT_FALSE(known_format(other)) << other;
}

TEST(Foreign, WhateverAFileIsCalledItIsRefusedAsWhatItIs) {
  const auto folder = std::filesystem::temp_directory_path();
  for (const char* name : {"casebox-foreign.csv", "casebox-foreign.mp4"}) {
    const auto file = folder / name;
    for (const auto& [bytes, code, what] :
         {std::tuple{"PAR1 and more", Code::kUnsupported, "this is a Parquet table"},
          std::tuple{"XDF:and more", Code::kInvalidArgument, "this is an XDF file"}}) {
      std::ofstream(file) << bytes;
      for (const char* type : {"media", "csv", "vital"}) {
        Context context = casebox::testing::context_of("m", file.string());
        context.config.set_type(type);
        const auto source = open_source(std::move(context));
        ASSERT_FALSE(source);
        EXPECT_EQ(source.error().code, code);
        EXPECT_THAT(source.error().message, HasSubstr(what));
      }
    }
    std::ofstream(file) << "XDF:and more";
    EXPECT_EQ(*source_type_of(file.string()), "xdf");
    std::filesystem::remove(file);
  }
}

}  // namespace
}  // namespace casebox::recorder
