// The words of the table, and the table's words back.

#include <array>
#include <cctype>

#include "proto/access/access.h"

namespace casebox::access {
namespace {

constexpr std::array kRoleWords = {"owner",           "committee-reviewer",
                                   "surgeon-self",    "educator",
                                   "researcher",      "staff",
                                   "patient-liaison", "patient",
                                   "counsel",         "break-glass",
                                   "privacy-officer", "auditor",
                                   "admin",           "machine"};
static_assert(kRoleWords.size() == kRoles);
constexpr std::array kPurposeWords = {"",          "HQUALIMP", "PATSFTY", "TRAIN",
                                      "HRESCH",    "HLEGAL",   "PATRQT",  "PATADMIN",
                                      "HSYSADMIN", "BTG",      "INDEX",   "ANALYSIS"};
static_assert(kPurposeWords.size() == kPurposes);
constexpr std::array kClassWords = {
    "intra-body-video", "room-video", "audio",    "vitals-devices", "events",    "twin",
    "team-marks",       "identity",   "findings", "committee",      "accounting"};
static_assert(kClassWords.size() == kStreamClasses);
constexpr std::array kLevelWords = {"raw", "redacted", "facts", "aggregate", "accounting"};
static_assert(kLevelWords.size() == kLevels);
constexpr std::array kHoldWords = {"none", "legal-hold", "restriction", "wrong-patient"};
static_assert(kHoldWords.size() == kHolds);
constexpr std::array kScopeWords = {"",         "record",           "quality",    "teaching",
                                    "research", "patient-briefing", "litigation", "staff-record"};
static_assert(kScopeWords.size() == v1::ConsentScope_MAX + 1);

/// Purposes and roles that a person cannot take.
bool is_given(const char* word) {
  const std::string_view text = word;
  return !text.empty() && text != "INDEX" && text != "ANALYSIS" && text != "machine";
}

template <typename E, size_t N>
Result<E> from(const std::array<const char*, N>& words, const std::string& text, const char* what) {
  std::string known;
  for (size_t i = 0; i < N; ++i) {
    if (!is_given(words[i])) continue;
    if (text == words[i]) return static_cast<E>(i);
    known += (known.empty() ? "" : ", ") + std::string(words[i]);
  }
  return Error{Code::kInvalidArgument,
               std::string(what) + ": '" + text + "' is none; write one of " + known};
}

}  // namespace

const char* to_string(Role role) { return kRoleWords[static_cast<size_t>(role)]; }
const char* to_string(Purpose purpose) { return kPurposeWords[static_cast<size_t>(purpose)]; }
const char* to_string(StreamClass what) { return kClassWords[static_cast<size_t>(what)]; }
const char* to_string(Level level) { return kLevelWords[static_cast<size_t>(level)]; }
const char* to_string(Hold hold) { return kHoldWords[static_cast<size_t>(hold)]; }
const char* to_string(Scope scope) { return kScopeWords[static_cast<size_t>(scope)]; }

const char* to_string(Condition condition) {
  switch (condition) {
    case Condition::kTwoPersons: return "it takes two persons, and there is one";
    case Condition::kReference: return "it takes a hold or a court's reference";
    case Condition::kOwnCase: return "nothing links this account with the case";
    case Condition::kDatesShifted: return "it takes shifted dates, which this does not serve";
    case Condition::kAlert: return "it takes an alert at once, which is not set up here";
  }
  return "";
}

Result<Role> role_from(const std::string& text) { return from<Role>(kRoleWords, text, "role"); }
Result<Purpose> purpose_from(const std::string& text) {
  return from<Purpose>(kPurposeWords, text, "purpose");
}

Result<Scopes> scopes_from(const std::vector<std::string>& words) {
  Scopes out;
  for (std::string word : words) {
    for (char& c : word)
      c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    CASEBOX_TRY(const auto scope, from<Scope>(kScopeWords, word, "scope"));
    out.insert(scope);
  }
  return out;
}

}  // namespace casebox::access
