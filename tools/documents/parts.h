#pragma once

// Parts that several documents share, so that they mean the same everywhere (docs/formats/json.md).
// Include it in .cpp files only, as tools/cli/json.h.
//
// Thread safety: free functions.

#include "proto/verify/verify.h"
#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/query/facts.h"

namespace casebox::tools {

inline Json or_null(std::optional<double> value) { return value ? Json(*value) : Json(nullptr); }

/// sources[{case_id epoch stream_id stream first_number last_number t0_s t1_s sha256}]; case_id
/// only of a study's, whose frames are those of other cases.
template <typename Ranges>
Json sources_json(const Ranges& ranges) {
  Json out = Json::array();
  for (const v1::SourceRange& range : ranges) {
    Json one;
    if (auto other = id_from_bytes<CaseId>(range.case_id())) one["case_id"] = to_string(*other);
    one["epoch"] = to_string(Epoch{range.epoch()});
    one["stream_id"] = range.stream_id();
    if (!range.stream().empty()) one["stream"] = range.stream();
    one["first_number"] = std::to_string(range.first_number());
    one["last_number"] = std::to_string(range.last_number());
    one["t0_s"] = seconds_of(range.t0_ns());
    one["t1_s"] = seconds_of(range.t1_ns());
    if (!range.sha256().empty()) one["sha256"] = to_hex(range.sha256());
    out.push_back(std::move(one));
  }
  return out;
}

/// {phase level origin start_s end_s start_low_s ... open sources[]}; null where no bound is known.
Json phase_json(const query::PhaseFact& phase);
/// {finding_id kind step phase certainty text t0_s t1_s sources[]}
Json departure_json(const query::DepartureFact& departure);
/// {finding_id job kind step certainty text t0_s t1_s values labels sources[]}; certainty null
/// where it does not apply.
Json finding_json(const v1::Finding& finding);
/// The verify document's body of one case: verdict, proven[], not_proven[], problems[], streams[],
/// ...
Json report_json(const verify::Report& report);

}  // namespace casebox::tools
