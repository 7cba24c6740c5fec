#pragma once

// The gate: the one place where it is decided that a case may be opened. It asks the table of
// access (proto/access), writes the audit record, and only then makes an Opening, without which
// there are no keys (keyring.h). Denials are audited as well.
//
// Thread safety: a Gate may be shared; an Opening is a value.
// Lifetime: the keystore outlives the Gate.
// Errors: kRefused when consent, role or purpose forbid it, with what does; kNotFound without a
// keystore; those of the audit trail, after which nothing is opened.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proto/access/access.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/keyring/keystore.h"

namespace casebox::keyring {

/// What a program opens a case for: the level of what it then serves, and a word of the audit
/// trail. Why a person reads is the Reader's purpose.
enum class Purpose {
  kFind,       // compares names and reads consent of the older form; serves nothing
  kIndex,      // shows the name of a case
  kAnalysis,   // computes facts
  kView,       // shows facts
  kReplay,     // shows what was recorded
  kExport,     // writes it out
  kReport,     // counts it among others
  kBriefing,   // tells the patient
  kLiability,  // answers for it in court
  kRecover,
};
const char* to_string(Purpose purpose);

/// That the gate was asked about one case, said yes, and wrote it down.
class Opening {
 public:
  CaseId case_id() const { return case_id_; }
  const Bytes& case_public_key() const { return case_public_key_; }
  /// What of the case may be read.
  access::StreamClasses classes() const { return classes_; }

 private:
  friend class Gate;
  Opening(CaseId id, Bytes key, access::StreamClasses classes)
      : case_id_(id), case_public_key_(std::move(key)), classes_(classes) {}

  CaseId case_id_;
  Bytes case_public_key_;
  access::StreamClasses classes_;
};

class Gate {
 public:
  /// A case that is asked about.
  struct Asked {
    CaseId case_id;
    access::Consent consent;
    Bytes case_public_key;
    access::Hold hold = access::Hold::kNone;
  };
  /// What the table says: the classes that may be read, or why none.
  struct Verdict {
    access::StreamClasses classes;
    access::Role role = access::Role::kOwner;
    access::Purpose purpose = access::Purpose::kUnstated;
    access::Level level = access::Level::kFacts;
    std::string why;
    bool operator==(const Verdict&) const = default;
  };

  /// Who reads as it stands now: asked before every decision. Safe to call from several threads.
  using Who = std::function<access::Reader()>;

  /// `keystore` may be null: then nothing can be opened.
  Gate(Keystore* keystore, std::string subject, Who who)
      : keystore_(keystore), subject_(std::move(subject)), who_(std::move(who)) {}
  Gate(Keystore* keystore, std::string subject, access::Reader who)
      : Gate(keystore, std::move(subject), Who([who = std::move(who)] { return who; })) {}

  access::Reader who() const { return who_(); }
  /// The decision alone: nothing is opened, nothing written down.
  Verdict verdict(Purpose purpose, const access::Consent& consent,
                  access::Hold hold = access::Hold::kNone) const;

  Result<Opening> open(const Asked& asked, Purpose purpose);
  /// Many cases under one audit record (of at most 32,768) for those that may be opened and one for
  /// each reason of those that may not. Empty: it may not. Whether its key is there is told by who
  /// fetches it.
  Result<std::vector<std::optional<Opening>>> open(const std::vector<Asked>& asked,
                                                   Purpose purpose);
  /// Writes down that these were left out of an answer.
  Result<void> left_out(const std::vector<Asked>& asked, Purpose purpose);

 private:
  v1::AuditRecord record_of(const Verdict& verdict, Purpose purpose) const;
  /// Decides and has it on the trail before it says so.
  Result<std::vector<Verdict>> decide_and_audit(const std::vector<Asked>& asked, Purpose purpose);

  Keystore* keystore_;
  std::string subject_;
  Who who_;
};

/// The refusal of a case, for people.
Error refused(const std::string& why);

}  // namespace casebox::keyring
