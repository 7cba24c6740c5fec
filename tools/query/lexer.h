#pragma once

// Words, texts, numbers and signs of a question, one after the other.
//
// Thread safety: one thread. Errors: kInvalidArgument `query:<position>: <what>; <what to do>`,
// the position counted in characters from 1.

#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace casebox::tools::query {

enum class Token {
  kEnd,
  kWord,
  kText,
  kNumber,
  kDate,
  kOp,    // = != < <= > >=
  kSign,  // + - * /
  kOpen,
  kClose,
  kComma,
  kDot
};

/// An error at a byte of a question.
Error error_at(std::string_view question, size_t byte, const std::string& what);

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  /// Reads the next token.
  Result<void> advance();

  Token token() const { return token_; }
  const std::string& word() const { return word_; }
  double number() const { return number_; }  // s where a unit of time was written
  bool is_time() const { return is_time_; }  // a unit of time was written
  size_t begin() const { return begin_; }    // byte at which the token begins
  std::string_view text() const { return text_; }

 private:
  Error error(const std::string& what) const { return error_at(text_, begin_, what); }
  Result<void> quoted(char quote);
  Result<void> number_or_date();
  Result<void> date(std::string_view text);

  std::string_view text_;
  size_t at_ = 0;
  size_t begin_ = 0;
  Token token_ = Token::kEnd;
  std::string word_;
  double number_ = 0;
  bool is_time_ = false;
};

}  // namespace casebox::tools::query
