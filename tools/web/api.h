#pragma once

// The review API: every route of docs/api.md, over the open cases. Reads only.
//
// Thread safety: register_api once, before the server starts; the handlers are safe.

#include "tools/web/case_session.h"
#include "tools/web/router.h"

namespace casebox::tools::web {

void register_api(Router& router, const storage::Store& store, CaseSessions& sessions);

// The parts, one file each.
Result<Response> samples_response(OpenCase& open, const Request& request);
Result<Response> twin_response(OpenCase& open, const Request& request);
Result<Response> media_list_response(OpenCase& open, const Request& request);
Result<Response> media_init_response(OpenCase& open, const Request& request);
Result<Response> media_data_response(OpenCase& open, const Request& request);
Result<Response> evidence_response(OpenCase& open, const Request& request);

}  // namespace casebox::tools::web
