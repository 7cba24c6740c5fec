#include "tools/query/lexer.h"

#include <charconv>
#include <chrono>
#include <map>

namespace casebox::tools::query {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

}  // namespace

Error error_at(std::string_view question, size_t byte, const std::string& what) {
  size_t characters = 1;
  for (size_t i = 0; i < byte && i < question.size(); ++i)
    characters += (static_cast<unsigned char>(question[i]) & 0xC0) != 0x80;
  return Error{Code::kInvalidArgument, "query:" + std::to_string(characters) + ": " + what};
}

Result<void> Lexer::advance() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
    ++at_;
  begin_ = at_;
  word_.clear();
  if (at_ == text_.size()) {
    token_ = Token::kEnd;
    return ok();
  }
  const char c = text_[at_];
  if (is_letter(c)) {
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_])))
      word_ += text_[at_++];
    token_ = Token::kWord;
    return ok();
  }
  if (c == '"' || c == '\'') return quoted(c);
  if (is_digit(c)) return number_or_date();
  word_ = c;
  ++at_;
  switch (c) {
    case '(': token_ = Token::kOpen; return ok();
    case ')': token_ = Token::kClose; return ok();
    case ',': token_ = Token::kComma; return ok();
    case '.': token_ = Token::kDot; return ok();
    case '+':
    case '-':
    case '*':
    case '/': token_ = Token::kSign; return ok();
    case '=':
    case '<':
    case '>':
    case '!':
      token_ = Token::kOp;
      if (at_ < text_.size() && text_[at_] == '=') word_ += text_[at_++];
      if (word_ == "!") return error("'!' alone; write != or not");
      if (word_ == "==") word_ = "=";
      return ok();
    default: break;
  }
  if (c < 0x20 || c > 0x7E) return error("a character that means nothing here; see --help");
  return error(std::string("unexpected character '") + c + "'; see `casebox query --help`");
}

Result<void> Lexer::quoted(char quote) {
  ++at_;
  while (at_ < text_.size() && text_[at_] != quote) {
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
    word_ += text_[at_++];
  }
  if (at_ == text_.size()) return error("text is not closed; end it with a quote");
  ++at_;
  token_ = Token::kText;
  return ok();
}

Result<void> Lexer::number_or_date() {
  const std::string_view rest = text_.substr(at_);
  if (rest.size() >= 10 && rest[4] == '-' && rest[7] == '-') return date(rest.substr(0, 10));
  const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), number_);
  if (ec != std::errc()) return error("not a number; write digits such as 12.5");
  at_ += static_cast<size_t>(end - rest.data());
  std::string unit;
  while (at_ < text_.size() && is_letter(text_[at_])) unit += text_[at_++];
  static const std::map<std::string, double> kUnits = {
      {"", 1}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}};
  const auto known = kUnits.find(unit);
  if (known == kUnits.end()) return error("unknown unit '" + unit + "'; write ms, s, min or h");
  number_ *= known->second;
  is_time_ = !unit.empty();
  word_ = rest.substr(0, at_ - begin_);
  token_ = Token::kNumber;
  return ok();
}

Result<void> Lexer::date(std::string_view text) {
  int y = 0, m = 0, d = 0;
  const auto part = [&](size_t from, size_t n, int& out) {
    const char* end = text.data() + from + n;
    return std::from_chars(text.data() + from, end, out).ptr == end;
  };
  using namespace std::chrono;
  if (!part(0, 4, y) || !part(5, 2, m) || !part(8, 2, d) || m < 0 || d < 0 ||
      !year_month_day(year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))).ok())
    return error("'" + std::string(text) + "' is no date; write YYYY-MM-DD");
  word_ = text;
  at_ += text.size();
  token_ = Token::kDate;
  return ok();
}

}  // namespace casebox::tools::query
