#include "proto/text/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace casebox::text {
namespace {

using namespace std::string_literals;

TEST(Text, WellFormedUtf8StaysAsItIs) {
  const Text out = to_utf8("temp (°C), 마취, \xF0\x9F\x98\x80");
  EXPECT_EQ(out.utf8, "temp (°C), 마취, \xF0\x9F\x98\x80");
  EXPECT_EQ(out.encoding, "UTF-8");
  EXPECT_TRUE(out.certain);
}

TEST(Text, WhatProtobufWouldRefuseIsNotUtf8) {
  for (const std::string& bad : {"\xB0"s, "\xC0\x80"s, "\xC3"s, "\xE0\x9F\xBF"s, "\xED\xA0\x80"s,
                                 "\xF0\x8F\xBF\xBF"s, "\xF4\x90\x80\x80"s, "\xFF"s, "a\xE2\x82"s})
    EXPECT_FALSE(is_utf8(bad)) << escape(bad);
  EXPECT_TRUE(is_utf8("\0\xF4\x8F\xBF\xBF\xED\x9F\xBF"s));
  EXPECT_EQ(first_bad("abcdefghij\xFFk"), 10u);
}

TEST(Text, SignsOfUnitsInLatin1AreTold) {
  const Text out = to_utf8(
      "t,temp(\xB0"
      "C),dose [\xB5g/kg],area (m\xB2),a\xB1"
      "\n");
  EXPECT_FALSE(out.certain) << "a plus-minus behind a letter is also a Polish letter";
  const Text units = to_utf8(
      "t,temp(\xB0"
      "C),dose [\xB5g/kg],area (m\xB2),M\xFCller\n");
  EXPECT_EQ(units.utf8, "t,temp(°C),dose [µg/kg],area (m²),Müller\n");
  EXPECT_EQ(units.encoding, "windows-1252");
  EXPECT_TRUE(units.certain);
}

TEST(Text, ShortKoreanTextIsTold) {
  const Text out = to_utf8("\xB8\xB6\xC3\xEB \xBD\xC3\xC0\xDB");
  EXPECT_EQ(out.utf8, "마취 시작");
  EXPECT_EQ(out.encoding, "windows-949");
}

TEST(Text, ALetterThatDependsOnTheEncodingIsKeptAsItsByte) {
  const Bytes name = "Dvo\xF8\xE1k \\ 1";
  const Text out = to_utf8(name);
  EXPECT_FALSE(out.certain);
  EXPECT_EQ(out.utf8, "Dvo\\xF8\\xE1k \\\\ 1");
  EXPECT_EQ(out.encoding, "");
  EXPECT_EQ(unescape(out.utf8), name);
  const Text declared = to_utf8(name, "windows-1250");
  EXPECT_EQ(declared.utf8, "Dvořák \\ 1");
  EXPECT_TRUE(declared.certain);
}

TEST(Text, ChineseIsNotTakenForKorean) {
  const Text out = to_utf8("\xB1\xB1\xBE\xA9");
  EXPECT_FALSE(out.certain);
}

TEST(Text, LongerTextIsToldByTheDetector) {
  const Text russian = to_utf8(
      "\xCD\xE0\xF7\xE0\xEB\xEE \xEE\xEF\xE5\xF0\xE0\xF6\xE8\xE8, \xE2\xE2\xE5\xE4\xE5\xED\xE8\xE5 "
      "\xE0\xED\xE5\xF1\xF2\xE5\xE7\xE8\xE8");
  EXPECT_EQ(russian.encoding, "windows-1251");
  EXPECT_EQ(russian.utf8, "Начало операции, введение анестезии");
}

TEST(Text, Utf16WithAndWithoutItsMark) {
  const Bytes plain("t\0,\0\xB0\0C\0\n\0", 10);
  EXPECT_EQ(to_utf8("\xFF\xFE" + plain).utf8, "t,°C\n");
  EXPECT_EQ(to_utf8("\xFF\xFE" + plain).encoding, "UTF-16LE");
  EXPECT_EQ(to_utf8(plain).utf8, "t,°C\n");
  EXPECT_EQ(to_utf8(Bytes("\xFE\xFF\0t\0,\xD8\x3D\xDE\0", 10)).utf8, "t,\xF0\x9F\x98\x80");
  EXPECT_FALSE(to_utf8(Bytes("\xFE\xFF\0t\xD8\x3D", 6)).certain) << "half a surrogate pair";
  EXPECT_EQ(to_utf8("\xEF\xBB\xBFt,v\n").utf8, "t,v\n");
}

TEST(Text, LinesInUtf8StayBesideLinesInAnotherEncoding) {
  const Text out = to_utf8("temp (°C)\nM\xFCller\n");
  EXPECT_EQ(out.utf8, "temp (°C)\nMüller\n");
  EXPECT_TRUE(out.certain);
}

TEST(Text, TextsOfOneFileAreToldTogether) {
  Reader reader;
  const Bytes one = "\xB0\xFC";  // a rare pair by itself
  const Bytes more = "\xB8\xB6\xC3\xEB \xBD\xC3\xC0\xDB";
  EXPECT_FALSE(to_utf8(one).certain);
  reader.see(one);
  reader.see(more);
  EXPECT_EQ(reader.read(one).utf8, "관");
  EXPECT_EQ(reader.read("ECG °").utf8, "ECG °");
  reader.see(
      "\xB0"
      "C");
  EXPECT_EQ(reader
                .read("\xB0"
                      "C")
                .utf8,
            "°C");
}

TEST(Text, ATextOfAFileInSeveralEncodingsMayTellByItself) {
  Reader reader;
  const Bytes korean = "\xB8\xB6\xC3\xEB", czech = "Dvo\xF8\xE1k", latin = "M\xFCller";
  for (const Bytes& text : {korean, czech, latin}) reader.see(text);
  EXPECT_EQ(reader.read(korean).utf8, "마취");
  EXPECT_EQ(reader.read(latin).utf8, "Müller");
  EXPECT_EQ(reader.read(czech).utf8, "Dvo\\xF8\\xE1k");
  EXPECT_FALSE(reader.read(czech).certain);
}

TEST(Text, AnUnknownEncodingIsRefusedByName) {
  EXPECT_FALSE(check_encoding("latin-nine-hundred"));
  EXPECT_TRUE(check_encoding("windows-949"));
  EXPECT_TRUE(check_encoding(""));
}

TEST(Text, CutsBetweenCharacters) {
  EXPECT_EQ(cut("a°b", 2), "a");
  EXPECT_EQ(cut("a°b", 3), "a°");
  EXPECT_EQ(cut("마취", 5), "마");
  EXPECT_EQ(cut("abc", 8), "abc");
}

RC_GTEST_PROP(Text, AnyBytesBecomeUtf8AndUncertainOnesComeBack, (const std::string& bytes)) {
  const Text out = to_utf8(bytes);
  RC_ASSERT(is_utf8(out.utf8));
  if (!out.certain) RC_ASSERT(unescape(out.utf8) == bytes);
  RC_ASSERT(unescape(escape(bytes)) == bytes);
}

}  // namespace
}  // namespace casebox::text
