#include <algorithm>
#include <cstdio>
#include <set>

#include "proto/vocabulary/vocabulary.h"
#include "storage/case_record.h"
#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/commands/commands.h"
#include "tools/store/kept_facts.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

Result<std::set<v1::ConsentScope>> scopes(const std::vector<std::string>& names) {
  std::set<v1::ConsentScope> out;
  for (const std::string& name : names) {
    CASEBOX_TRY(const v1::ConsentScope scope, scope_from(name));
    out.insert(scope);
  }
  return out;
}

/// Everything that somebody said before stays said: granted or withdrawn.
access::Consent changed(const access::Consent& before, const std::set<v1::ConsentScope>& grant,
                        const std::set<v1::ConsentScope>& withdraw) {
  access::Consent now = before;
  now.stated = true;
  for (const v1::ConsentScope scope : grant) {
    now.granted.insert(static_cast<access::Scope>(scope));
    now.withdrawn.erase(static_cast<access::Scope>(scope));
  }
  for (const v1::ConsentScope scope : withdraw) {
    now.granted.erase(static_cast<access::Scope>(scope));
    now.withdrawn.insert(static_cast<access::Scope>(scope));
  }
  return now;
}

std::vector<v1::ConsentScope> listed(access::Scopes scopes) {
  return analytics::scopes_in_force({true, scopes, {}});
}

/// Writes the whole set in force from now on into the custody log and brings it into the store.
Result<void> write_change(StoreAccess& access, CaseId id, const access::Consent& now,
                          const std::string& recorded_by, v1::ConsentGiver by) {
  CASEBOX_TRY(const auto record, access.store().find_case(id));
  if (!record) return Error{Code::kNotFound, to_string(id) + ": not in this store"};
  CASEBOX_TRY(auto log, access.open_log("custody"));
  CASEBOX_TRY(auto producer, access.begin_derived(*log, "custody", id, v1::PRODUCER_ROLE_CUSTODY));
  // Case time of now, and after whatever was said before, whichever way a clock was set since; a
  // case without a start counts from its end.
  CaseTime t{record->last_t_ns()};
  if (record->start_utc_ns() != 0)
    t.ns = std::max(t.ns, access.clock().utc().ns - static_cast<int64_t>(record->start_utc_ns()));
  if (record->has_consent()) t.ns = std::max(t.ns, record->consent().t_ns() + 1);
  v1::Consent said;
  for (const v1::ConsentScope scope : listed(now.granted)) said.add_granted(scope);
  for (const v1::ConsentScope scope : listed(now.withdrawn)) said.add_withdrawn(scope);
  said.set_recorded_by(recorded_by);
  said.set_given_by(by);
  CASEBOX_CHECK(producer->append_consent(said, t));
  CASEBOX_CHECK(producer->close(t));
  log.reset();
  CASEBOX_TRY(const auto drained, access.drain());
  KeptFacts::forget(access, id);
  // What was signed is not yet what is obeyed.
  CASEBOX_TRY(const auto reader, access.read_case(id, keyring::Purpose::kFind));
  if (reader->consent() == now) return ok();
  return Error{Code::kConflict,
               "case " + to_string(id) + ": the change was signed (" +
                   (access.options().store / "logs/custody").string() +
                   ") and is NOT in force: " + std::to_string(drained.quarantined) +
                   " of its frames went to quarantine; `casebox quarantine` says why, and "
                   "`casebox requeue` takes them in once that is mended"};
}

/// On a case that does not hold nobody can say what was in force: only taking back all of it needs
/// no such word.
Result<access::Consent> next_consent(const storage::CaseReader& reader, CaseId id,
                                     const std::set<v1::ConsentScope>& grant,
                                     const std::set<v1::ConsentScope>& withdraw) {
  if (verify::may_be_shown(reader.verdict())) return changed(reader.consent(), grant, withdraw);
  const access::Consent none = changed({}, {}, withdraw);
  if (grant.empty() && none.withdrawn == access::kEveryScope) return none;
  return Error{Code::kConflict,
               "case " + to_string(id) + " is " + verify::to_string(reader.verdict()) +
                   ": what it says of consent may not be what was signed. Put the store in order "
                   "first, or withdraw every scope"};
}

