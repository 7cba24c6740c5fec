#include "tools/analyses/departure_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analytics/conformance/conform.h"
#include "tools/cli/names.h"
#include "tools/findings/norms.h"
#include "tools/query/facts.h"

namespace casebox::tools {
namespace {

namespace conformance = analytics::conformance;
using analytics::spc::CaseValue;

constexpr const char* kNotJudged =
    "too long to compare with the norm exactly, so its departures are not known for certain";

std::string text(const NormName& norm) {
  return fmt::format("{} (sha256 {})", norm.id, norm.sha256.substr(0, 12));
}

CaseValue count(const query::CaseFacts& facts, const NormName& norm) {
  const Compared& comparison = facts.comparison;
  const std::string again = "casebox analyze conformance --case " + to_string(facts.id);
  if (facts.sealed) return {{}, "no key opens it"};
  switch (comparison.outcome) {
    case Compared::Outcome::kNever:
      return {{}, "not compared with a norm; to count it run " + again};
    case Compared::Outcome::kSkipped:
      return {{},
              "not compared, as " + comparison.reason + "; to count it run " + again +
                  " --protocol NORM"};
    case Compared::Outcome::kFailed:
      return {{}, "its comparison failed (" + comparison.reason + "); to count it run " + again};
    case Compared::Outcome::kRan: break;
  }
  if (comparison.norm != norm)
    return {{},
            "compared with " + text(comparison.norm) + ", another norm; to count it run " + again +
                " --protocol NORM"};
  if (!comparison.judged) return {{}, kNotJudged};
  const auto certain = std::ranges::count(facts.departures, name_of(v1::CERTAINTY_CERTAIN),
                                          &query::DepartureFact::certainty);
  return {static_cast<double>(certain), ""};
}

Result<DepartureCounts> of_store(const Args& args, const Cohort& cohort) {
  DepartureCounts out;
  std::vector<query::CaseFacts> facts;
  std::map<NormName, size_t> norms;
  for (CaseId id : cohort.ids) {
    CASEBOX_TRY(const auto record, cohort.store->store().find_case(id));
    if (!record) return Error{Code::kNotFound, to_string(id) + ": not in this store"};
    CASEBOX_TRY(auto one, query::read_facts(*cohort.store, *record, keyring::Purpose::kAnalysis,
                                            false, true));
    if (one.comparison.ran()) ++norms[one.comparison.norm];
    out.frames.push_back(one.comparison_frames);
    facts.push_back(std::move(one));
  }
  if (args.has("--protocol")) {
    CASEBOX_TRY(const NormFile file, load_norm(args.text("--protocol")));
    out.norm = {file.norm.name(), file.sha256};
  } else if (norms.size() == 1) {
    out.norm = norms.begin()->first;
  } else if (norms.size() > 1) {
    std::string list;
    for (const auto& [norm, cases] : norms)
      list += fmt::format("{}{}: {} cases", list.empty() ? "" : ", ", text(norm), cases);
    return Error{Code::kInvalidArgument,
                 "--measure departures: these cases were compared with different norms, and their "
                 "departures do not count the same (" +
                     list + "); give --protocol to count those of one"};
  }
  for (const query::CaseFacts& one : facts) out.values.push_back(count(one, out.norm));
  return out;
}

Result<DepartureCounts> of_log(const Args& args, const Cohort& cohort) {
  if (!args.has("--protocol"))
    return Error{Code::kInvalidArgument,
                 "--measure departures compares the cases of a log with a norm; give --protocol"};
  CASEBOX_TRY(const NormFile file, load_norm(args.text("--protocol")));
  CASEBOX_TRY(auto conformer, conformance::Conformer::create(file.norm, {}));
  DepartureCounts out;
  out.norm = {file.norm.name(), file.sha256};
  out.frames.resize(cohort.log.traces.size());
  for (const analytics::Trace& trace : cohort.log.traces) {
    const conformance::CaseResult result = conformer->conform(cohort.log, trace, {});
    const bool judged = result.exact && result.count(v1::CERTAINTY_UNSPECIFIED) == 0;
    out.values.push_back(
        judged ? CaseValue{static_cast<double>(result.count(v1::CERTAINTY_CERTAIN)), ""}
               : CaseValue{{}, kNotJudged});
  }
  return out;
}

}  // namespace

Result<void> put_norm(const NormName& norm, CohortResult& out) {
  if (norm.id.empty()) return ok();
  CASEBOX_TRY(const Bytes digest, from_hex(norm.sha256));
  out.run.set_protocol(norm.id);
  out.run.set_protocol_sha256(digest);
  out.json["protocol"] = norm.id;
  out.json["protocol_sha256"] = norm.sha256;
  out.text = fmt::format("Certain departures from {} (sha256 {}).\n", norm.id, norm.sha256);
  return ok();
}

Result<DepartureCounts> departure_counts(const Args& args, const Cohort& cohort) {
  return cohort.from_store() ? of_store(args, cohort) : of_log(args, cohort);
}

}  // namespace casebox::tools
