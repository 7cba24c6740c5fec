// From a printed number down to the bytes it rests on (B15): a simulated case is recorded, stored
// and analysed; then each of its findings is asked for as `casebox why` does, from opening the
// store to comparing the hashes of the frames.

#include <fmt/format.h>

#include <algorithm>

#include "recorder/recorder.h"
#include "tools/bench/bench.h"
#include "tools/findings/analysis.h"
#include "tools/findings/chain.h"

namespace casebox::tools::bench {
namespace {

v1::RecorderConfig config_of(const Context& context) {
  v1::RecorderConfig config;
  config.set_room("or-bench");
  config.set_procedure("lap-cholecystectomy");
  for (const char* scope : {"record", "quality"}) config.add_consent(scope);
  v1::SourceConfig& source = *config.add_sources();
  source.set_name("room");
  source.set_type("simulator");
  source.set_as_fast_as_possible(true);
  v1::SimulatorConfig& simulator = *source.mutable_simulator();
  simulator.set_seed(context.seed);
  simulator.set_duration_scale(0.2);
  simulator.set_no_video(true);
  return config;
}

Result<Analysis> make_store(const Context& context, const StoreOptions& where) {
  CASEBOX_TRY(auto access, StoreAccess::open(where));
  recorder::Options options;
  options.config = config_of(context);
  options.log_dir = access->log_dir("recorder");
  options.software = "casebox bench";
  CASEBOX_TRY(const recorder::Summary recorded,
              recorder::record(options, *access->keystore(), access->clock()));
  CASEBOX_CHECK(access->drain());
  return analyze_case(*access, recorded.case_id);
}

Figure p95(const char* id, const char* name, std::vector<double> seconds) {
  std::ranges::sort(seconds);
  Figure figure;
  figure.id = id;
  figure.name = name;
  figure.value = 1e3 * seconds[std::min(seconds.size() - 1, seconds.size() * 95 / 100)];
  figure.unit = "ms";
  figure.higher_is_better = false;
  return figure;
}

}  // namespace

Result<void> run_provenance(const Context& context, std::vector<Figure>& figures) {
  StoreOptions where;
  where.store = context.dir / "provenance";
  where.write = where.create = true;
  where.subject = "casebox bench";
  CASEBOX_TRY(const Analysis analysis, make_store(context, where));
  where.write = where.create = false;
  std::vector<double> whole_s, chain_s;
  size_t with_chain = 0;
  for (const v1::Finding& finding : analysis.findings) {
    // The record of a run is no result: it is what results are traced to.
    if (finding.kind() == "run") continue;
    const Stopwatch whole;
    CASEBOX_TRY(auto access, StoreAccess::open(where));
    const Stopwatch chain;
    CASEBOX_TRY(const StoredFinding stored, find_finding(*access, to_hex(finding.id())));
    CASEBOX_TRY(const Json json, chain_json(*access, stored));
    with_chain += !json["entities"].empty() && all_unchanged(json);
    chain_s.push_back(chain.seconds());
    whole_s.push_back(whole.seconds());
  }
  if (whole_s.empty())
    return Error{Code::kInternal, "B15: the simulated case has no findings; report this"};
  Figure share;
  share.id = "B15.findings_with_a_chain";
  share.name = fmt::format("Findings of a simulated case, of {}, whose sources are all there",
                           whole_s.size());
  share.value = 100. * static_cast<double>(with_chain) / static_cast<double>(whole_s.size());
  share.unit = "%";
  figures.push_back(share);
  figures.push_back(p95("B15.why.p95",
                        "From opening the store to the compared hashes, 95th percentile",
                        std::move(whole_s)));
  figures.push_back(p95("B15.why.chain.p95", "The same in a store that is open, as in serve",
                        std::move(chain_s)));
  return ok();
}

}  // namespace casebox::tools::bench
