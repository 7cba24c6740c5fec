#include "proto/access/table.h"

namespace casebox::access {
namespace {

using C = StreamClass;
using L = Level;
using P = Purpose;

constexpr StreamClasses kVideo{C::kIntraBodyVideo, C::kRoomVideo};
constexpr StreamClasses kFacts{C::kVitalsDevices, C::kEvents, C::kTwin, C::kTeamMarks,
                               C::kFindings};
constexpr StreamClasses kOriginals = kVideo | kFacts | StreamClasses{C::kAudio, C::kIdentity};
constexpr StreamClasses kContent = kOriginals | StreamClasses{C::kCommittee};
constexpr Set<Level> kServed{L::kRaw, L::kRedacted, L::kFacts, L::kAggregate};
constexpr Set<Hold> kFree{Hold::kNone, Hold::kLegalHold};
constexpr Set<Hold> kRestricted = kFree | Set<Hold>{Hold::kRestriction};
constexpr Set<Hold> kAlways = kRestricted | Set<Hold>{Hold::kWrongPatient};
constexpr Set<Purpose> kImprove{P::kHqualimp, P::kPatsfty};

}  // namespace

const std::vector<Row>& table() {
  using enum Role;
  using S = Scope;
  static const std::vector<Row> rows = {
      // The owner of a single-user machine: everything, as far as no scope of it was withdrawn.
      {kOwner,
       kImprove | Set<P>{P::kUnstated},
       {S::kRecord, S::kQuality},
       kContent,
       kServed,
       kFree,
       {}},
      {kOwner, {P::kTrain}, {S::kRecord, S::kTeaching}, kContent, kServed, kFree, {}},
      {kOwner, {P::kHresch}, {S::kRecord, S::kResearch}, kContent, kServed, kFree, {}},
      {kOwner, {P::kHlegal}, {S::kRecord, S::kLitigation}, kContent, kServed, kRestricted, {}},
      {kOwner, {P::kPatrqt}, {S::kRecord}, kContent, kServed, kFree, {}},
      {kOwner, {P::kPatadmin}, {S::kRecord, S::kPatientBriefing}, kContent, kServed, kFree, {}},
      {kOwner, {P::kUnstated, P::kHsysadmin}, {}, {C::kAccounting}, {L::kAccounting}, kAlways, {}},

      {kCommitteeReviewer,
       kImprove,
       {S::kQuality},
       kFacts | StreamClasses{C::kCommittee},
       {L::kFacts, L::kAggregate},
       kFree,
       {}},
      {kCommitteeReviewer, kImprove, {S::kQuality}, kVideo, {L::kRedacted}, kFree, {}},

      {kSurgeonSelf,
       {P::kHqualimp},
       {S::kQuality},
       kFacts,
       {L::kFacts},
       kFree,
       {Condition::kOwnCase}},
      {kSurgeonSelf,
       {P::kHqualimp},
       {S::kQuality},
       kVideo,
       {L::kRedacted},
       kFree,
       {Condition::kOwnCase}},

      {kEducator, {P::kTrain}, {S::kTeaching}, kVideo, {L::kRedacted}, kFree, {}},

      {kResearcher,
       {P::kHresch},
       {S::kResearch},
       kFacts,
       {L::kFacts},
       kFree,
       {Condition::kDatesShifted}},
      {kResearcher, {P::kHresch}, {S::kResearch}, kFacts, {L::kAggregate}, kFree, {}},

      {kStaff, kImprove, {S::kQuality}, kFacts, {L::kAggregate}, kFree, {}},

      {kPatientLiaison, {P::kPatadmin}, {S::kPatientBriefing}, kFacts, {L::kFacts}, kFree, {}},
      {kPatientLiaison, {P::kPatadmin}, {S::kPatientBriefing}, kVideo, {L::kRedacted}, kFree, {}},

      {kPatient,
       {P::kPatrqt},
       {},
       kFacts | StreamClasses{C::kIdentity},
       {L::kFacts},
       kFree,
       {Condition::kOwnCase}},
      {kPatient, {P::kPatrqt}, {}, kVideo, {L::kRedacted}, kFree, {Condition::kOwnCase}},

      // The committee's own work stays with the committee.
      {kCounsel,
       {P::kHlegal},
       {},
       kOriginals,
       {L::kRaw, L::kFacts},
       kRestricted,
       {Condition::kTwoPersons, Condition::kReference}},

      {kBreakGlass, {P::kBtg}, {}, kOriginals, {L::kRaw, L::kFacts}, kFree, {Condition::kAlert}},

      {kPrivacyOfficer,
       {P::kPatadmin},
       {},
       {C::kIdentity},
       {L::kRaw, L::kFacts},
       kAlways,
       {Condition::kTwoPersons}},

      {kAuditor, {P::kHsysadmin}, {}, {C::kAccounting}, {L::kAccounting}, kAlways, {}},

      // Looking a case up by the name that somebody gives tells nobody that name: without it no
      // consent could be changed, no hold set and nothing erased.
      {kMachine, {P::kIndex}, {}, {C::kIdentity, C::kAccounting}, {L::kAccounting}, kAlways, {}},
      {kMachine, {P::kIndex}, {S::kRecord}, kOriginals, {L::kFacts}, kFree, {}},
      {kMachine, {P::kAnalysis}, {S::kQuality}, kOriginals, {L::kFacts}, kFree, {}},
      {kMachine, {P::kAnalysis}, {S::kResearch}, kOriginals, {L::kFacts}, kFree, {}},
  };
  return rows;
}

std::vector<Consent> matrix_consents() {
  std::vector<Consent> out(1);
  std::vector<Scope> all;
  for (int i = v1::CONSENT_SCOPE_RECORD; i <= v1::ConsentScope_MAX; ++i)
    all.push_back(static_cast<Scope>(i));
  for (Scope one : all) out.push_back({true, {one}, {}});
  out.push_back({true, kEveryScope, {}});
  for (Scope one : all) out.push_back({true, kEveryScope - Scopes{one}, {one}});
  out.push_back({true, {}, kEveryScope});
  return out;
}

std::string matrix() {
  const auto consents = matrix_consents();
  std::string out;
  for (int role = 0; role < kRoles; ++role)
    for (int purpose = 0; purpose < kPurposes; ++purpose)
      for (const Consent& consent : consents)
        for (int what = 0; what < kStreamClasses; ++what)
          for (int level = 0; level < kLevels; ++level)
            for (int hold = 0; hold < kHolds; ++hold) {
              const Question cell{static_cast<Role>(role), static_cast<Purpose>(purpose),
                                  static_cast<StreamClass>(what), static_cast<Level>(level),
                                  static_cast<Hold>(hold)};
              const Basis basis = cell.role == Role::kOwner ? owner_basis() : Basis{};
              out += decide(cell, consent, basis, kEveryCondition).allowed ? '1' : '0';
            }
  return out;
}

}  // namespace casebox::access
