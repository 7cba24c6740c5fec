#include "tools/web/api.h"

#include "storage/found.h"
#include "tools/cli/json.h"
#include "tools/store/quarantined.h"
#include "tools/web/case_json.h"

namespace casebox::tools::web {
namespace {

using Part = Result<Response> (*)(OpenCase&, const Request&);

/// Whoever asks so sees what a case that does not hold contains, under its verdict.
bool unproven(const Request& request) { return request.text("unproven") == "1"; }

Router::Handler with_case(CaseSessions& sessions, Part part) {
  return [&sessions, part](const Request& request) -> Result<Response> {
    CASEBOX_TRY(auto lease, sessions.open(request.params.at("id"), unproven(request)));
    auto response = part(*lease.open, request);
    if (!response) response = error_response(response.error());
    // After the part: what it read may not have held.
    const verify::Verdict verdict = lease->reader().verdict();
    response->headers.emplace_back("Casebox-Verdict", verify::to_string(verdict));
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(lease->reader().record().case_id()));
    storage::keep_found(lease->store().dir(), id, verdict);
    return response;
  };
}

Result<Response> list_cases(const storage::Store& store, CaseSessions& sessions, bool stale) {
  CASEBOX_TRY(auto records, store.cases());
  Json json = document("api.cases");
  json["stale"] = stale;
  json["cases"] = Json::array();
  for (const v1::CaseRecord& record : records) {
    CaseView view = summarize_case(record);
    CASEBOX_TRY(const auto verdict, sessions.verdict(record));
    // A row can call an operation a study: one that does not hold is listed.
    if (!storage::is_operation(record) && verify::may_be_shown(verdict)) continue;
    view.verdict = verify::to_string(verdict);
    view.complete = verify::is_complete(verdict);
    json["cases"].push_back(case_row(view));
  }
  CASEBOX_TRY(const auto lost, storage::lost_cases(store));
  for (const CaseId id : lost) {
    CaseView view;
    view.case_id = to_string(id);
    view.verdict = verify::to_string(storage::report_lost(id).verdict);
    json["cases"].push_back(case_row(view));
  }
  return Response{200, "application/json", to_text(json), {}};
}

}  // namespace

void register_api(Router& router, const storage::Store& store, CaseSessions& sessions) {
  router.add("/api/cases", [&store, &sessions](const Request& request) {
    return list_cases(store, sessions, request.stale);
  });
  router.add("/api/cases/{id}", [&store, &sessions](const Request& request) -> Result<Response> {
    CASEBOX_TRY(auto lease, sessions.reopen(request.params.at("id"), unproven(request)));
    CASEBOX_TRY(const CaseView* view, lease->view());
    CASEBOX_TRY(const CaseId id, parse_id<CaseId>(view->case_id));
    CASEBOX_TRY(const uint64_t quarantined, quarantined_of(store, id));
    Json json = case_document(*view);
    json["quarantined"] = quarantined;
    json["stale"] = request.stale;
    return Response{200, "application/json", to_text(json), {{"Casebox-Verdict", view->verdict}}};
  });
  router.add("/api/cases/{id}/samples", with_case(sessions, samples_response));
  router.add("/api/cases/{id}/twin", with_case(sessions, twin_response));
  router.add("/api/cases/{id}/media/{stream}", with_case(sessions, media_list_response));
  router.add("/api/cases/{id}/media/{stream}/init", with_case(sessions, media_init_response));
  router.add("/api/cases/{id}/media/{stream}/data", with_case(sessions, media_data_response));
  router.add("/api/cases/{id}/findings/{finding}", with_case(sessions, evidence_response));
}

}  // namespace casebox::tools::web
