#pragma once

// Cases as JSON documents of the API (docs/api.md). Include it in .cpp files only.

#include "tools/cli/json.h"
#include "tools/report/case_view.h"

namespace casebox::tools::web {

/// One row of the case list, from the store's row alone.
Json case_row(const CaseView& view);
/// Everything the page shows of one case.
Json case_document(const CaseView& view);
/// A finding as the time line needs it.
Json finding_json(const v1::Finding& finding);

}  // namespace casebox::tools::web
