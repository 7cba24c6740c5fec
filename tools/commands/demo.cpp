// casebox demo: a simulated operation recorded, stored, analysed, verified and shown, in one
// process. Each step is the one that the single commands take; the demonstration adds only the
// comparison with the truth.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <thread>

#include "recorder/recorder.h"
#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/cli/progress.h"
#include "tools/cli/stop_signal.h"
#include "tools/commands/commands.h"
#include "tools/demo/score.h"
#include "tools/findings/analysis.h"
#include "tools/store/store_access.h"
#include "tools/web/server.h"

namespace casebox::tools {
namespace {

namespace fs = std::filesystem;

v1::RecorderConfig config_of(const Args& args) {
  v1::RecorderConfig config;
  config.set_room("or-demo");
  config.set_procedure("lap-cholecystectomy");
  for (const char* scope : {"record", "quality", "patient-briefing"}) config.add_consent(scope);
  v1::SourceConfig& source = *config.add_sources();
  source.set_name("room");
  source.set_type("simulator");
  source.set_as_fast_as_possible(true);
  v1::SimulatorConfig& simulator = *source.mutable_simulator();
  simulator.set_seed(static_cast<uint64_t>(args.integer("--seed")));
  simulator.set_duration_scale(args.number("--duration-scale"));
  simulator.set_no_video(args.flag("--no-video"));
  return config;
}

struct Outcome {
  recorder::Summary recorded;
  CaseView view;
  TruthScore score;
  std::optional<analytics::twin::Check> twin;
  verify::Report verified;
  double seconds = 0;
};

Result<recorder::Summary> record_case(const Args& args, StoreAccess& access) {
  recorder::Options options;
  options.config = config_of(args);
  options.log_dir = access.log_dir("recorder");
  options.software = "casebox " + program_version();
  Progress progress("recording", 0, "s of the case");
  options.on_progress = [&](const recorder::Progress& p) {
    progress.total(static_cast<uint64_t>(p.total_s));
    progress.update(static_cast<uint64_t>(std::max(0.0, p.now.seconds())));
  };
  StopSignal stop;
  options.stop = [&] { return stop.stopped(); };
  if (access.keystore() == nullptr)
    return Error{Code::kNotFound, "the store has no keystore; name another folder with --out"};
  return recorder::record(options, *access.keystore(), access.clock());
}

Result<Outcome> play(const Args& args, const fs::path& store_dir) {
  const auto begin = std::chrono::steady_clock::now();
  StoreOptions where;
  where.store = store_dir;
  where.write = where.create = true;
  where.subject = "casebox demo";
  CASEBOX_TRY(auto access, StoreAccess::open(where));
  Outcome out;
  CASEBOX_TRY(out.recorded, record_case(args, *access));
  std::fprintf(stderr, "recorded %.0f s of a simulated operation: %llu frames, %.1f MiB\n",
               out.recorded.end.seconds(), static_cast<unsigned long long>(out.recorded.frames),
               static_cast<double>(out.recorded.bytes) / (1 << 20));
  CASEBOX_TRY(const Drained drained, access->drain());
  std::fprintf(stderr, "stored %llu frames, %llu in quarantine\n",
               static_cast<unsigned long long>(drained.frames),
               static_cast<unsigned long long>(drained.quarantined));
  CASEBOX_TRY(Analysis analysis, analyze_case(*access, out.recorded.case_id, {}));
  out.twin = std::move(analysis.outcome.twin);
  std::fprintf(stderr, "analysed\n");
  CASEBOX_TRY(auto record, access->store().find_case(out.recorded.case_id));
  if (!record) return Error{Code::kInternal, "the recorded case is not in the store"};
  CASEBOX_TRY(out.verified, access->verify(*record, storage::Depth::kBytes));
  std::fprintf(stderr, "verified: %s\n", verify::to_string(out.verified.verdict));
  CASEBOX_TRY(auto reader,
              access->open_case(to_string(out.recorded.case_id), keyring::Purpose::kView));
  CASEBOX_TRY(out.view, gather_case(*reader));
  if (out.recorded.truth.empty())
    return Error{Code::kInternal,
                 "the simulated room told no truth; the recording was ended before its case"};
  CASEBOX_TRY(out.score, score_against_truth(out.recorded.truth.begin()->second, out.view));
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return out;
}

Json to_json(const Outcome& out, const fs::path& store) {
  Json json = document("demo");
  json["case_id"] = to_string(out.recorded.case_id);
  json["case_seconds"] = out.recorded.end.seconds();
  json["seconds"] = out.seconds;
  json["streams"] = Json::array();
  for (const auto& stream : out.recorded.streams) {
    uint64_t stored = 0, missing = 0, gaps = 0;
    for (const analytics::facts::StreamFact& row : out.view.streams) {
      if (row.stream.name() != stream.name) continue;
      stored = row.items;
      missing = row.missing;
      gaps = row.gap_frames;
    }
    json["streams"].push_back({{"name", stream.name},
                               {"kind", dashed(name_of(stream.kind))},
                               {"sent", stream.sent},
                               {"stored", stored},
                               {"missing", missing},
                               {"gap_frames", gaps}});
  }
  json["phases"] = Json::array();
  for (const PhaseScore& phase : out.score.phases)
    json["phases"].push_back(
        {{"phase", phase.phase},
         {"planted_start_s", phase.planted_start_s},
         {"found_start_s", phase.found_start_s ? Json(*phase.found_start_s) : Json(nullptr)}});
  json["boundaries"] = {{"planted", out.score.boundaries()},
                        {"within_10_s", out.score.boundaries_within(10)}};
  json["departures"] = {{"planted", out.score.planted.size()},
                        {"found_certain", out.score.found_certain},
                        {"found_ambiguous", out.score.found_ambiguous},
                        {"missed", out.score.missed},
                        {"false_certain", out.score.false_certain}};
  json["twin"] = {{"forecasts", nullptr}, {"late_rejected", nullptr}, {"coverage90", nullptr}};
  if (out.twin) {
    json["twin"]["forecasts"] = out.twin->forecasts;
    json["twin"]["late_rejected"] = out.twin->late_rejected;
    if (out.twin->coverage90) json["twin"]["coverage90"] = *out.twin->coverage90;
  }
  json["verdict"] = verify::to_string(out.verified.verdict);
  json["store_path"] = store.string();
  return json;
}

void print_demo(const Outcome& out, const fs::path& store) {
  std::printf("Case %s, %.0f s, %s\n", to_string(out.recorded.case_id).c_str(),
              out.recorded.end.seconds(), verify::to_string(out.verified.verdict));
  std::printf("  phases: %u of %u boundaries found within 10 s\n", out.score.boundaries_within(10),
              out.score.boundaries());
  std::printf(
      "  departures: %zu planted, %u found, %u found as ambiguous, %u missed, %u certain ones "
      "not as planted\n",
      out.score.planted.size(), out.score.found_certain, out.score.found_ambiguous,
      out.score.missed, out.score.false_certain);
  std::printf("  store: %s\n", store.c_str());
}

/// Shows the store until a signal ends it.
Result<void> show(const Args& args, const fs::path& store_dir) {
  StoreOptions where;
  where.store = store_dir;
  where.subject = "casebox demo";
  CASEBOX_TRY(auto access, StoreAccess::open(where));
  web::Server::Options options;
  options.store = &access->store();
  options.keyring = &access->keyring();
  options.clock = &access->clock();
  options.port = static_cast<uint16_t>(args.integer("--port"));
  options.web_dir = web::find_web_dir();
  options.trust = [&access] { return access->trust_if_any(); };
  CASEBOX_TRY(auto server, web::Server::start(options));
  std::fprintf(stderr, "Review page: %s (Ctrl-C ends it)\n", server->url().c_str());
  const StopSignal stop;
  while (!stop.stopped()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  server->stop();
  return ok();
}

Result<int> run_demo(const Args& args) {
  if (args.integer("--seed") < 0)
    return Error{Code::kInvalidArgument, "--seed: is negative; write a number from 0 up"};
  const int64_t port = args.integer("--port");
  if (port < 0 || port > std::numeric_limits<uint16_t>::max())
    return Error{Code::kInvalidArgument, "--port: not a port number; give 0 (a free one) to 65535"};
  const fs::path store = fs::absolute(args.text("--out")) / "store";
  CASEBOX_TRY(const Outcome out, play(args, store));
  if (args.json()) {
    print(to_json(out, store));
  } else {
    print_demo(out, store);
  }
  std::fflush(stdout);
  if (!args.flag("--headless")) CASEBOX_CHECK(show(args, store));
  const bool whole = out.verified.verdict == verify::Verdict::kComplete ||
                     out.verified.verdict == verify::Verdict::kCompleteWithDeclaredGaps;
  return whole ? 0 : 3;
}

}  // namespace

const Command kDemoCommand{
    "demo",
    "A simulated operation: recorded, stored, analysed, verified, and shown on a page",
    {{"--out", ArgKind::kText, "Folder of the store; a second run adds a case to it",
      "casebox-demo"},
     {"--seed", ArgKind::kInteger, "What the operation is drawn from", "1"},
     {"--duration-scale", ArgKind::kNumber, "Multiplies the length of phases", "1"},
     {"--no-video", ArgKind::kFlag, "No scope and room video (quicker)"},
     {"--headless", ArgKind::kFlag, "End with the result, without the page"},
     {"--port", ArgKind::kInteger, "Port of the page on loopback; 0 takes a free one", "8420"}},
    run_demo,
    "Needs no broker, display or device. What was planted is compared with what was found; nothing "
    "of it is\n"
    "a patient's. Example: casebox demo --seed 7 --headless --json"};

}  // namespace casebox::tools
