#include "tools/web/api.h"

#include "tools/cli/json.h"
#include "tools/web/case_json.h"

namespace casebox::tools::web {
namespace {

using Part = Result<Response> (*)(OpenCase&, const Request&);

Router::Handler with_case(CaseSessions& sessions, Part part) {
  return [&sessions, part](const Request& request) -> Result<Response> {
    CASEBOX_TRY(auto lease, sessions.open(request.params.at("id")));
    return part(*lease.open, request);
  };
}

Result<Response> list_cases(const storage::Store& store) {
  CASEBOX_TRY(auto records, store.operations());
  Json json = document("api.cases");
  json["cases"] = Json::array();
  for (const v1::CaseRecord& record : records)
    json["cases"].push_back(case_row(summarize_case(record)));
  return Response{200, "application/json", json.dump(), {}};
}

}  // namespace

void register_api(Router& router, const storage::Store& store, CaseSessions& sessions) {
  router.add("/api/cases", [&store](const Request&) { return list_cases(store); });
  router.add("/api/cases/{id}", [&sessions](const Request& request) -> Result<Response> {
    CASEBOX_TRY(auto lease, sessions.reopen(request.params.at("id")));
    CASEBOX_TRY(const CaseView* view, lease->view());
    return Response{200,
                    "application/json",
                    case_document(*view).dump(-1, ' ', false, Json::error_handler_t::replace),
                    {}};
  });
  router.add("/api/cases/{id}/samples", with_case(sessions, samples_response));
  router.add("/api/cases/{id}/twin", with_case(sessions, twin_response));
  router.add("/api/cases/{id}/media/{stream}", with_case(sessions, media_list_response));
  router.add("/api/cases/{id}/media/{stream}/init", with_case(sessions, media_init_response));
  router.add("/api/cases/{id}/media/{stream}/data", with_case(sessions, media_data_response));
  router.add("/api/cases/{id}/findings/{finding}", with_case(sessions, evidence_response));
}

}  // namespace casebox::tools::web
