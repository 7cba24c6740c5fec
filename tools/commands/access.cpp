#include <cstdio>

#include "proto/access/table.h"
#include "tools/cli/json.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

template <typename E>
Json words(int n) {
  Json out = Json::array();
  for (int i = 0; i < n; ++i) out.push_back(access::to_string(static_cast<E>(i)));
  return out;
}

Json words_of(access::Scopes scopes) {
  Json out = Json::array();
  for (int i = v1::CONSENT_SCOPE_RECORD; i <= v1::ConsentScope_MAX; ++i)
    if (const auto one = static_cast<access::Scope>(i); scopes.contains(one))
      out.push_back(access::to_string(one));
  return out;
}

/// The enumerator of that word, of the first `n`.
template <typename E>
Result<E> word_from(const Args& args, const std::string& name, int n) {
  std::string known;
  for (int i = 0; i < n; ++i) {
    const std::string word = access::to_string(static_cast<E>(i));
    if (args.text(name) == word) return static_cast<E>(i);
    if (!word.empty()) known += (known.empty() ? "" : ", ") + word;
  }
  return Error{Code::kInvalidArgument,
               name + ": '" + args.text(name) + "' is none; write one of " + known};
}

Result<int> print_matrix(const Args& args) {
  Json json = document("access");
  json["roles"] = words<access::Role>(access::kRoles);
  json["purposes"] = words<access::Purpose>(access::kPurposes);
  json["consents"] = Json::array();
  for (const access::Consent& one : access::matrix_consents())
    json["consents"].push_back({{"stated", one.stated},
                                {"granted", words_of(one.granted)},
                                {"withdrawn", words_of(one.withdrawn)}});
  json["classes"] = words<access::StreamClass>(access::kStreamClasses);
  json["levels"] = words<access::Level>(access::kLevels);
  json["holds"] = words<access::Hold>(access::kHolds);
  json["cells"] = access::matrix();
  if (args.json()) {
    print(json);
    return 0;
  }
  for (const access::Row& row : access::table()) {
    std::string line = access::to_string(row.role);
    line.resize(20, ' ');
    const auto put = [&](auto set, int n, auto first) {
      std::string part;
      for (int i = 0; i < n; ++i) {
        const auto one = static_cast<decltype(first)>(i);
        if (!set.contains(one)) continue;
        const std::string word = access::to_string(one);
        part += (part.empty() ? "" : ",") + (word.empty() ? "(none stated)" : word);
      }
      line += part + "  ";
    };
    put(row.purposes, access::kPurposes, access::Purpose{});
    std::string scopes;
    for (const Json& scope : words_of(row.scopes))
      scopes += (scopes.empty() ? "" : ", ") + scope.get<std::string>();
    line += "needs " + (scopes.empty() ? "no consent" : scopes);
    line += "  gets ";
    put(row.classes, access::kStreamClasses, access::StreamClass{});
    line += "as ";
    put(row.levels, access::kLevels, access::Level{});
    std::printf("%s\n", line.c_str());
  }
  return 0;
}

Result<int> explain(const Args& args) {
  access::Question asked;
  CASEBOX_TRY(asked.role, word_from<access::Role>(args, "--role", access::kRoles));
  CASEBOX_TRY(asked.purpose, word_from<access::Purpose>(args, "--purpose", access::kPurposes));
  CASEBOX_TRY(asked.what, word_from<access::StreamClass>(args, "--class", access::kStreamClasses));
  CASEBOX_TRY(asked.level, word_from<access::Level>(args, "--level", access::kLevels));
  CASEBOX_TRY(asked.hold, word_from<access::Hold>(args, "--hold", access::kHolds));
  access::Consent consent;
  CASEBOX_TRY(consent.granted, access::scopes_from(args.list("--granted")));
  CASEBOX_TRY(consent.withdrawn, access::scopes_from(args.list("--withdrawn")));
  consent.stated = args.has("--granted") || args.has("--withdrawn");
  const bool owner = asked.role == access::Role::kOwner;
  const access::Decision said = access::decide(
      asked, consent, owner ? access::owner_basis() : access::Basis{}, access::kEveryCondition);
  if (args.json()) {
    Json json = document("access");
    json["allowed"] = said.allowed;
    json["why"] = said.allowed ? Json(nullptr) : Json(said.why);
    print(json);
    return 0;
  }
  std::printf("%s%s\n", said.allowed ? "allowed" : "denied: ", said.why.c_str());
  return 0;
}

Result<int> run_access(const Args& args) {
  const std::string what = args.text("WHAT");
  if (what == "matrix") return print_matrix(args);
  if (what == "explain") return explain(args);
  return Error{Code::kInvalidArgument,
               "access: '" + what + "' is unknown; write matrix or explain"};
}

}  // namespace

const Command kAccessCommand{
    "access",
    "Show who may see what, for which purpose, under which consent",
    {{"WHAT", ArgKind::kText, "matrix: the whole table; explain: one cell", "", true},
     {"--role", ArgKind::kText, "explain: the role", "owner"},
     {"--purpose", ArgKind::kText, "explain: HL7 ActReason code; the owner may leave it out"},
     {"--class", ArgKind::kText, "explain: class of streams", "findings"},
     {"--level", ArgKind::kText, "explain: raw, redacted, facts, aggregate or accounting", "facts"},
     {"--granted", ArgKind::kList, "explain: scopes that the case's consent grants"},
     {"--withdrawn", ArgKind::kList, "explain: scopes that were withdrawn"},
     {"--hold", ArgKind::kText, "explain: none, legal-hold, restriction or wrong-patient", "none"}},
    run_access,
    "The decision is a function of these alone; what else a row asks for (a second person, a "
    "court's "
    "reference)\nis taken as shown. What is not in the table is denied.\n"
    "Examples:\n"
    "  casebox access matrix --json\n"
    "  casebox access explain --role committee-reviewer --purpose HQUALIMP --granted quality"};

}  // namespace casebox::tools