Result<v1::ConsentGiver> giver_from(const std::string& text) {
  if (text == "patient") return v1::CONSENT_GIVER_PATIENT;
  if (text == "representative") return v1::CONSENT_GIVER_REPRESENTATIVE;
  if (text == "law") return v1::CONSENT_GIVER_LAW;
  return Error{Code::kInvalidArgument,
               "--by: '" + text + "' is none; write patient, representative or law"};
}

Result<int> run_consent(const Args& args) {
  CASEBOX_TRY(const auto grant, scopes(args.list("--grant")));
  CASEBOX_TRY(const auto withdraw, scopes(args.list("--withdraw")));
  for (v1::ConsentScope scope : grant)
    if (withdraw.contains(scope))
      return Error{Code::kInvalidArgument,
                   "--grant, --withdraw: " + name_of(scope) + " is in both; give it once"};
  StoreOptions options = StoreOptions::from(args, "casebox consent");
  options.write = !grant.empty() || !withdraw.empty();
  if (const std::string role = args.text("--recorded-by");
      options.write && (role.empty() || !vocabulary::is_role(role)))
    return Error{Code::kInvalidArgument,
                 "--recorded-by: is no known role; give one such as nurse or owner, never a name"};
  CASEBOX_TRY(auto access, StoreAccess::open(options));
  CASEBOX_TRY(const CaseId id, access->resolve_case(args.text("CASE")));
  access::Consent now;
  std::string verdict;
  {
    // Consent is read whatever it says: else none could be given again.
    CASEBOX_TRY(auto reader, access->read_case(id, keyring::Purpose::kFind));
    if (!storage::tells_consent(reader->record())) CASEBOX_CHECK(reader->readable());
    now = reader->consent();
    if (options.write) {
      CASEBOX_TRY(now, next_consent(*reader, id, grant, withdraw));
    }
    verdict = verify::to_string(reader->verdict());
  }
  CASEBOX_TRY(const v1::ConsentGiver by, giver_from(args.text("--by")));
  if (options.write) {
    CASEBOX_CHECK(write_change(*access, id, now, args.text("--recorded-by"), by));
  }
  Json json = document("consent");
  json["case_id"] = to_string(id);
  json["verdict"] = verdict;
  json["stated"] = now.stated;
  json["granted"] = Json::array();
  for (v1::ConsentScope scope : listed(now.granted))
    json["granted"].push_back(dashed(name_of(scope)));
  json["withdrawn"] = Json::array();
  for (v1::ConsentScope scope : listed(now.withdrawn))
    json["withdrawn"].push_back(dashed(name_of(scope)));
  json["changed"] = options.write;
  if (args.json()) {
    print(json);
  } else {
    std::printf("%s:", to_string(id).c_str());
    for (v1::ConsentScope scope : listed(now.granted))
      std::printf(" %s", dashed(name_of(scope)).c_str());
    std::printf("%s\n", now.granted.empty() ? " nothing is allowed" : "");
    if (!now.withdrawn.empty()) std::fprintf(stderr, "withdrawn:");
    for (v1::ConsentScope scope : listed(now.withdrawn))
      std::fprintf(stderr, " %s", dashed(name_of(scope)).c_str());
    if (!now.withdrawn.empty()) std::fprintf(stderr, "\n");
  }
  return 0;
}

}  // namespace

const Command kConsentCommand{
    "consent", "Show or change what a case may be used for",
    with_store_args(
        {{"CASE", ArgKind::kText, "Case id, the first digits of one, or an alias", "", true},
         {"--grant", ArgKind::kList, "Scopes to grant"},
         {"--withdraw", ArgKind::kList, "Scopes to withdraw"},
         {"--by", ArgKind::kText, "Who gives or takes back: patient, representative or law",
          "patient"},
         {"--recorded-by", ArgKind::kText, "Role of who records it, e.g. nurse", "owner"}}),
    run_consent,
    "Scopes: record, quality, teaching, research, patient-briefing, litigation, staff-record. A "
    "change is a\n"
    "record of its own in the store's custody log; the recorder's is never touched. What was "
    "withdrawn closes the\ncase for what rested on it at once and backwards; record closes it "
    "whole.\n"
    "Examples:\n"
    "  casebox consent 3f2a --store S\n"
    "  casebox consent 3f2a --store S --grant patient-briefing --withdraw teaching"};

}  // namespace casebox::tools
