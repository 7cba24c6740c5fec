#include <fmt/format.h>
#include <stdlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tools/bench/bench.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

namespace fs = std::filesystem;

/// A scratch folder that goes when the command does.
class Scratch {
 public:
  static Result<Scratch> make(const fs::path& below) {
    std::string name = (below / "casebox-bench-XXXXXX").string();
    if (!mkdtemp(name.data()))
      return Error{Code::kIo,
                   below.string() + ": no folder can be made in it; name another with --dir"};
    return Scratch(name);
  }
  ~Scratch() {
    std::error_code ec;
    if (!path_.empty()) fs::remove_all(path_, ec);
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  const fs::path& path() const { return path_; }

 private:
  explicit Scratch(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

Result<std::vector<const bench::Group*>> chosen(const std::vector<std::string>& names) {
  std::vector<const bench::Group*> out;
  for (const bench::Group& group : bench::groups())
    if (names.empty()) out.push_back(&group);
  for (const std::string& name : names) {
    const size_t before = out.size();
    std::string known;
    for (const bench::Group& group : bench::groups()) {
      known += (known.empty() ? "" : ", ") + std::string(group.name);
      if (name == group.name) out.push_back(&group);
    }
    if (out.size() == before)
      return Error{Code::kInvalidArgument,
                   "command line: no group is called " + name + "; there are " + known};
  }
  return out;
}

Json to_json(const bench::Figure& figure, const std::string& command) {
  Json out = {{"id", figure.id},
              {"name", figure.name},
              {"value", figure.value},
              {"unit", figure.unit},
              {"better", figure.higher_is_better ? "higher" : "lower"}};
  const bool compared = !figure.peer.empty() && figure.peer_value != 0;
  out["peer"] = compared ? Json(figure.peer) : Json();
  out["peer_version"] = figure.peer_version.empty() ? Json() : Json(figure.peer_version);
  out["peer_value"] = compared ? Json(figure.peer_value) : Json();
  out["ratio"] = compared ? Json(figure.value / figure.peer_value) : Json();
  out["command"] = command;
  return out;
}

Result<int> run_bench(const Args& args) {
  CASEBOX_TRY(const auto groups, chosen(args.list("GROUP")));
  bench::Context context;
  context.seconds = args.number("--seconds");
  context.case_seconds = args.number("--case-seconds");
  context.seed = static_cast<uint64_t>(args.integer("--seed"));
  context.brokers = args.text("--brokers");
  context.store = args.text("--store");
  context.keys = args.text("--keys");
  std::error_code no_program;
  context.peers =
      bench::Peers::find(args.text("--peers"), fs::read_symlink("/proc/self/exe", no_program));
  if (args.has("--data"))
    context.data = args.text("--data");
  else if (const char* data = std::getenv("CASEBOX_TEST_DATA"))
    context.data = data;
  else if (context.peers)  // beside the source tree, where the tests look for it
    context.data = context.peers->scripts.parent_path().parent_path().parent_path().parent_path() /
                   "shared" / "data";
  if (std::error_code none; !fs::is_directory(context.data / "process_logs", none))
    context.data.clear();
  if (!(context.seconds > 0 && context.seconds <= 600))
    return Error{Code::kInvalidArgument, "--seconds: must lie above 0 and be at most 600"};
  if (!(context.case_seconds >= 60 && context.case_seconds <= 36000))
    return Error{Code::kInvalidArgument, "--case-seconds: must lie in 60 to 36000"};
  const fs::path below =
      args.has("--dir") ? fs::path(args.text("--dir")) : fs::temp_directory_path();
  CASEBOX_TRY(const Scratch scratch, Scratch::make(below));
  context.dir = scratch.path();

  Json json = document("bench");
  const bench::Machine machine = bench::this_machine();
  json["machine"] = {
      {"cpu", machine.cpu}, {"cores", machine.cores}, {"memory", machine.memory_bytes}};
  json["results"] = Json::array();
  if (!args.json()) std::fprintf(stderr, "%s, %u cores\n", machine.cpu.c_str(), machine.cores);
  Progress progress("bench", groups.size(), "groups");
  for (size_t i = 0; i < groups.size(); ++i) {
    progress.label(std::string("bench ") + groups[i]->name);
    progress.update(i);
    std::vector<bench::Figure> figures;
    CASEBOX_CHECK(groups[i]->run(context, figures));
    const std::string command =
        fmt::format("casebox bench {} --seconds {} --case-seconds {} --seed {}", groups[i]->name,
                    context.seconds, context.case_seconds, context.seed);
    for (const bench::Figure& figure : figures) {
      json["results"].push_back(to_json(figure, command));
      if (args.json()) continue;
      std::string ratio;
      if (!figure.peer.empty() && figure.peer_value != 0)
        ratio = fmt::format("  {:.2f} of {}", figure.value / figure.peer_value, figure.peer);
      std::printf("%-36s %14s %-12s %s%s\n", figure.id.c_str(),
                  fmt::format("{:.{}f}", figure.value, figure.value < 100 ? 2 : 0).c_str(),
                  figure.unit.c_str(), figure.name.c_str(), ratio.c_str());
    }
  }
  if (args.json()) print(json);
  return 0;
}

}  // namespace

const Command kBenchCommand{
    "bench",
    "Measure this machine: logs, codec, ingest, windows, analyses",
    {{"GROUP", ArgKind::kList,
      "log, codec, ingest, query, logs, conformance; all when none is named"},
     {"--seconds", ArgKind::kNumber, "How long one rate is measured", "2"},
     {"--case-seconds", ArgKind::kNumber, "Length of the simulated case", "1200"},
     {"--seed", ArgKind::kInteger, "Of the simulated case", "1"},
     {"--dir", ArgKind::kText,
      "Folder on the disk to be measured (default: that for temporary files)"},
     {"--brokers", ArgKind::kText,
      "Kafka brokers: measure Kafka as well; makes topics casebox-bench-*"},
     {"--store", ArgKind::kText, "Measure the bytes per sample of this store as well"},
     {"--keys", ArgKind::kText, "Its keystore (default: <store>/keys)"},
     {"--data", ArgKind::kText,
      "Folder with process_logs/: public logs and models (default: CASEBOX_TEST_DATA, or that of "
      "the tests, where it is)"},
     {"--peers", ArgKind::kText,
      "Python with the packages that figures are compared with (default: the tests' environment, "
      "where it is); none: compare with nothing"}},
    run_bench,
    "Nothing else should run meanwhile. Figures of a build without optimisation mean nothing.\n"
    "Examples:\n"
    "  casebox bench\n"
    "  casebox bench log query --json"};

}  // namespace casebox::tools
