#include "tools/query/parser.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "tools/cli/nearest.h"
#include "tools/query/lexer.h"

namespace casebox::tools::query {
namespace {

constexpr size_t kMaxText = 4096;
constexpr int kMaxDepth = 64;

using ExprPtr = std::unique_ptr<Expr>;

/// How a value is called in an error: "phase(\"x\").duration", "procedure".
std::string called(const Expr& expr) {
  return expr.kind == Expr::Kind::kTerm ? expr.text_form() : "this";
}

bool is_literal(const Expr& expr) {
  return expr.kind == Expr::Kind::kNumber || expr.kind == Expr::Kind::kText ||
         expr.kind == Expr::Kind::kDate || expr.kind == Expr::Kind::kPercentile;
}

std::set<std::string> term_names() {
  std::set<std::string> out;
  for (const TermOf& term : terms()) out.insert(term.name);
  return out;
}

/// "duration, start, end or entries".
std::string parts_text(const TermOf& term) {
  std::vector<std::string> names;
  for (const PartOf& part : term.parts)
    if (part.part != Part::kNone) names.emplace_back(part.name);
  std::string out;
  for (size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<ExprPtr> all() {
    CASEBOX_CHECK(lexer_.advance());
    if (lexer_.token() == Token::kEnd) return std::make_unique<Expr>();
    CASEBOX_TRY(ExprPtr out, expression());
    if (lexer_.token() != Token::kEnd)
      return error("unexpected '" + lexer_.word() + "'; write 'and' or 'or' between conditions");
    CASEBOX_CHECK(condition(*out));
    return out;
  }

 private:
  Error error(const std::string& what) const { return error_at(lexer_.begin(), what); }
  Error error_at(size_t at, const std::string& what) const {
    return query::error_at(lexer_.text(), at, what);
  }
  bool is_word(const char* word) const {
    return lexer_.token() == Token::kWord && lexer_.word() == word;
  }
  bool is_sign(const char* signs) const {
    return lexer_.token() == Token::kSign &&
           std::string_view(signs).find(lexer_.word()) != std::string_view::npos;
  }
  Result<void> expect(Token token, const char* what) {
    if (lexer_.token() != token)
      return error(std::string("'") + what + "' is missing here; add it");
    return lexer_.advance();
  }
  ExprPtr node(Expr::Kind kind, size_t at) const {
    auto out = std::make_unique<Expr>();
    out->kind = kind;
    out->at = at;
    return out;
  }

  Result<ExprPtr> expression() { return chain(Expr::Kind::kOr, "or"); }

  Result<ExprPtr> chain(Expr::Kind kind, const char* word) {
    const auto operand = [&] {
      return kind == Expr::Kind::kOr ? chain(Expr::Kind::kAnd, "and") : negation();
    };
    const size_t at = lexer_.begin();
    CASEBOX_TRY(ExprPtr first, operand());
    if (!is_word(word)) return first;
    ExprPtr out = node(kind, at);
    out->children.push_back(std::move(first));
    while (is_word(word)) {
      CASEBOX_CHECK(lexer_.advance());
      CASEBOX_TRY(ExprPtr next, operand());
      out->children.push_back(std::move(next));
    }
    for (const ExprPtr& child : out->children) CASEBOX_CHECK(condition(*child));
    return out;
  }

  /// Everything that calls itself goes through here.
  template <typename Inner>
  Result<ExprPtr> deeper(Inner inner) {
    if (depth_ >= kMaxDepth) return error("nested too deeply; at most 64 levels");
    ++depth_;
    auto out = inner();
    --depth_;
    return out;
  }

  Result<ExprPtr> negation() {
    if (!is_word("not")) return comparison();
    ExprPtr out = node(Expr::Kind::kNot, lexer_.begin());
    CASEBOX_CHECK(lexer_.advance());
    CASEBOX_TRY(ExprPtr inner, deeper([&] { return negation(); }));
    CASEBOX_CHECK(condition(*inner));
    out->children.push_back(std::move(inner));
    return out;
  }

  Result<ExprPtr> comparison() {
    static const std::map<std::string, Op> kOps = {{"=", Op::kEq}, {"!=", Op::kNe},
                                                   {"<", Op::kLt}, {"<=", Op::kLe},
                                                   {">", Op::kGt}, {">=", Op::kGe}};
    const size_t at = lexer_.begin();
    CASEBOX_TRY(ExprPtr left, arithmetic("+-"));
    if (lexer_.token() != Token::kOp) {
      if (left->kind == Expr::Kind::kTerm && left->type != Type::kBool &&
          lexer_.token() != Token::kClose)
        return error("a comparison is missing; write =, !=, <, <=, > or >=");
      return left;
    }
    ExprPtr out = node(Expr::Kind::kCompare, at);
    out->op = kOps.at(lexer_.word());
    CASEBOX_CHECK(lexer_.advance());
    CASEBOX_TRY(ExprPtr right, right_side(*left));
    out->children.push_back(std::move(left));
    out->children.push_back(std::move(right));
    CASEBOX_CHECK(comparable(*out));
    return out;
  }

  Result<ExprPtr> right_side(const Expr& left) {
    const std::string& word = lexer_.word();
    if (lexer_.token() == Token::kWord && word.size() >= 2 && word[0] == 'p' && word[1] >= '0' &&
        word[1] <= '9') {
      ExprPtr out = node(Expr::Kind::kPercentile, lexer_.begin());
      out->type = Type::kNumber;
      const char* end = word.data() + word.size();
      if (std::from_chars(word.data() + 1, end, out->percentile).ptr != end ||
          out->percentile < 1 || out->percentile > 99)
        return error("'" + word + "' is no percentile; write p1 to p99");
      if (left.type != Type::kNumber || is_literal(left))
        return error(called(left) + " is no number of a case; it has no percentile");
      CASEBOX_CHECK(lexer_.advance());
      return out;
    }
    return arithmetic("+-");
  }

  Result<ExprPtr> arithmetic(const char* signs) {
    const bool sum = signs[0] == '+';
    const auto operand = [&] { return sum ? arithmetic("*/") : factor(); };
    const size_t at = lexer_.begin();
    CASEBOX_TRY(ExprPtr left, operand());
    while (is_sign(signs)) {
      ExprPtr out = node(Expr::Kind::kArithmetic, at);
      out->sign = lexer_.word()[0];
      if (++signs_ > kMaxDepth) return error("too many signs; at most 64");
      const size_t sign_at = lexer_.begin();
      CASEBOX_CHECK(lexer_.advance());
      CASEBOX_TRY(ExprPtr right, operand());
      for (const Expr* side : {left.get(), right.get()})
        if (side->type != Type::kNumber)
          return error_at(side->at, called(*side) +
                                        " is no number; only numbers are added, "
                                        "subtracted, multiplied and divided");
      CASEBOX_TRY(out->unit, unit_of(*left, out->sign, *right, sign_at));
      out->type = Type::kNumber;
      out->children.push_back(std::move(left));
      out->children.push_back(std::move(right));
      left = std::move(out);
    }
    return left;
  }

  Result<Unit> unit_of(const Expr& left, char sign, const Expr& right, size_t at) const {
    const Unit a = left.unit, b = right.unit;
    if (sign == '+' || sign == '-') {
      if (a != b && a != Unit::kAny && b != Unit::kAny)
        return error_at(at, std::string(to_string(a)) + " and " + to_string(b) +
                                " cannot be added or subtracted; compare like with like");
      return a == Unit::kAny ? b : a;
    }
    if (b == Unit::kAny || (sign == '*' && a == Unit::kAny)) return b == Unit::kAny ? a : b;
    if (sign == '/' && a == b && a != Unit::kMeasured) return Unit::kAny;
    return Unit::kMeasured;
  }

  Result<ExprPtr> factor() {
    const size_t at = lexer_.begin();
    if (is_sign("-")) {
      CASEBOX_CHECK(lexer_.advance());
      CASEBOX_TRY(ExprPtr inner, deeper([&] { return factor(); }));
      if (inner->type != Type::kNumber)
        return error_at(inner->at, called(*inner) + " is no number; '-' stands before numbers");
      ExprPtr out = node(Expr::Kind::kNegative, at);
      out->type = Type::kNumber;
      out->unit = inner->unit;
      out->children.push_back(std::move(inner));
      return out;
    }
    if (lexer_.token() == Token::kOpen) {
      CASEBOX_CHECK(lexer_.advance());
      CASEBOX_TRY(ExprPtr inner, deeper([&] { return expression(); }));
      CASEBOX_CHECK(expect(Token::kClose, ")"));
      return inner;
    }
    return literal_or_term();
  }

  Result<ExprPtr> literal_or_term() {
    const size_t at = lexer_.begin();
    ExprPtr out;
    switch (lexer_.token()) {
      case Token::kNumber:
        out = node(Expr::Kind::kNumber, at);
        out->type = Type::kNumber;
        out->number = lexer_.number();
        out->unit = lexer_.is_time() ? Unit::kSeconds : Unit::kAny;
        break;
      case Token::kText:
        out = node(Expr::Kind::kText, at);
        out->type = Type::kText;
        out->text = lexer_.word();
        break;
      case Token::kDate:
        out = node(Expr::Kind::kDate, at);
        out->type = Type::kDate;
        out->text = lexer_.word();
        break;
      case Token::kWord: return term();
      case Token::kEnd:
        return error(
            "a condition is missing; write procedure, room, date, duration, phase(...), "
            "departure(...) or another name of `casebox query --help`");
      default:
        return error("unexpected '" + lexer_.word() + "'; a name, a number or a text is missing");
    }
    CASEBOX_CHECK(lexer_.advance());
    return out;
  }

  Result<ExprPtr> term() {
    const TermOf* found = find_term(lexer_.word());
    if (found == nullptr)
      return error("unknown name '" + lexer_.word() + "'" +
                   suggestion(lexer_.word(), term_names()));
    ExprPtr out = node(Expr::Kind::kTerm, lexer_.begin());
    out->term = found->term;
    CASEBOX_CHECK(lexer_.advance());
    CASEBOX_CHECK(arguments(*found, *out));
    CASEBOX_CHECK(part(*found, *out));
    CASEBOX_CHECK(within(*found, *out));
    return out;
  }

  Result<void> arguments(const TermOf& term, Expr& out) {
    const bool open = lexer_.token() == Token::kOpen;
    if (!open && (term.least > 0 || term.term == Term::kDeparture))
      return expect(Token::kOpen, "(");
    if (!open) return ok();
    CASEBOX_CHECK(lexer_.advance());
    while (lexer_.token() != Token::kClose) {
      const size_t index = out.args.size();
      if (index == term.args.size())
        return error(std::string(term.name) + "() takes no more than " +
                     std::to_string(term.args.size()) + " names; close it with ')'");
      if (lexer_.token() != Token::kText)
        return error(std::string("the name of a ") + to_string(term.args[index]) +
                     " is missing; write it in quotes");
      out.args.push_back({lexer_.word(), lexer_.begin()});
      CASEBOX_CHECK(lexer_.advance());
      if (lexer_.token() != Token::kComma) break;
      CASEBOX_CHECK(lexer_.advance());
      if (lexer_.token() == Token::kClose) return error("a name is missing; write it in quotes");
    }
    if (out.args.size() < term.least)
      return error(std::string("the name of a ") + to_string(term.args.front()) +
                   " is missing; write it in quotes");
    return expect(Token::kClose, ")");
  }

  Result<void> part(const TermOf& term, Expr& out) {
    const PartOf* found = find_part(term, Part::kNone);
    if (lexer_.token() == Token::kDot) {
      CASEBOX_CHECK(lexer_.advance());
      found = nullptr;
      for (const PartOf& one : term.parts)
        if (one.part != Part::kNone && is_word(one.name)) found = &one;
      if (found == nullptr)
        return error("unknown part '" + lexer_.word() + "' of " + term.name +
                     (parts_text(term).empty() ? "; it has none" : "; write " + parts_text(term)));
      CASEBOX_CHECK(lexer_.advance());
    } else if (found == nullptr) {
      return error(std::string("a part of ") + term.name + " is missing; write ." +
                   parts_text(term));
    }
    out.part = found->part;
    out.type = found->type;
    out.unit = found->unit;
    return ok();
  }

  Result<void> within(const TermOf& term, Expr& out) {
    if (!is_word("within")) return ok();
    if (!term.within)
      return error(std::string(term.name) +
                   " is of a whole case; only events, alarms, doors, marks, checklists and vitals "
                   "are asked for within a phase");
    CASEBOX_CHECK(lexer_.advance());
    if (!is_word("phase")) return error("the phase is missing; write within phase(\"NAME\")");
    CASEBOX_CHECK(lexer_.advance());
    CASEBOX_CHECK(expect(Token::kOpen, "("));
    if (lexer_.token() != Token::kText)
      return error("the phase's name is missing; write it in quotes");
    out.within = Name{lexer_.word(), lexer_.begin()};
    CASEBOX_CHECK(lexer_.advance());
    return expect(Token::kClose, ")");
  }

  /// That it can be true or false.
  Result<void> condition(const Expr& expr) const {
    const bool holds = expr.kind == Expr::Kind::kAnd || expr.kind == Expr::Kind::kOr ||
                       expr.kind == Expr::Kind::kNot || expr.kind == Expr::Kind::kCompare ||
                       (expr.kind == Expr::Kind::kTerm && expr.type == Type::kBool);
    if (holds) return ok();
    return error_at(expr.at, called(expr) +
                                 " is no condition; compare it with =, !=, <, <=, > or "
                                 ">=");
  }

  Result<void> comparable(const Expr& compare) const {
    const Expr& left = *compare.children[0];
    const Expr& right = *compare.children[1];
    const std::string name = called(left);
    if (left.type == Type::kBool || right.type == Type::kBool)
      return error_at(left.type == Type::kBool ? left.at : right.at,
                      "a condition is not compared; write it alone, or not before it");
    if (is_literal(left) && is_literal(right))
      return error_at(left.at, "this is the same for every case; name something of a case");
    if (left.type == Type::kDate && right.type != Type::kDate)
      return error_at(right.at, "a date is compared with a date; write YYYY-MM-DD");
    if (left.type == Type::kVersion && right.type != Type::kText)
      return error_at(right.at,
                      name + " is compared with a version; write it in quotes, such as \"1.2.0\"");
    if (left.type == Type::kText && right.type != Type::kText)
      return error_at(right.at, name + " is compared with text; write it in quotes");
    if (left.type == Type::kText && compare.op != Op::kEq && compare.op != Op::kNe)
      return error_at(right.at, name + " is text; compare it with = or !=");
    if (left.type == Type::kText && is_literal(left))
      return error_at(left.at, "the name comes first; write procedure = \"x\"");
    if (left.type == Type::kNumber && right.type != Type::kNumber)
      return error_at(right.at,
                      name +
                          " is a number; compare it with a number, a time such as 10min, or a "
                          "percentile such as p95");
    if (left.unit != right.unit && left.unit != Unit::kAny && right.unit != Unit::kAny)
      return error_at(right.at, std::string(to_string(left.unit)) + " is not compared with " +
                                    to_string(right.unit) + "; compare like with like");
    return ok();
  }

  Lexer lexer_;
  int depth_ = 0;
  int signs_ = 0;
};

}  // namespace

Result<std::unique_ptr<Expr>> parse(std::string_view text) {
  if (text.size() > kMaxText)
    return Error{Code::kInvalidArgument, "query:4097: longer than 4096 characters; ask in parts"};
  return Parser(text).all();
}

}  // namespace casebox::tools::query
