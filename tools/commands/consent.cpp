#include <algorithm>
#include <cstdio>
#include <set>

#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/commands/commands.h"
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

/// What is in force: the recorder's consent stream, then what people changed since, in order.
Result<std::set<v1::ConsentScope>> in_force(const storage::CaseReader& reader) {
  std::set<v1::ConsentScope> out;
  for (const bool derived : {false, true}) {
    CASEBOX_TRY(const auto events, reader.events(v1::STREAM_KIND_CONSENT, {}, derived));
    for (const storage::EventAt& at : events) {
      if (!at.event.has_consent()) continue;
      const v1::Consent& consent = at.event.consent();
      out.clear();
      for (int scope : consent.granted()) out.insert(static_cast<v1::ConsentScope>(scope));
      for (int scope : consent.withdrawn()) out.erase(static_cast<v1::ConsentScope>(scope));
    }
  }
  return out;
}

/// Writes the whole set in force from now on into the custody log and brings it into the store.
Result<void> write_change(StoreAccess& access, CaseId id, const std::set<v1::ConsentScope>& granted,
                          const std::set<v1::ConsentScope>& withdrawn) {
  CASEBOX_TRY(const auto record, access.store().find_case(id));
  if (!record) return Error{Code::kNotFound, to_string(id) + ": not in this store"};
  CASEBOX_TRY(auto log, access.open_log("custody"));
  CASEBOX_TRY(auto producer, access.begin_derived(*log, "custody", id, v1::PRODUCER_ROLE_CUSTODY));
  v1::Stream stream;
  stream.set_name("custody.consent");
  stream.set_kind(v1::STREAM_KIND_CONSENT);
  stream.set_stream_class(v1::STREAM_CLASS_A);
  stream.set_device("casebox");
  CASEBOX_TRY(const StreamId stream_id, producer->add_stream(stream));
  // Case time of now, so that later changes come later; a case without a start counts from its end.
  CaseTime now{record->last_t_ns()};
  if (record->start_utc_ns() != 0)
    now.ns =
        std::max(now.ns, access.clock().utc().ns - static_cast<int64_t>(record->start_utc_ns()));
  v1::EventBatch batch;
  v1::Consent* consent = batch.add_events()->mutable_consent();
  for (v1::ConsentScope scope : granted) consent->add_granted(scope);
  for (v1::ConsentScope scope : withdrawn) consent->add_withdrawn(scope);
  producer::Data data;
  data.stream = stream_id;
  data.t = now;
  data.t_capture = access.clock().mono();
  data.flags = frame::flag::kDerived;
  CASEBOX_CHECK(producer->append(data, batch));
  CASEBOX_CHECK(producer->close(now));
  log.reset();
  CASEBOX_CHECK(access.drain());
  return ok();
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
  CASEBOX_TRY(auto access, StoreAccess::open(options));
  CASEBOX_TRY(const CaseId id, access->resolve_case(args.text("CASE")));
  std::set<v1::ConsentScope> now;
  {
    CASEBOX_TRY(auto reader, access->read_case(id, keyring::Purpose::kView));
    CASEBOX_TRY(now, in_force(*reader));
  }
  now.insert(grant.begin(), grant.end());
  for (v1::ConsentScope scope : withdraw) now.erase(scope);
  if (options.write) CASEBOX_CHECK(write_change(*access, id, now, withdraw));
  Json json = document("consent");
  json["case_id"] = to_string(id);
  json["granted"] = Json::array();
  for (v1::ConsentScope scope : now) json["granted"].push_back(name_of(scope));
  json["changed"] = options.write;
  if (args.json()) {
    print(json);
  } else {
    std::printf("%s:", to_string(id).c_str());
    for (v1::ConsentScope scope : now) std::printf(" %s", name_of(scope).c_str());
    std::printf("%s\n", now.empty() ? " nothing is allowed" : "");
  }
  return 0;
}

}  // namespace

const Command kConsentCommand{
    "consent", "Show or change what a case may be used for",
    with_store_args(
        {{"CASE", ArgKind::kText, "Case id, the first digits of one, or an alias", "", true},
         {"--grant", ArgKind::kList, "Scopes to grant"},
         {"--withdraw", ArgKind::kList, "Scopes to withdraw"}}),
    run_consent,
    "Scopes: record, quality, teaching, research, patient_briefing, litigation, staff_record. A "
    "change is a\n"
    "record of its own in the store's custody log; the recorder's is never touched.\n"
    "Examples:\n"
    "  casebox consent 3f2a --store S\n"
    "  casebox consent 3f2a --store S --grant patient_briefing --withdraw teaching"};

}  // namespace casebox::tools
