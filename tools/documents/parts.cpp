#include "tools/documents/parts.h"

#include <map>

#include "analytics/finding/finding.h"
#include "tools/cli/names.h"

namespace casebox::tools {

Json phase_json(const query::PhaseFact& phase) {
  Json out;
  out["phase"] = phase.label;
  out["level"] = phase.level;
  out["origin"] = phase.origin;
  out["by"] = phase.by;
  const auto placed = [&](double value) { return phase.placed ? Json(value) : Json(nullptr); };
  out["start_s"] = placed(phase.t0_s);
  out["end_s"] = placed(phase.t1_s);
  const auto put = [&](const std::string& name, const std::optional<query::Bound>& bound,
                       std::optional<double> u95) {
    const bool known = phase.placed && bound.has_value();
    out[name + "_low_s"] = known ? Json(bound->low_s) : Json(nullptr);
    out[name + "_high_s"] = known ? Json(bound->high_s) : Json(nullptr);
    out[name + "_u95_s"] = known ? Json(*u95) : Json(nullptr);
  };
  put("start", phase.start, phase.start_u95_s());
  put("end", phase.end, phase.end_u95_s());
  out["open"] = phase.open;
  out["finding_id"] = phase.finding_id;
  out["sources"] = sources_json(phase.sources);
  return out;
}

Json departure_json(const query::DepartureFact& departure) {
  Json out;
  out["finding_id"] = departure.finding_id;
  out["kind"] = departure.deviation;
  out["step"] = departure.step;
  out["phase"] = departure.phase;
  out["certainty"] = departure.certainty;
  out["text"] = departure.text;
  out["t0_s"] = departure.placed ? Json(departure.t0_s) : Json(nullptr);
  out["t1_s"] = departure.placed ? Json(departure.t1_s) : Json(nullptr);
  out["sources"] = sources_json(departure.sources);
  return out;
}

Json report_json(const verify::Report& report) {
  Json out;
  out["case_id"] = to_string(report.case_id);
  out["verdict"] = verify::to_string(report.verdict);
  out["valid_to_s"] = report.valid_to_s;
  out["case_digest"] = to_hex(report.case_digest);
  out["proven"] = report.proven;
  out["not_proven"] = report.not_proven;
  out["problems"] = Json::array();
  for (const verify::Problem& problem : report.problems)
    out["problems"].push_back(
        {{"kind", problem.kind}, {"where", problem.where}, {"detail", problem.detail}});
  out["problem_counts"] = Json::object();
  for (const auto& [kind, count] : report.problem_counts) out["problem_counts"][kind] = count;
  const auto caches = report.problem_counts.find("cache");
  out["caches_differ"] = caches == report.problem_counts.end() ? 0 : caches->second;
  out["signers"] = Json::array();
  for (const verify::Signer& signer : report.signers)
    out["signers"].push_back({{"key", to_hex(Digest(signer.key))},
                              {"role", name_of(signer.role)},
                              {"name", signer.name},
                              {"listed", signer.listed ? Json(*signer.listed) : Json(nullptr)},
                              {"epochs", signer.epochs}});
  out["streams"] = Json::array();
  for (const verify::StreamReport& stream : report.streams) {
    Json one;
    one["stream_id"] = stream.stream.value;
    one["stream"] = stream.name;
    one["epochs"] = stream.epochs;
    one["first_number"] = std::to_string(stream.first_number);
    one["last_number"] = std::to_string(stream.last_number);
    one["items"] = stream.items;
    one["missing"] = stream.missing;
    one["unknown_gaps"] = stream.unknown_gaps;
    one["gap_frames"] = stream.gap_frames;
    out["streams"].push_back(std::move(one));
  }
  out["frames"] = report.frames;
  out["bytes"] = report.bytes;
  return out;
}

Json finding_json(const v1::Finding& finding) {
  Json out;
  out["finding_id"] = to_hex(finding.id());
  out["job"] = finding.run().job();
  out["kind"] = finding.kind();
  out["step"] = finding.step();
  out["certainty"] = finding.certainty() == v1::CERTAINTY_UNSPECIFIED
                         ? Json(nullptr)
                         : Json(name_of(finding.certainty()));
  out["text"] = finding.text();
  const bool placed = analytics::finding::placed(finding);
  out["t0_s"] = placed ? Json(seconds_of(finding.t0_ns())) : Json(nullptr);
  out["t1_s"] = placed ? Json(seconds_of(finding.t1_ns())) : Json(nullptr);
  // Protobuf maps have no order of their own.
  out["values"] =
      Json(std::map<std::string, double>(finding.values().begin(), finding.values().end()));
  out["labels"] =
      Json(std::map<std::string, std::string>(finding.labels().begin(), finding.labels().end()));
  out["sources"] = sources_json(finding.sources());
  return out;
}

}  // namespace casebox::tools
