#include <algorithm>

#include "proto/access/access.h"
#include "proto/access/table.h"

namespace casebox::access {
namespace {

bool is_about(const Row& row, const Question& asked) {
  return row.role == asked.role && row.purposes.contains(asked.purpose) &&
         row.classes.contains(asked.what) && row.levels.contains(asked.level);
}

std::string words(Scopes scopes) {
  std::string out;
  for (int i = v1::CONSENT_SCOPE_RECORD; i <= v1::ConsentScope_MAX; ++i)
    if (const auto one = static_cast<Scope>(i); scopes.contains(one))
      out += (out.empty() ? "" : " and ") + std::string(to_string(one));
  return out;
}

/// What of consent a row lacks; empty: nothing.
std::string lacks_consent(const Row& row, const Consent& consent, Scopes there) {
  if (!row.scopes.empty()) {
    // A withdrawal is meant for all that rests on consent when it takes back the recording itself.
    Scopes back;
    for (int i = v1::CONSENT_SCOPE_RECORD; i <= v1::ConsentScope_MAX; ++i) {
      const auto one = static_cast<Scope>(i);
      if (consent.withdrawn.contains(one) && (row.scopes.contains(one) || one == Scope::kRecord))
        back.insert(one);
    }
    if (!back.empty()) return "the consent to " + words(back) + " was withdrawn";
    if (!there.contains(row.scopes))
      return consent.stated ? "its consent does not name " + words(row.scopes - there)
                            : "no consent to " + words(row.scopes - there) + " is recorded";
  }
  return "";
}

/// What else keeps a row that is about the question from allowing it.
std::string lacks(const Row& row, const Question& asked, Conditions shown) {
  if (!row.holds.contains(asked.hold))
    return std::string("it is under '") + to_string(asked.hold) + "'";
  for (int i = 0; i <= static_cast<int>(Condition::kAlert); ++i) {
    const auto one = static_cast<Condition>(i);
    if (row.conditions.contains(one) && !shown.contains(one)) return to_string(one);
  }
  return "";
}

}  // namespace

Basis owner_basis() { return {kEveryScope - Scopes{Scope::kPatientBriefing}, true}; }

Scopes in_force(const Consent& consent, const Basis& basis) {
  if (consent.stated && !basis.beside_consent) return consent.granted - consent.withdrawn;
  return (consent.granted | basis.scopes) - consent.withdrawn;
}

Decision decide(const Question& question, const Consent& consent, const Basis& basis,
                Conditions shown) {
  const Scopes there = in_force(consent, basis);
  Decision denied;
  for (const Row& row : table()) {
    if (!is_about(row, question)) continue;
    std::string lack = lacks_consent(row, consent, there);
    const bool of_consent = !lack.empty();
    if (!of_consent) lack = lacks(row, question, shown);
    if (lack.empty()) return {true, false, ""};
    if (denied.why.empty()) denied = {false, of_consent, std::move(lack)};
  }
  if (!denied.why.empty()) return denied;
  const std::string purpose = to_string(question.purpose);
  return {false, false,
          std::string("the role ") + to_string(question.role) + " has no right to " +
              to_string(question.what) + ", " + to_string(question.level) +
              (purpose.empty() ? ", without a purpose" : ", for " + purpose)};
}

Consent consent_of(const v1::Consent& said) {
  Consent out{true, {}, {}};
  for (const int scope : said.granted())
    if (v1::ConsentScope_IsValid(scope) && scope != 0)
      out.granted.insert(static_cast<Scope>(scope));
  for (const int scope : said.withdrawn())
    if (v1::ConsentScope_IsValid(scope) && scope != 0)
      out.withdrawn.insert(static_cast<Scope>(scope));
  out.granted = out.granted - out.withdrawn;
  return out;
}

Consent consent_of(const v1::CaseRecord& record) {
  return record.has_consent() ? consent_of(record.consent().consent()) : Consent{};
}

Consent consent_of(const std::vector<v1::Consent>& events, Consent out) {
  for (const v1::Consent& event : events) {
    const Consent now = consent_of(event);
    out = {true, now.granted, (out.granted | out.withdrawn | now.withdrawn) - now.granted};
  }
  return out;
}

StreamClass class_of(const v1::Stream& stream) {
  switch (stream.kind()) {
    case v1::STREAM_KIND_WAVE:
    case v1::STREAM_KIND_NUMERIC:
    case v1::STREAM_KIND_DEVICE:
    case v1::STREAM_KIND_ALARM: return StreamClass::kVitalsDevices;
    case v1::STREAM_KIND_TWIN_SERIES:
    case v1::STREAM_KIND_TWIN_EVENT: return StreamClass::kTwin;
    case v1::STREAM_KIND_VIDEO: {
      // A camera inside the body says so; any other may show the room.
      const bool inside = stream.name().starts_with("scope.") ||
                          stream.device() == "scope-camera" || stream.device() == "endoscope" ||
                          stream.device() == "endoscopy-camera" ||
                          stream.device() == "laparoscope" || stream.device() == "microscope";
      return inside ? StreamClass::kIntraBodyVideo : StreamClass::kRoomVideo;
    }
    case v1::STREAM_KIND_AUDIO: return StreamClass::kAudio;
    case v1::STREAM_KIND_TEAM: return StreamClass::kTeamMarks;
    case v1::STREAM_KIND_PHASE:
    case v1::STREAM_KIND_ROOM: return StreamClass::kEvents;
    case v1::STREAM_KIND_CONSENT: return StreamClass::kAccounting;
    case v1::STREAM_KIND_FINDING:
    case v1::STREAM_KIND_SUMMARY: return StreamClass::kFindings;
    default: return StreamClass::kIdentity;  // details, notes, and what is not known
  }
}

}  // namespace casebox::access
