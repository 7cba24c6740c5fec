#include "proto/text/internal/detect.h"

#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>
#include <string_view>
#include <vector>

namespace casebox::text::internal {
namespace {

constexpr int kClear = 40;      // ICU's confidence, of 100, below which nothing is told
constexpr int kLead = 15;       // and how far before the next that reads otherwise
constexpr size_t kEnough = 10;  // bytes above ASCII below which ICU's figures mean nothing

struct CloseConverter {
  void operator()(UConverter* c) const { ucnv_close(c); }
};
struct CloseDetector {
  void operator()(UCharsetDetector* d) const { ucsdet_close(d); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

Converter open(const std::string& name) {
  UErrorCode error = U_ZERO_ERROR;
  Converter out(ucnv_open(name.c_str(), &error));
  if (U_FAILURE(error)) return nullptr;
  // Anything that has no meaning in the encoding ends the conversion.
  ucnv_setToUCallBack(out.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  return U_FAILURE(error) ? nullptr : std::move(out);
}

bool high(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

/// Whether this byte, alone between two ASCII ones, is the same sign in Windows-1250, -1252, -1254
/// and ISO 8859-1, -2, -9, -15, or is a sign of units that stands where only that sign can.
bool same_in_latin(char before, unsigned char c, char after) {
  static constexpr std::string_view kSame =
      "\xA0\xA7\xAD\xB0\xC1\xC2\xC4\xC7\xC9\xCB\xCD\xCE\xD3\xD4\xD6\xD7\xDA\xDC\xDF\xE1\xE2\xE4\xE7"
      "\xE9\xEB\xED\xEE\xF3\xF4\xF6\xF7\xFA\xFC";
  switch (c) {
    case 0xB5: return !letter(before) && letter(after);                    // micro: ug, us
    case 0xB1: return !letter(before) && !letter(after);                   // plus or minus
    case 0xB7: return !digit(after);                                       // middle dot: mL.min
    case 0xB2:                                                             // squared
    case 0xB3: return (before == 'm' || digit(before)) && !letter(after);  // cubed
    default: return kSame.find(static_cast<char>(c)) != std::string_view::npos;
  }
}

/// Syllables that make up most of Korean text, those of an operating room among them.
constexpr std::u16string_view kCommon =
    u"이다는의에을가고하은를지로한도기사인리자시나어대그정있부수아것일서제만해들원구주장보"
    u"동과전상지공성면문조신비라소여우생적관개했방안세국연경회경년위치모미학용발분중행내진"
    u"술마취작종료환혈압투삽발관도맥박산출봉합절폐쇄체변입실퇴약물정맥흡저하승혈심통유심호"
    u"각성량감증검사영측준완무간후좌우복강경담낭";

/// Every run of bytes above ASCII is pairs of the Korean standard's syllables (KS X 1001, rows 16
/// to 40), and at least two in five are common ones.
bool is_korean(BytesView bytes) {
  size_t pairs = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto lead = static_cast<unsigned char>(bytes[i]);
    if (lead < 0x80) continue;
    const auto trail = i + 1 < bytes.size() ? static_cast<unsigned char>(bytes[i + 1]) : 0;
    // Rows 1 to 3 are signs, and full-width forms, which Korean text has too.
    if (!((lead >= 0xB0 && lead <= 0xC8) || (lead >= 0xA1 && lead <= 0xA3)) || trail < 0xA1 ||
        trail > 0xFE)
      return false;
    pairs += lead >= 0xB0;
    ++i;
  }
  if (pairs < 2) return false;
  const auto utf8 = convert(bytes, "windows-949");
  if (!utf8) return false;
  std::vector<UChar> chars(utf8->size() + 1);
  int32_t size = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(chars.data(), static_cast<int32_t>(chars.size()), &size, utf8->data(),
                static_cast<int32_t>(utf8->size()), &error);
  if (U_FAILURE(error)) return false;
  const auto common =
      static_cast<size_t>(std::count_if(chars.begin(), chars.begin() + size, [](UChar c) {
        return kCommon.find(c) != std::u16string_view::npos;
      }));
  return common * 5 >= pairs * 2;
}

/// The name under which the detector's encoding is converted: the superset that programs write.
std::string superset(const std::string& name) {
  static constexpr std::array<std::pair<const char*, const char*>, 5> kSupersets = {{
      {"ISO-8859-1", "windows-1252"},
      {"ISO-8859-2", "windows-1250"},
      {"ISO-8859-9", "windows-1254"},
      {"EUC-KR", "windows-949"},
      {"Shift_JIS", "windows-31j"},
  }};
  for (const auto& [from, to] : kSupersets)
    if (name == from) return to;
  return name;
}

/// The text of a guess, if it makes one: no control characters above ASCII, nothing private.
std::optional<std::string> plausible(BytesView bytes, const std::string& encoding) {
  auto out = convert(bytes, encoding);
  if (!out) return out;
  for (size_t i = 0; i + 1 < out->size(); ++i) {
    const auto a = static_cast<unsigned char>((*out)[i]);
    const auto b = static_cast<unsigned char>((*out)[i + 1]);
    if (a == 0xC2 && b < 0xA0) return std::nullopt;
    if (a == 0xEE || (a == 0xEF && b < 0xA4)) return std::nullopt;
  }
  return out;
}

}  // namespace

bool is_plain_latin(BytesView bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!high(bytes[i])) continue;
    const char before = i == 0 ? '\n' : bytes[i - 1];
    const char after = i + 1 == bytes.size() ? '\n' : bytes[i + 1];
    if (high(before) || high(after)) return false;
    if (!same_in_latin(before, static_cast<unsigned char>(bytes[i]), after)) return false;
  }
  return true;
}

bool known(const std::string& encoding) { return open(encoding) != nullptr; }

std::optional<std::string> convert(BytesView bytes, const std::string& encoding) {
  if (bytes.size() > INT32_MAX / 4) return std::nullopt;
  const Converter converter = open(encoding);
  if (!converter) return std::nullopt;
  std::string out;
  std::array<UChar, 4096> chars;
  std::array<char, 3 * 4096> piece;
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  UChar kept = 0;  // a surrogate whose second half comes with the next piece
  while (true) {
    UChar* to = chars.data();
    if (kept != 0) *to++ = kept;
    kept = 0;
    UErrorCode error = U_ZERO_ERROR;
    ucnv_toUnicode(converter.get(), &to, chars.data() + chars.size(), &from, end, nullptr, true,
                   &error);
    const bool more = error == U_BUFFER_OVERFLOW_ERROR;
    if (U_FAILURE(error) && !more) return std::nullopt;
    if (more && to > chars.data() && U16_IS_LEAD(to[-1])) kept = *--to;
    int32_t size = 0;
    error = U_ZERO_ERROR;
    u_strToUTF8(piece.data(), static_cast<int32_t>(piece.size()), &size, chars.data(),
                static_cast<int32_t>(to - chars.data()), &error);
    if (U_FAILURE(error)) return std::nullopt;  // half a surrogate pair, for one
    out.append(piece.data(), static_cast<size_t>(size));
    if (!more) return out;
  }
}

std::string detect(BytesView bytes) {
  if (bytes.empty()) return "";
  if (is_plain_latin(bytes)) return kLatin;
  if (is_korean(bytes)) return "windows-949";
  if (static_cast<size_t>(std::ranges::count_if(bytes, high)) < kEnough) return "";
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, CloseDetector> detector(ucsdet_open(&error));
  if (U_FAILURE(error)) return "";
  ucsdet_setText(detector.get(), bytes.data(), static_cast<int32_t>(bytes.size()), &error);
  int32_t count = 0;
  const UCharsetMatch** matches = ucsdet_detectAll(detector.get(), &count, &error);
  if (U_FAILURE(error)) return "";
  std::string best, best_text;
  int confidence = 0;
  for (int32_t i = 0; i < count; ++i) {
    const char* name = ucsdet_getName(matches[i], &error);
    const int sure = ucsdet_getConfidence(matches[i], &error);
    if (U_FAILURE(error)) return "";
    const std::string encoding = superset(name);
    if (encoding.starts_with("UTF-16") || encoding.starts_with("IBM")) continue;
    const auto text = plausible(bytes, encoding);
    if (!text) continue;
    if (best.empty()) {
      if (sure < kClear) return "";
      best = encoding;
      best_text = *text;
      confidence = sure;
    } else if (*text != best_text && confidence - sure < kLead) {
      return "";
    }
  }
  return best;
}

}  // namespace casebox::text::internal
