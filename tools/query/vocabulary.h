#pragma once

// The names that a question may use: those of the store's cases, of the norms and of the program
// itself. A name in quotes that is none of them is an error at its place, with the nearest that is
// one: a misspelt phase would otherwise be answered "0 of 71", which reads as a finding.
//
// A kind of name is checked only where some case could be asked about it. If none could, no case
// matches or misses, the answer says so of each, and nothing can be said of the name.
//
// Thread safety: values. Errors: kInvalidArgument `query:<position>: ...`.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "tools/query/expression.h"
#include "tools/query/facts.h"

namespace casebox::tools::query {

struct Vocabulary {
  std::map<Names, std::set<std::string>> known;
  std::map<Names, std::set<std::string>> seen;  // of these, those that a case has
  std::set<Names> askable;                      // kinds that some case could be asked about

  void add(Names names, const std::string& text) {
    if (!text.empty()) known[names].insert(text);
  }
  void see(Names names, const std::string& text) {
    add(names, text);
    if (!text.empty()) seen[names].insert(text);
  }
};

/// Names of the protocols that the program carries, and of codes that are the program's own.
Vocabulary own_vocabulary();
/// Adds those of a norm.
void add_norm(const v1::Protocol& norm, Vocabulary& vocabulary);
/// Adds those of the cases.
void add_cases(const std::vector<CaseFacts>& cases, Vocabulary& vocabulary);

/// `question`: the text that `expr` was parsed from.
Result<void> check_names(const Expr& expr, std::string_view question, const Vocabulary& vocabulary);
/// Names that only a norm has, while a case has one like them: "preparation" of one norm where the
/// cases have the "Preparation" of another.
std::vector<std::string> names_to_doubt(const Expr& expr, const Vocabulary& vocabulary);

}  // namespace casebox::tools::query
