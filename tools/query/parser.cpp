#include "tools/query/parser.h"

#include <charconv>
#include <chrono>
#include <map>
#include <string>

namespace casebox::tools::query {
namespace {

constexpr size_t kMaxText = 4096;
constexpr int kMaxDepth = 64;

enum class Token { kEnd, kWord, kText, kNumber, kDate, kOp, kOpen, kClose, kComma, kDot };

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

using ExprPtr = std::unique_ptr<Expr>;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<ExprPtr> all() {
    CASEBOX_CHECK(advance());
    if (token_ == Token::kEnd) {
      auto every = std::make_unique<Expr>();  // an `and` of nothing holds for every case
      return every;
    }
    CASEBOX_TRY(ExprPtr out, expression(0));
    if (token_ != Token::kEnd)
      return error("unexpected '" + word_ + "'; write 'and' or 'or' between conditions");
    return out;
  }

 private:
  Error error(const std::string& what) const { return error_at(begin_, what); }
  Error error_at(size_t at, const std::string& what) const {
    return Error{Code::kInvalidArgument, "query:" + std::to_string(at + 1) + ": " + what};
  }

  /// Reads the next token into token_, word_, number_, begin_.
  Result<void> advance() {
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
    if (is_digit(c) || c == '-') return number();
    word_ = c;
    ++at_;
    switch (c) {
      case '(': token_ = Token::kOpen; return ok();
      case ')': token_ = Token::kClose; return ok();
      case ',': token_ = Token::kComma; return ok();
      case '.': token_ = Token::kDot; return ok();
      case '=':
      case '<':
      case '>':
      case '!':
        token_ = Token::kOp;
        if (at_ < text_.size() && text_[at_] == '=') word_ += text_[at_++];
        if (word_ == "!") return error("'!' alone; write != or not");
        if (word_ == "==") word_ = "=";
        return ok();
      default:
        return error(std::string("unexpected character '") + c + "'; see `casebox query --help`");
    }
  }

  Result<void> quoted(char quote) {
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

  Result<void> number() {
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
    word_ = rest.substr(0, at_ - begin_);
    token_ = Token::kNumber;
    return ok();
  }

  Result<void> date(std::string_view text) {
    int y = 0, m = 0, d = 0;
    const auto part = [&](size_t from, size_t n, int& out) {
      const char* end = text.data() + from + n;
      return std::from_chars(text.data() + from, end, out).ptr == end;
    };
    using namespace std::chrono;
    if (!part(0, 4, y) || !part(5, 2, m) || !part(8, 2, d) || m < 0 || d < 0 ||
        !year_month_day(year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d)))
             .ok())
      return error("'" + std::string(text) + "' is no date; write YYYY-MM-DD");
    word_ = text;
    at_ += text.size();
    token_ = Token::kDate;
    return ok();
  }

  Result<ExprPtr> expression(int depth) { return chain(depth, Expr::Kind::kOr, "or"); }

  Result<ExprPtr> chain(int depth, Expr::Kind kind, const char* word) {
    if (depth > kMaxDepth) return error("nested too deeply; at most 64 levels");
    const auto operand = [&] {
      return kind == Expr::Kind::kOr ? chain(depth + 1, Expr::Kind::kAnd, "and")
                                     : negation(depth + 1);
    };
    CASEBOX_TRY(ExprPtr first, operand());
    if (!is_word(word)) return first;
    auto out = std::make_unique<Expr>();
    out->kind = kind;
    out->children.push_back(std::move(first));
    while (is_word(word)) {
      CASEBOX_CHECK(advance());
      CASEBOX_TRY(ExprPtr next, operand());
      out->children.push_back(std::move(next));
    }
    return out;
  }

  Result<ExprPtr> negation(int depth) {
    if (depth > kMaxDepth) return error("nested too deeply; at most 64 levels");
    if (is_word("not")) {
      CASEBOX_CHECK(advance());
      CASEBOX_TRY(ExprPtr inner, negation(depth + 1));
      auto out = std::make_unique<Expr>();
      out->kind = Expr::Kind::kNot;
      out->children.push_back(std::move(inner));
      return out;
    }
    if (token_ == Token::kOpen) {
      CASEBOX_CHECK(advance());
      CASEBOX_TRY(ExprPtr inner, expression(depth + 1));
      CASEBOX_CHECK(expect(Token::kClose, ")"));
      return inner;
    }
    return atom();
  }

