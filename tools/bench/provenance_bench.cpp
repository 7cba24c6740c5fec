// From a printed number down to the bytes it rests on (B15): a simulated case is recorded, stored
// and analysed; then each of its findings is asked for as `casebox why` does, from opening the
// store to comparing the hashes of the frames.

#include <fmt/format.h>

#include <algorithm>

#include "recorder/recorder.h"
#include "tools/analysis.h"
#include "tools/bench/bench.h"
#include "tools/chain.h"

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

}  // namespace

Result<void> run_provenance(const Context& context, std::vector<Figure>& figures) {
  StoreOptions where;
  where.store = context.dir / "provenance";
  where.write = where.create = true;
  where.subject = "casebox bench";
  CASEBOX_TRY(const Analysis analysis, make_store(context, where));
  where.write = where.create = false;
  std::vector<double> seconds;
  size_t with_chain = 0;
  for (const v1::Finding& finding : analysis.findings) {
    const Stopwatch watch;
    CASEBOX_TRY(auto access, StoreAccess::open(where));
    CASEBOX_TRY(const StoredFinding stored, find_finding(*access, to_hex(finding.id())));
    CASEBOX_TRY(const Json chain, chain_json(*access, stored));
    with_chain += !chain["entities"].empty() && all_unchanged(chain);
    seconds.push_back(watch.seconds());
  }
  if (seconds.empty())
    return Error{Code::kInternal, "B15: the simulated case has no findings; report this"};
  std::ranges::sort(seconds);
  Figure share;
  share.id = "B15.findings_with_a_chain";
  share.name = fmt::format("Findings of a simulated case, of {}, whose sources are all there",
                           seconds.size());
  share.value = 100. * static_cast<double>(with_chain) / static_cast<double>(seconds.size());
  share.unit = "%";
  figures.push_back(share);
  Figure p95;
  p95.id = "B15.why.p95";
  p95.name = "From opening the store to the compared hashes, 95th percentile over findings";
  p95.value = 1e3 * seconds[std::min(seconds.size() - 1, seconds.size() * 95 / 100)];
  p95.unit = "ms";
  p95.higher_is_better = false;
  figures.push_back(p95);
  return ok();
}

}  // namespace casebox::tools::bench
