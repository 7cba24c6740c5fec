// What a log says by itself, and how fast a log is read: figures B4, B5 and B6 of the analytics,
// against pm4py on the same file.

#include <fmt/format.h>

#include <functional>

#include "analytics/discovery/directly_follows.h"
#include "analytics/discovery/temporal_profile.h"
#include "analytics/discovery/variants.h"
#include "analytics/readers/xes_reader.h"
#include "tools/bench/bench.h"
#include "tools/bench/log_generator.h"
#include "tools/bench/peer.h"

namespace casebox::tools::bench {
namespace {

namespace discovery = analytics::discovery;
using analytics::EventLog;
using analytics::OrderBasis;

/// Middle of as many runs as fit into the time, at least three.
double seconds_of(double budget_s, const std::function<void()>& work) {
  std::vector<double> took;
  const Stopwatch whole;
  while (took.size() < 3 || (whole.seconds() < budget_s && took.size() < 50)) {
    const Stopwatch one;
    work();
    took.push_back(one.seconds());
  }
  return median(std::move(took));
}

/// Reads the file and measures, in a process that does nothing else.
Result<Apart> ours(const Context& context, const std::filesystem::path& file,
                   const std::function<Json(const EventLog&)>& measure) {
  return run_apart([&]() -> Result<Json> {
    const Stopwatch reading;
    CASEBOX_TRY(const EventLog log, analytics::readers::read_xes(file));
    const double read_s = reading.seconds();
    Json out = measure(log);
    out["read_s"] = read_s;
    out["events"] = log.event_count();
    out["budget_s"] = context.seconds;
    return out;
  });
}

/// The same of the peer: {<work>_s, peak_rss_bytes, peer, peer_version}.
Result<std::optional<Apart>> theirs(const Context& context, const char* work,
                                    const std::filesystem::path& file) {
  if (!context.peers) return std::optional<Apart>();
  CASEBOX_TRY(Apart run, run_peer(*context.peers, "logs.py", {work, file.string()}));
  return std::optional<Apart>(std::move(run));
}

/// Events a second, or bytes, of both.
class DiscoveryPair {
 public:
  DiscoveryPair(const Apart& own, const std::optional<Apart>& peer) : own_(own), peer_(peer) {}

  Figure rate(const std::string& id, const std::string& name, const char* key) const {
    const auto events = own_.document["events"].get<double>();
    Figure out{id, name, events / own_.document[key].get<double>(), "events/s"};
    if (peer_) out.peer_value = events / peer_->document[key].get<double>();
    return with_peer(std::move(out));
  }
  Figure memory(const std::string& id, const std::string& name) const {
    Figure out{id, name, static_cast<double>(own_.peak_rss_bytes), "bytes", false};
    if (peer_) out.peer_value = static_cast<double>(peer_->peak_rss_bytes);
    return with_peer(std::move(out));
  }

 private:
  Figure with_peer(Figure out) const {
    if (!peer_) return out;
    out.peer = peer_->document["peer"].get<std::string>();
    out.peer_version = peer_->document["peer_version"].get<std::string>();
    return out;
  }

  const Apart& own_;
  const std::optional<Apart>& peer_;
};

std::string thousands(uint64_t n) { return fmt::format("{} k", n / 1000); }

Result<void> profile_and_reading(const Context& context, std::vector<Figure>& figures) {
  const auto file = context.dir / "profile.xes.gz";
  LogShape shape;
  shape.seed = context.seed;
  CASEBOX_TRY(const GeneratedLog made, write_log(file, shape));
  const std::string size = thousands(made.events) + " events";

  CASEBOX_TRY(const Apart profiled, ours(context, file, [&](const EventLog& log) -> Json {
                const double took = seconds_of(context.seconds, [&] {
                  discovery::temporal_profile(log, discovery::PairRule::kAll);
                });
                return {{"profile_s", took}};
              }));
  CASEBOX_TRY(const auto peer_profiled, theirs(context, "profile", file));
  const DiscoveryPair profile(profiled, peer_profiled);
  figures.push_back(profile.rate("B4", "temporal profile, all pairs, " + size, "profile_s"));
  figures.push_back(profile.memory("B4.memory", "most memory held by it, reading included"));

  CASEBOX_TRY(const Apart read,
              ours(context, file, [](const EventLog&) { return Json::object(); }));
  CASEBOX_TRY(const auto peer_read, theirs(context, "read", file));
  const DiscoveryPair reading(read, peer_read);
  figures.push_back(reading.rate(
      "B6",
      fmt::format("reading .xes.gz, {:.0f} MB of XML", static_cast<double>(made.xml_bytes) * 1e-6),
      "read_s"));
  figures.push_back(reading.memory("B6.memory", "most memory held by it"));
  return ok();
}

Result<void> graph_and_variants(const Context& context, std::vector<Figure>& figures) {
  const auto file = context.dir / "graph.xes.gz";
  LogShape shape;
  shape.events = 1'000'000;
  shape.seed = context.seed;
  CASEBOX_TRY(const GeneratedLog made, write_log(file, shape));
  const std::string size = thousands(made.events) + " events";
  CASEBOX_TRY(const Apart own, ours(context, file, [&](const EventLog& log) -> Json {
                const double dfg = seconds_of(
                    context.seconds, [&] { discovery::count_arcs(log, OrderBasis::kStart); });
                // The peer's table is in order and it does not sort again: so here.
                const auto sequences = discovery::sequences_of(log, OrderBasis::kStart);
                const double variants = seconds_of(
                    context.seconds, [&] { discovery::variants_of(sequences, log.activities); });
                return {{"dfg_s", dfg}, {"variants_s", variants}};
              }));
  CASEBOX_TRY(const auto peer, theirs(context, "graph", file));
  const DiscoveryPair both(own, peer);
  figures.push_back(both.rate("B5.dfg", "directly-follows graph, " + size, "dfg_s"));
  figures.push_back(both.rate("B5.variants", "variants, " + size + " in order", "variants_s"));
  return ok();
}

}  // namespace

Result<void> run_logs(const Context& context, std::vector<Figure>& figures) {
  CASEBOX_CHECK(profile_and_reading(context, figures));
  return graph_and_variants(context, figures);
}

}  // namespace casebox::tools::bench
