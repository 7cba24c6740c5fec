#pragma once

// Who may read what of a case, for what: one pure function over one table of rows (table.h), and
// what is not in the table is denied. The gate (proto/keyring/gate.h) asks it before every opening.
//
// Where the words come from: purposes are codes of HL7 v3 ActReason, value set PurposeOfUse
// (https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html), with INDEX and ANALYSIS for what the
// machine itself does; consent by scope and its withdrawal follow GDPR articles 6, 7(3) and 9;
// access of the patient article 15; restriction article 18; the separation of identity, content and
// accounting, and the aggregates of at least eleven, are those of docs/access.md, which gives the
// table in words.
//
// Thread safety: plain values and free functions.
// Errors: kInvalidArgument for a word that names nothing, with the words there are.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/base/result.h"

namespace casebox::access {

/// A set of enumerators, at most 32 of them.
template <typename E>
class Set {
 public:
  constexpr Set() = default;
  constexpr Set(std::initializer_list<E> all) {
    for (E one : all) insert(one);
  }
  constexpr void insert(E one) { bits_ |= bit(one); }
  constexpr void erase(E one) { bits_ &= ~bit(one); }
  constexpr bool contains(E one) const { return (bits_ & bit(one)) != 0; }
  constexpr bool contains(Set all) const { return (bits_ & all.bits_) == all.bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr Set operator|(Set other) const { return Set(bits_ | other.bits_); }
  constexpr Set operator-(Set other) const { return Set(bits_ & ~other.bits_); }
  constexpr bool operator==(const Set&) const = default;

 private:
  constexpr explicit Set(uint32_t bits) : bits_(bits) {}
  static constexpr uint32_t bit(E one) { return uint32_t{1} << static_cast<unsigned>(one); }
  uint32_t bits_ = 0;
};

enum class Role : uint8_t {
  kOwner,  // of a keystore that no access.yaml governs: a single-user machine
  kCommitteeReviewer,
  kSurgeonSelf,
  kEducator,
  kResearcher,
  kStaff,
  kPatientLiaison,
  kPatient,
  kCounsel,
  kBreakGlass,
  kPrivacyOfficer,
  kAuditor,
  kAdmin,
  kMachine,  // the program's own look-ups and analyses
};
constexpr int kRoles = 14;

enum class Purpose : uint8_t {
  kUnstated,  // the owner's reading without a purpose
  kHqualimp,
  kPatsfty,
  kTrain,
  kHresch,
  kHlegal,
  kPatrqt,
  kPatadmin,
  kHsysadmin,
  kBtg,
  kIndex,
  kAnalysis,
};
constexpr int kPurposes = 12;

enum class StreamClass : uint8_t {
  kIntraBodyVideo,
  kRoomVideo,
  kAudio,
  kVitalsDevices,
  kEvents,
  kTwin,
  kTeamMarks,
  kIdentity,
  kFindings,
  kCommittee,
  kAccounting,
};
constexpr int kStreamClasses = 11;

/// What is served of a class.
enum class Level : uint8_t { kRaw, kRedacted, kFacts, kAggregate, kAccounting };
constexpr int kLevels = 5;

enum class Hold : uint8_t { kNone, kLegalHold, kRestriction, kWrongPatient };
constexpr int kHolds = 4;

/// As v1::ConsentScope.
enum class Scope : uint8_t {
  kRecord = 1,
  kQuality,
  kTeaching,
  kResearch,
  kPatientBriefing,
  kLitigation,
  kStaffRecord,
};
using Scopes = Set<Scope>;
using StreamClasses = Set<StreamClass>;
constexpr Scopes kEveryScope{Scope::kRecord,     Scope::kQuality,         Scope::kTeaching,
                             Scope::kResearch,   Scope::kPatientBriefing, Scope::kLitigation,
                             Scope::kStaffRecord};

/// What a row asks beside consent, which whoever opens must have shown.
enum class Condition : uint8_t {
  kTwoPersons,    // a second one who may, too
  kReference,     // a hold, or a court's reference
  kOwnCase,       // a link between the account and the case
  kDatesShifted,  // what is served has no true dates
  kAlert,         // somebody is told at once, and reviews it
};
using Conditions = Set<Condition>;
constexpr Conditions kEveryCondition{Condition::kTwoPersons, Condition::kReference,
                                     Condition::kOwnCase, Condition::kDatesShifted,
                                     Condition::kAlert};

/// Consent of one case, as its newest consent frame has it.
struct Consent {
  bool stated = false;
  Scopes granted;    // in force
  Scopes withdrawn;  // taken back and not given again
  bool operator==(const Consent&) const = default;
};
/// Of a frame's body. A scope that is both granted and withdrawn is withdrawn.
Consent consent_of(const v1::Consent& said);
Consent consent_of(const v1::CaseRecord& record);
/// The older form: events of sealed streams, oldest first, each with the whole set of its time. A
/// scope that was there and is no more was withdrawn.
Consent consent_of(const std::vector<v1::Consent>& events, Consent before = {});

/// What stands in for consent that was not recorded.
struct Basis {
  Scopes scopes;
  /// Beside a recorded consent too, for scopes that it does not name; false: only where there is
  /// none at all.
  bool beside_consent = false;
};
/// The owner's of a single-user machine: every scope but the patient briefing, which is the
/// patient's to ask for.
Basis owner_basis();
/// The scopes that a decision finds in force.
Scopes in_force(const Consent& consent, const Basis& basis);

/// Who reads, in one of the roles that they have, and for what.
struct Reader {
  std::string account;
  Role role = Role::kOwner;
  Purpose purpose = Purpose::kUnstated;
  Basis basis = owner_basis();
  Conditions shown;
  std::string refusal;  // not empty: they may read nothing, and this is why
};

/// One cell of the table.
struct Question {
  Role role = Role::kOwner;
  Purpose purpose = Purpose::kUnstated;
  StreamClass what = StreamClass::kAccounting;
  Level level = Level::kRaw;
  Hold hold = Hold::kNone;
};

struct Decision {
  bool allowed = false;
  bool of_consent = false;  // what was denied was denied for what consent says
  std::string why;          // of a denial: one clause for people
};

/// The decision: allowed if a row of the table is about this and all that it asks is there.
Decision decide(const Question& question, const Consent& consent, const Basis& basis,
                Conditions shown);

/// The class of a stream; what is not known has the strictest that its kind can have.
StreamClass class_of(const v1::Stream& stream);

const char* to_string(Role role);
const char* to_string(Purpose purpose);  // "" of none
const char* to_string(StreamClass what);
const char* to_string(Level level);
const char* to_string(Hold hold);
const char* to_string(Scope scope);
const char* to_string(Condition condition);
Result<Role> role_from(const std::string& text);
Result<Purpose> purpose_from(const std::string& text);
/// Scopes by their words, '-' or '_' in them.
Result<Scopes> scopes_from(const std::vector<std::string>& words);

}  // namespace casebox::access
