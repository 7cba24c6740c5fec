// casebox simulate: an operating room with known truth. Writes truth.json to compare with, and a
// recorder configuration whose source is the same room, so that `casebox record --config
// DIR/recorder.yaml` records what truth.json tells.

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "proto/vocabulary/vocabulary.h"
#include "recorder/sim/room.h"
#include "recorder/sim/truth.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

namespace sim = recorder::sim;

Result<void> write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out)
    return Error{Code::kIo, file.string() + ": cannot be written; check the folder and free space"};
  return ok();
}

Result<sim::Options> options_of(const Args& args) {
  sim::Options options;
  options.procedure = args.text("--procedure");
  if (!vocabulary::is_code(options.procedure))
    return Error{Code::kInvalidArgument, std::string("--procedure: is no code; ") +
                                             vocabulary::kCodeForm +
                                             ", such as lap-cholecystectomy"};
  if (args.integer("--seed") < 0)
    return Error{Code::kInvalidArgument, "--seed: is negative; write a number from 0 up"};
  options.seed = static_cast<uint64_t>(args.integer("--seed"));
  options.duration_scale = args.number("--duration-scale");
  options.clean = args.flag("--clean");
  options.phase_marks = !args.flag("--no-phase-marks");
  options.video = !args.flag("--no-video");
  for (const std::string& item : args.list("--faults")) {
    for (size_t from = 0; from <= item.size();) {
      const size_t comma = std::min(item.find(',', from), item.size());
      if (comma > from) options.faults.insert(item.substr(from, comma - from));
      from = comma + 1;
    }
  }
  if (options.clean && !options.faults.empty())
    return Error{Code::kInvalidArgument, "--faults: cannot be had with --clean; leave one out"};
  return options;
}

std::string recorder_yaml(const sim::Options& options, const std::filesystem::path& dir,
                          double speed) {
  std::string faults;
  for (const std::string& fault : options.faults) faults += (faults.empty() ? "" : ", ") + fault;
  // A path in double quotes, where backslash and quote need an escape.
  const auto quoted = [](const std::filesystem::path& path) {
    std::string out = "\"";
    for (char c : path.string())
      out += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
    return out + '"';
  };
  return fmt::format(
      "# Records the simulated case that truth.json tells of.\n"
      "room: or-sim\nprocedure: {}\nspool_dir: {}\nkeystore_dir: {}\n"
      "consent: [record, quality, patient-briefing]\n"
      "sources:\n  - name: room\n    type: simulator\n    as_fast_as_possible: {}\n    simulator:\n"
      "      seed: {}\n      duration_scale: {}\n      clean: {}\n      faults: [{}]\n"
      "      no_phase_marks: {}\n      no_video: {}\n      speed: {}\n",
      options.procedure, quoted(dir / "spool"), quoted(dir / "keys"), speed == 0, options.seed,
      options.duration_scale, options.clean, faults, !options.phase_marks, !options.video, speed);
}

Result<int> run_simulate(const Args& args) {
  CASEBOX_TRY(const sim::Options options, options_of(args));
  const double speed = args.flag("--fast") ? 0 : args.number("--speed");
  if (!(speed >= 0 && speed <= 1000))
    return Error{Code::kInvalidArgument,
                 "--speed: must lie in 0 to 1000; 1 is real time, 0 as fast as possible"};
  CASEBOX_TRY(auto room, sim::Room::open(options));
  std::error_code failed;
  std::filesystem::create_directories(args.text("--out"), failed);
  if (failed)
    return Error{Code::kIo,
                 args.text("--out") + ": " + failed.message() + "; name a folder that can be made"};
  const std::filesystem::path dir = std::filesystem::absolute(args.text("--out"));

  // The room is run to its end, so that it can tell what it sent.
  {
    Progress progress("simulating", static_cast<uint64_t>(room->plan().duration_s), "s");
    std::vector<sim::Packet> packets;
    for (uint64_t second = 0;; ++second) {
      CASEBOX_TRY(const bool more, room->next(packets));
      if (!more) break;
      progress.update(second);
    }
  }
  CASEBOX_CHECK(write_file(dir / "truth.json", sim::truth_json(*room)));
  CASEBOX_CHECK(write_file(dir / "recorder.yaml", recorder_yaml(options, dir, speed)));

  if (args.json()) {
    Json doc = document("simulate");
    doc["procedure"] = options.procedure;
    doc["seed"] = std::to_string(options.seed);
    doc["seconds"] = room->plan().duration_s;
    doc["truth"] = (dir / "truth.json").string();
    doc["config"] = (dir / "recorder.yaml").string();
    Json& streams = doc["streams"] = Json::array();
    for (size_t i = 0; i < room->streams().size(); ++i)
      streams.push_back({{"name", room->streams()[i].name()}, {"sent", room->counts()[i].sent}});
    print(doc);
  } else {
    std::printf("%.0f s of %s, seed %llu: %zu phases, %zu departures planted\n",
                room->plan().duration_s, options.procedure.c_str(),
                static_cast<unsigned long long>(options.seed), room->plan().phases.size(),
                room->plan().departures.size());
    std::printf("%s\n%s\n", (dir / "truth.json").c_str(), (dir / "recorder.yaml").c_str());
  }
  return 0;
}

}  // namespace

const Command kSimulateCommand{
    "simulate",
    "An operating room with known truth: a recorder configuration, and truth.json to compare with",
    {{"--procedure", ArgKind::kText, "Code of the operation", "lap-cholecystectomy"},
     {"--seed", ArgKind::kInteger, "What the case is drawn from", "1"},
     {"--out", ArgKind::kText, "Folder for truth.json and recorder.yaml", "", true},
     {"--speed", ArgKind::kNumber, "Recording speed, times real time; 0: as fast as possible", "0"},
     {"--fast", ArgKind::kFlag, "The same as --speed 0"},
     {"--duration-scale", ArgKind::kNumber, "Multiplies the length of phases", "1"},
     {"--faults", ArgKind::kList,
      "Exactly these faults, separated by commas; else the seed chooses"},
     {"--clean", ArgKind::kFlag, "Plant nothing; all clocks are right"},
     {"--no-phase-marks", ArgKind::kFlag, "No phase.begin and phase.end in team.marks"},
     {"--no-video", ArgKind::kFlag, "No scope and room video"}},
    run_simulate,
    "Faults: missing extra order time unobserved justified ambiguous clock-offset clock-drift "
    "clock-reset "
    "clock-broken dropout-known dropout-unknown loss duplicate reorder late-forecast "
    "instrument-noise phase-missing"};

}  // namespace casebox::tools
