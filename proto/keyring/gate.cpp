#include "proto/keyring/gate.h"

#include <map>

namespace casebox::keyring {
namespace {

using access::Level;
using access::Role;

Level level_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::kFind: return Level::kAccounting;
    case Purpose::kReplay:
    case Purpose::kExport:
    case Purpose::kRecover: return Level::kRaw;
    case Purpose::kReport: return Level::kAggregate;
    default: return Level::kFacts;
  }
}

/// Purposes that must all allow it. Where the owner states none, a document that has a scope of its
/// own is asked for under that, too.
std::vector<access::Purpose> purposes_of(Purpose purpose, const access::Reader& who) {
  if (who.role == Role::kMachine)
    return {purpose == Purpose::kIndex || purpose == Purpose::kFind ? access::Purpose::kIndex
                                                                    : access::Purpose::kAnalysis};
  if (who.purpose != access::Purpose::kUnstated) return {who.purpose};
  if (purpose == Purpose::kBriefing) return {access::Purpose::kPatadmin};
  if (purpose == Purpose::kLiability) return {who.purpose, access::Purpose::kHlegal};
  return {who.purpose};
}

}  // namespace

const char* to_string(Purpose purpose) {
  switch (purpose) {
    case Purpose::kFind:
    case Purpose::kIndex: return "index";
    case Purpose::kAnalysis: return "analysis";
    case Purpose::kView:
    case Purpose::kReplay: return "view";
    case Purpose::kExport: return "export";
    case Purpose::kReport:
    case Purpose::kBriefing:
    case Purpose::kLiability: return "report";
    case Purpose::kRecover: return "recover";
  }
  return "unknown";
}

Error refused(const std::string& why) {
  return {Code::kRefused, why +
                              ", so nothing of it is read; `casebox consent CASE` shows what is "
                              "in force"};
}

Gate::Verdict Gate::verdict(Purpose purpose, const access::Consent& consent,
                            access::Hold hold) const {
  access::Reader who = who_();
  // What the program looks up by itself is its own, whoever asks it to; what it then shows is not.
  if (purpose == Purpose::kFind || (purpose == Purpose::kIndex && who.role == Role::kOwner))
    who.role = Role::kMachine;
  const auto purposes = purposes_of(purpose, who);
  Verdict out;
  out.role = who.role;
  out.purpose = purposes.front();
  out.level = level_of(purpose);
  if (purpose != Purpose::kFind && !who.refusal.empty()) {
    out.why = who.refusal;
    return out;
  }
  bool of_consent = false;
  for (int i = 0; i < access::kStreamClasses; ++i) {
    const auto what = static_cast<access::StreamClass>(i);
    bool all = true;
    for (const access::Purpose one : purposes) {
      const access::Decision said =
          access::decide({who.role, one, what, out.level, hold}, consent, who.basis, who.shown);
      all = all && said.allowed;
      // What consent says tells more than that a class has no row.
      if (!said.allowed && (out.why.empty() || (said.of_consent && !of_consent))) {
        out.why = said.why;
        of_consent = said.of_consent;
      }
    }
    if (all) out.classes.insert(what);
  }
  if (!out.classes.empty()) out.why.clear();
  return out;
}

v1::AuditRecord Gate::record_of(const Verdict& verdict, Purpose purpose) const {
  v1::AuditRecord record;
  record.set_purpose(to_string(purpose));
  record.set_subject(subject_);
  record.set_role(access::to_string(verdict.role));
  record.set_purpose_of_use(access::to_string(verdict.purpose));
  record.set_level(access::to_string(verdict.level));
  for (int i = 0; i < access::kStreamClasses; ++i)
    if (const auto one = static_cast<access::StreamClass>(i); verdict.classes.contains(one))
      record.add_classes(access::to_string(one));
  record.set_allowed(!verdict.classes.empty());
  record.set_reason(verdict.why);
  return record;
}

Result<Opening> Gate::open(const Asked& asked, Purpose purpose) {
  if (keystore_ == nullptr)
    return Error{Code::kNotFound, "case " + to_string(asked.case_id) +
                                      ": there is no keystore here; give one to read content"};
  const Verdict said = verdict(purpose, asked.consent, asked.hold);
  v1::AuditRecord record = record_of(said, purpose);
  record.add_case_ids(Bytes(asked.case_id.view()));
  if (record.allowed() && !keystore_->has_private_key(asked.case_public_key)) {
    record.set_allowed(false);
    record.set_reason("no-private-key");
  }
  CASEBOX_CHECK(keystore_->audit(record));
  if (said.classes.empty()) return refused(said.why);
  return Opening(asked.case_id, asked.case_public_key, said.classes);
}

namespace {

// A record of the trail has at most 1 MiB.
constexpr int kMostCases = 32'768;

}  // namespace

Result<std::vector<Gate::Verdict>> Gate::decide_and_audit(const std::vector<Asked>& asked,
                                                          Purpose purpose) {
  std::vector<Verdict> out;
  out.reserve(asked.size());
  std::map<std::string, std::vector<v1::AuditRecord>> records;  // by why not; "" of those that may
  const Asked* before = nullptr;
  for (const Asked& one : asked) {
    // Most cases of a cohort have the same consent.
    const bool same =
        before != nullptr && before->consent == one.consent && before->hold == one.hold;
    out.push_back(same ? out.back() : verdict(purpose, one.consent, one.hold));
    before = &one;
    auto& of_why = records[out.back().why];
    if (of_why.empty() || of_why.back().case_ids_size() >= kMostCases)
      of_why.push_back(record_of(out.back(), purpose));
    of_why.back().add_case_ids(Bytes(one.case_id.view()));
  }
  for (const auto& [why, of_why] : records)
    for (const v1::AuditRecord& record : of_why) CASEBOX_CHECK(keystore_->audit(record));
  return out;
}

Result<std::vector<std::optional<Opening>>> Gate::open(const std::vector<Asked>& asked,
                                                       Purpose purpose) {
  std::vector<std::optional<Opening>> out(asked.size());
  if (keystore_ == nullptr || asked.empty()) return out;
  CASEBOX_TRY(const auto verdicts, decide_and_audit(asked, purpose));
  for (size_t i = 0; i < asked.size(); ++i)
    if (!verdicts[i].classes.empty())
      out[i] = Opening(asked[i].case_id, asked[i].case_public_key, verdicts[i].classes);
  return out;
}

Result<void> Gate::left_out(const std::vector<Asked>& asked, Purpose purpose) {
  if (keystore_ == nullptr || asked.empty()) return ok();
  CASEBOX_CHECK(decide_and_audit(asked, purpose));
  return ok();
}

}  // namespace casebox::keyring