  Result<ExprPtr> atom() {
    static const std::map<std::string, Field> kFields = {
        {"procedure", Field::kProcedure}, {"room", Field::kRoom},         {"state", Field::kState},
        {"date", Field::kDate},           {"duration", Field::kDuration}, {"gaps", Field::kGaps}};
    auto out = std::make_unique<Expr>();
    if (is_word("departure")) {
      CASEBOX_CHECK(departure(*out));
      return out;
    }
    if (is_word("phase")) {
      CASEBOX_CHECK(phase(*out));
      return out;
    }
    const auto field = token_ == Token::kWord ? kFields.find(word_) : kFields.end();
    if (field == kFields.end())
      return error(
          (token_ == Token::kEnd ? std::string("a condition is missing")
                                 : "unknown name '" + word_ + "'") +
          "; write procedure, room, state, date, duration, gaps, phase(...) or departure(...)");
    out->field = field->second;
    CASEBOX_CHECK(advance());
    CASEBOX_CHECK(comparison(*out));
    return out;
  }

  Result<void> departure(Expr& out) {
    static const char* const kKinds = "missing, extra, order, time, unobserved or justified";
    out.kind = Expr::Kind::kDeparture;
    CASEBOX_CHECK(advance());
    CASEBOX_CHECK(expect(Token::kOpen, "("));
    if (token_ == Token::kText) {
      static const std::map<std::string, int> kKnown = {
          {"", 0},     {"missing", 0},    {"extra", 0},    {"order", 0},
          {"time", 0}, {"unobserved", 0}, {"justified", 0}};
      if (!kKnown.contains(word_))
        return error("unknown departure '" + word_ + "'; write " + kKinds);
      out.label = word_;
      CASEBOX_CHECK(advance());
      if (token_ == Token::kComma) {
        CASEBOX_CHECK(advance());
        if (token_ != Token::kText) return error("the step is missing; write it in quotes");
        out.step = word_;
        CASEBOX_CHECK(advance());
      }
    }
    return expect(Token::kClose, ")");
  }

  Result<void> phase(Expr& out) {
    static const std::map<std::string, Field> kParts = {{"duration", Field::kPhaseDuration},
                                                        {"start", Field::kPhaseStart},
                                                        {"end", Field::kPhaseEnd},
                                                        {"entries", Field::kPhaseEntries}};
    CASEBOX_CHECK(advance());
    CASEBOX_CHECK(expect(Token::kOpen, "("));
    if (token_ != Token::kText) return error("the phase's name is missing; write it in quotes");
    out.label = word_;
    CASEBOX_CHECK(advance());
    CASEBOX_CHECK(expect(Token::kClose, ")"));
    if (token_ != Token::kDot) {
      out.kind = Expr::Kind::kPhase;
      return ok();
    }
    CASEBOX_CHECK(advance());
    const auto part = token_ == Token::kWord ? kParts.find(word_) : kParts.end();
    if (part == kParts.end())
      return error("unknown part '" + word_ +
                   "' of a phase; write duration, start, end or entries");
    out.field = part->second;
    CASEBOX_CHECK(advance());
    return comparison(out);
  }

  Result<void> comparison(Expr& out) {
    static const std::map<std::string, Op> kOps = {{"=", Op::kEq}, {"!=", Op::kNe},
                                                   {"<", Op::kLt}, {"<=", Op::kLe},
                                                   {">", Op::kGt}, {">=", Op::kGe}};
    out.kind = Expr::Kind::kCompare;
    if (token_ != Token::kOp) return error("a comparison is missing; write =, !=, <, <=, > or >=");
    out.op = kOps.at(word_);
    CASEBOX_CHECK(advance());
    if (out.field == Field::kDate) {
      if (token_ != Token::kDate) return error("a date is compared with YYYY-MM-DD");
      out.text = word_;
    } else if (is_text(out.field)) {
      if (token_ != Token::kText)
        return error(to_string(out.field, "") + " is compared with text in quotes");
      if (out.op != Op::kEq && out.op != Op::kNe)
        return error(to_string(out.field, "") + " is text; compare it with = or !=");
      out.text = word_;
    } else if (token_ == Token::kWord && word_.size() >= 2 && word_[0] == 'p') {
      const char* end = word_.data() + word_.size();
      if (std::from_chars(word_.data() + 1, end, out.percentile).ptr != end || out.percentile < 1 ||
          out.percentile > 99)
        return error("'" + word_ + "' is no percentile; write p1 to p99");
    } else if (token_ == Token::kNumber) {
      out.number = number_;
    } else {
      return error(to_string(out.field, out.label) +
                   " is compared with a number, a time such as 10min, or a "
                   "percentile such as p95");
    }
    return advance();
  }

  bool is_word(const char* word) const { return token_ == Token::kWord && word_ == word; }

  Result<void> expect(Token token, const char* what) {
    if (token_ != token) return error(std::string("'") + what + "' is missing here; add it");
    return advance();
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t begin_ = 0;
  Token token_ = Token::kEnd;
  std::string word_;
  double number_ = 0;
};

}  // namespace

Result<std::unique_ptr<Expr>> parse(std::string_view text) {
  if (text.size() > kMaxText)
    return Error{Code::kInvalidArgument, "query:4097: longer than 4096 characters; ask in parts"};
  return Parser(text).all();
}

}  // namespace casebox::tools::query
