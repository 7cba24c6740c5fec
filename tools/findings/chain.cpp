#include "tools/findings/chain.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include "tools/cli/names.h"
#include "tools/documents/parts.h"
#include "tools/findings/study.h"

namespace casebox::tools {
namespace {

/// "topic/3" and "kafka/topic/3" to topic and partition; anything else is a log's name.
void put_origin(Json& out, const v1::SourceRange& range) {
  const std::string& from = range.read_from();
  const size_t slash = from.rfind('/');
  uint32_t partition = 0;
  bool numbered = false;
  if (slash != std::string::npos) {
    const char* end = from.data() + from.size();
    const auto read = std::from_chars(from.data() + slash + 1, end, partition);
    numbered = read.ec == std::errc() && read.ptr == end;
  }
  out["read_from"] = from;
  out["topic"] = numbered ? Json(from.substr(0, slash)) : Json(nullptr);
  out["partition"] = numbered ? Json(partition) : Json(nullptr);
  out["first_offset"] = std::to_string(range.first_offset());
  out["last_offset"] = std::to_string(range.last_offset());
}

/// Hashes ranges again, each in the case whose frames they are. Needs no keys, and opens none.
class Rehash {
 public:
  Rehash(StoreAccess& access, CaseId own) : access_(access), own_(own) {}

  bool unchanged(const v1::SourceRange& range) {
    auto other = id_from_bytes<CaseId>(range.case_id());
    const CaseId id = other ? *other : own_;
    auto& reader = readers_[id];
    if (!reader) {
      auto opened = access_.read_accounting(id);
      if (!opened) return false;  // the case is not in this store
      reader = std::move(*opened);
    }
    const auto now =
        reader->source_range(Epoch{range.epoch()}, StreamId{range.stream_id()},
                             ItemNumber{range.first_number()}, ItemNumber{range.last_number()});
    return now && now->sha256() == range.sha256();
  }

 private:
  StoreAccess& access_;
  CaseId own_;
  std::map<CaseId, std::unique_ptr<storage::CaseReader>> readers_;
};

}  // namespace

Json run_json(const v1::AnalysisRun& run) {
  Json out;
  out["job"] = run.job();
  out["job_version"] = run.job_version();
  out["binary"] = run.binary();
  out["binary_sha256"] = to_hex(run.binary_sha256());
  out["config"] = to_hex(run.config_sha256());
  out["protocol"] = run.protocol().empty() ? Json(nullptr) : Json(run.protocol());
  out["protocol_sha256"] =
      run.protocol_sha256().empty() ? Json(nullptr) : Json(to_hex(run.protocol_sha256()));
  out["seed"] = std::to_string(run.seed());
  out["order"] = run.order_basis();
  return out;
}

Result<Json> chain_json(StoreAccess& access, const StoredFinding& stored) {
  Json out;
  out["case_id"] = to_string(stored.case_id);
  out["study"] = nullptr;
  if (stored.study) {
    CASEBOX_TRY(const Study study, open_study(access, stored.case_id));
    const StudyQuestion asked = study.question.value_or(StudyQuestion{});
    out["study"] = {{"job", asked.job}, {"cohort", asked.cohort}, {"options", asked.options}};
  }
  out["finding"] = finding_json(stored.finding);
  out["in_force"] = stored.in_force;
  out["run"] = run_json(stored.finding.run());
  out["entities"] = Json::array();
  std::vector<v1::SourceRange> ranges(stored.finding.sources().begin(),
                                      stored.finding.sources().end());
  ranges.insert(ranges.end(), stored.inputs.begin(), stored.inputs.end());
  Rehash rehash(access, stored.case_id);
  for (const v1::SourceRange& range : ranges) {
    Json one = sources_json(std::vector<v1::SourceRange>{range})[0];
    if (!one.contains("case_id")) one["case_id"] = to_string(stored.case_id);
    put_origin(one, range);
    one["unchanged"] = rehash.unchanged(range);
    out["entities"].push_back(std::move(one));
  }
  CASEBOX_TRY(const auto reader, access.read_case(stored.case_id, keyring::Purpose::kView));
  out["video"] = Json::array();
  for (const v1::Stream& stream : reader->streams())
    if (stream.kind() == v1::STREAM_KIND_VIDEO && analytics::finding::placed(stored.finding))
      out["video"].push_back({{"stream", stream.name()},
                              {"t0_s", seconds_of(stored.finding.t0_ns())},
                              {"t1_s", seconds_of(stored.finding.t1_ns())}});
  return out;
}

bool all_unchanged(const Json& chain) {
  return std::ranges::all_of(chain["entities"],
                             [](const Json& one) { return one["unchanged"].get<bool>(); });
}

}  // namespace casebox::tools
