// The evidence of a finding: finding -> run -> source frames, their stated hash and the hash of
// what is stored now -> the video second.

#include <algorithm>

#include "analytics/finding/finding.h"
#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/web/api.h"
#include "tools/web/case_json.h"

namespace casebox::tools::web {
namespace {

Json run_json(const v1::AnalysisRun& run) {
  return {{"job", run.job()},
          {"job_version", run.job_version()},
          {"binary", run.binary()},
          {"binary_sha256", to_hex(run.binary_sha256())},
          {"config_sha256", to_hex(run.config_sha256())},
          {"protocol", run.protocol()},
          {"protocol_sha256", to_hex(run.protocol_sha256())},
          {"seed", std::to_string(run.seed())},
          {"order_basis", run.order_basis()}};
}

Json source_json(const OpenCase& open, const v1::SourceRange& source) {
  Json json = {{"stream", source.stream()},
               {"stream_id", source.stream_id()},
               {"epoch", to_string(Epoch{source.epoch()})},
               {"first_number", std::to_string(source.first_number())},
               {"last_number", std::to_string(source.last_number())},
               {"t0_s", seconds_of(source.t0_ns())},
               {"t1_s", seconds_of(source.t1_ns())},
               {"sha256", to_hex(source.sha256())},
               {"read_from", source.read_from()},
               {"first_offset", std::to_string(source.first_offset())},
               {"last_offset", std::to_string(source.last_offset())}};
  auto now = open.reader().source_range(Epoch{source.epoch()}, StreamId{source.stream_id()},
                                        ItemNumber{source.first_number()},
                                        ItemNumber{source.last_number()});
  if (now) {
    json["sha256_now"] = to_hex(now->sha256());
    json["identical"] = now->sha256() == source.sha256();
  } else {
    json["sha256_now"] = nullptr;
    json["identical"] = false;
    json["problem"] = now.error().message;
  }
  return json;
}

/// True when a fragment of the video shows this moment.
Result<bool> recorded_at(OpenCase& open, const std::string& stream, double t_s) {
  CASEBOX_TRY(const auto* list, open.fragments(stream));
  auto it = std::upper_bound(list->begin(), list->end(), t_s,
                             [](double t, const FragmentInfo& f) { return t < f.t_s; });
  if (it == list->begin()) return false;
  --it;
  return t_s < it->t_s + std::max(it->duration_s, 0.04) + 0.05;
}

}  // namespace

Result<Response> evidence_response(OpenCase& open, const Request& request) {
  CASEBOX_TRY(const CaseView* view, open.view());
  if (!view->readable) return unreadable(open, *view);
  const std::string& wanted = request.params.at("finding");
  const v1::Finding* found = nullptr;
  for (const v1::Finding& finding : view->findings) {
    if (to_hex(finding.id()) == wanted) found = &finding;
  }
  if (found == nullptr)
    return Error{Code::kNotFound, "finding: the case has none with this id; see its findings"};
  Json json = document("api.evidence");
  json["case_id"] = view->case_id;
  json["finding"] = finding_json(*found);
  json["run"] = run_json(found->run());
  json["sources"] = Json::array();
  for (const v1::SourceRange& source : found->sources())
    json["sources"].push_back(source_json(open, source));
  json["video"] = Json::array();
  const double t0 = seconds_of(found->t0_ns());
  const double t1 = std::max(t0, seconds_of(found->t1_ns()));
  for (const analytics::facts::StreamFact& stream : view->streams)
    if (stream.stream.kind() == v1::STREAM_KIND_VIDEO && analytics::finding::placed(*found)) {
      CASEBOX_TRY(const bool recorded, recorded_at(open, stream.stream.name(), t0));
      json["video"].push_back(
          {{"stream", stream.stream.name()}, {"t0_s", t0}, {"t1_s", t1}, {"recorded", recorded}});
    }
  return Response{200, "application/json", to_text(json), {}};
}

}  // namespace casebox::tools::web
