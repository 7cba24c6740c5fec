#include "proto/text/text.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "proto/text/internal/detect.h"

namespace casebox::text {
namespace {

constexpr size_t kMaxSeen = 256 << 10;  // more tells no more

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Length of the well-formed sequence at `at`; 0 if there is none (Unicode 15, table 3-7).
size_t sequence(std::string_view s, size_t at) {
  const auto byte = [&](size_t i) -> unsigned {
    return at + i < s.size() ? static_cast<unsigned char>(s[at + i]) : 0u;
  };
  const auto more = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned a = byte(0), b = byte(1);
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a <= 0xDF) return more(1) ? 2 : 0;
  if (a >= 0xE0 && a <= 0xEF) {
    if (!more(1) || !more(2) || (a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F)) return 0;
    return 3;
  }
  if (a >= 0xF0 && a <= 0xF4) {
    if (!more(1) || !more(2) || !more(3) || (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F))
      return 0;
    return 4;
  }
  return 0;
}

struct Mark {
  std::string_view bytes;
  const char* encoding;
};
// The longer ones first: UTF-32 begins as UTF-16 does.
constexpr std::array kMarks = {
    Mark{{"\xFF\xFE\0\0", 4}, "UTF-32LE"}, Mark{{"\0\0\xFE\xFF", 4}, "UTF-32BE"},
    Mark{{"\xEF\xBB\xBF", 3}, "UTF-8"},    Mark{{"\xFF\xFE", 2}, "UTF-16LE"},
    Mark{{"\xFE\xFF", 2}, "UTF-16BE"},
};

/// UTF-16 without its mark: text that is mostly ASCII has a zero in every other byte.
const char* unmarked_utf16(BytesView bytes) {
  const BytesView head = bytes.substr(0, 4096);
  if (head.size() < 4 || bytes.size() % 2 != 0) return nullptr;
  size_t even = 0, odd = 0;
  for (size_t i = 0; i < head.size(); ++i) (i % 2 == 0 ? even : odd) += head[i] == '\0';
  const size_t half = head.size() / 2;
  if (odd * 10 >= half * 7 && even == 0) return "UTF-16LE";
  if (even * 10 >= half * 7 && odd == 0) return "UTF-16BE";
  return nullptr;
}

std::optional<Text> converted(BytesView bytes, const std::string& encoding) {
  auto utf8 = internal::convert(bytes, encoding);
  if (!utf8) return std::nullopt;
  return Text{std::move(*utf8), encoding, true};
}

}  // namespace

size_t first_bad(std::string_view s) {
  size_t at = 0;
  while (at < s.size()) {
    uint64_t word = 0;
    while (at + sizeof word <= s.size()) {
      std::memcpy(&word, s.data() + at, sizeof word);
      if ((word & 0x8080808080808080u) != 0) break;
      at += sizeof word;
    }
    if (at >= s.size()) break;
    const size_t size = sequence(s, at);
    if (size == 0) return at;
    at += size;
  }
  return s.size();
}

bool is_utf8(std::string_view bytes) { return first_bad(bytes) == bytes.size(); }

Result<void> check_encoding(const std::string& name) {
  if (name.empty() || internal::known(name)) return ok();
  return Error{Code::kInvalidArgument,
               "this encoding is unknown; write a name of ICU's such as windows-1252 or "
               "windows-949, or leave it out"};
}

std::string escape(BytesView bytes) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = sequence(bytes, at);
    const auto byte = static_cast<unsigned char>(bytes[at]);
    if (size == 0) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      if (byte == '\\') out += '\\';
      out += bytes.substr(at, size);
    }
    at += std::max<size_t>(size, 1);
  }
  return out;
}

std::optional<Bytes> unescape(std::string_view text) {
  Bytes out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      out += text[++i];
    } else if (i + 3 < text.size() && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
               hex_digit(text[i + 3]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3]));
      i += 3;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::string_view cut(std::string_view utf8, size_t most) {
  if (utf8.size() <= most) return utf8;
  while (most > 0 && (static_cast<unsigned char>(utf8[most]) & 0xC0u) == 0x80u) --most;
  return utf8.substr(0, most);
}

void Reader::see(BytesView text) {
  if (seen_.size() > kMaxSeen || is_utf8(text) || internal::is_plain_latin(text)) return;
  seen_ += text;
  seen_ += '\n';
  decided_ = false;
}

void Reader::decide() {
  if (!decided_) encoding_ = !declared_.empty() ? declared_ : internal::detect(seen_);
  decided_ = true;
}

Text Reader::read(BytesView text) {
  if (declared_.empty() && is_utf8(text)) return {std::string(text), "UTF-8", true};
  decide();
  // A degree sign means the same beside Korean, where its byte and the next could be a syllable
  // too.
  const bool several_bytes = encoding_.empty() || encoding_ == "windows-949";
  if (declared_.empty() && several_bytes && internal::is_plain_latin(text))
    if (auto told = converted(text, internal::kLatin)) return std::move(*told);
  if (!encoding_.empty())
    if (auto told = converted(text, encoding_)) return std::move(*told);
  if (is_utf8(text)) return {std::string(text), "UTF-8", true};
  // Where the file is in several encodings, one text of it may tell by itself.
  if (declared_.empty())
    if (const std::string own = internal::detect(text); !own.empty())
      if (auto told = converted(text, own)) return std::move(*told);
  return {escape(text), "", false};
}

Text to_utf8(BytesView bytes, const std::string& declared) {
  for (const Mark& mark : kMarks) {
    if (!bytes.starts_with(mark.bytes)) continue;
    const BytesView rest = bytes.substr(mark.bytes.size());
    if (std::string_view(mark.encoding) == "UTF-8") {
      bytes = rest;
      break;
    }
    if (auto told = converted(rest, mark.encoding)) return std::move(*told);
  }
  if (!declared.empty())
    if (auto told = converted(bytes, declared)) return std::move(*told);
  if (const char* utf16 = unmarked_utf16(bytes))
    if (auto told = converted(bytes, utf16)) return std::move(*told);
  if (is_utf8(bytes)) return {std::string(bytes), "UTF-8", true};

  // What is UTF-8 line by line is not asked; the rest is told together.
  Reader reader;
  const auto each_line = [&](auto&& visit) {
    for (size_t from = 0; from < bytes.size();) {
      const size_t end = std::min(bytes.find('\n', from), bytes.size() - 1);
      visit(bytes.substr(from, end + 1 - from));
      from = end + 1;
    }
  };
  each_line([&](BytesView line) { reader.see(line); });
  Text out;
  std::string other;
  bool all = true;
  each_line([&](BytesView line) {
    Text told = reader.read(line);
    all = all && told.certain;
    if (told.encoding != "UTF-8") other = told.encoding;
    out.utf8 += told.utf8;
  });
  if (all) {
    out.encoding = other;
    return out;
  }
  // One way of writing for the whole: a backslash means the same in every line of it.
  return {escape(bytes), "", false};
}

}  // namespace casebox::text
