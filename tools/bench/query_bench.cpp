// Opening a store, opening a case in it with its verdict, and reading 10 s of six waves out of it:
// warm (just read) and cold (the kernel was asked to forget the store's files, the store opened
// anew).

#include <array>
#include <ctime>
#include <random>

#include "proto/keyring/keystore.h"
#include "storage/reader/case_reader.h"
#include "tools/bench/bench.h"
#include "tools/bench/recording.h"

namespace casebox::tools::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kWindow = 10;  // s
constexpr std::array<std::array<const char*, 2>, 6> kWaves = {{{"monitor.ecg", "ECG_II"},
                                                               {"monitor.pleth", "PLETH"},
                                                               {"anaesthesia.waves", "PAW"},
                                                               {"anaesthesia.waves", "FLOW"},
                                                               {"anaesthesia.waves", "CO2"},
                                                               {"insufflator.state", "P_ACTUAL"}}};

/// Reads one window; returns how many samples there were.
Result<uint64_t> read_window(const storage::CaseReader& reader, double from_s) {
  const storage::Span span{CaseTime{} + from_seconds(from_s),
                           CaseTime{} + from_seconds(from_s + kWindow)};
  uint64_t samples = 0;
  for (const auto& wave : kWaves)
    CASEBOX_CHECK(
        reader.samples(wave[0], wave[1], span, [&](const storage::SampleRun& run) -> Result<void> {
          samples += run.values.size();
          return ok();
        }));
  return samples;
}

Figure milliseconds_of(const char* id, const char* name, const std::vector<double>& seconds) {
  Figure figure;
  figure.id = id;
  figure.name = name;
  figure.value = median(seconds) * 1e3;
  figure.unit = "ms";
  figure.higher_is_better = false;
  return figure;
}

/// What an opening with its verdict costs the processor, for as many frames as a life-length case
/// has.
Result<Figure> opening_of(const storage::Store& store, CaseId id) {
  constexpr double kLifeLength = 100'000;  // frames
  std::vector<double> cpu_s;
  for (int i = 0; i < 5; ++i) {
    const std::clock_t begin = std::clock();
    CASEBOX_TRY(const auto opened, storage::verify_case(store, id, {}, storage::Depth::kLeaves));
    const double cpu = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    if (!verify::may_be_shown(opened.report.verdict))
      return Error{Code::kInternal, "bench query: the case does not verify"};
    cpu_s.push_back(cpu * kLifeLength / static_cast<double>(opened.report.frames));
  }
  return milliseconds_of("case.open_cpu_ms", "opening a case with its verdict, per 100,000 frames",
                         cpu_s);
}

}  // namespace

Result<void> run_query(const Context& context, std::vector<Figure>& figures) {
  const fs::path dir = context.dir / "query";
  RecordingOptions how;
  how.seconds = context.case_seconds;
  how.seed = context.seed;
  CASEBOX_TRY(const Recording recording, make_recording(dir, how));
  CASEBOX_CHECK(fill_store(recording, dir / "store"));
  SystemClock clock;
  CASEBOX_TRY(auto keystore, keyring::Keystore::open(recording.keys, clock));
  keyring::Keyring keyring(keystore.get(), "casebox bench");

  std::mt19937_64 random(context.seed);
  std::uniform_real_distribution<double> anywhere(0, context.case_seconds - kWindow);
  storage::Options read_only;
  read_only.read_only = true;
  std::vector<double> open_s, cold_s, warm_s;
  constexpr int kCold = 9, kWarm = 50;
  for (int i = 0; i < kCold; ++i) {
    forget_cached(dir / "store");
    const Stopwatch opening;
    CASEBOX_TRY(auto store, storage::Store::open(dir / "store", read_only));
    open_s.push_back(opening.seconds());
    const Stopwatch cold;
    CASEBOX_TRY(auto reader, storage::CaseReader::open(*store, recording.case_id, keyring,
                                                       keyring::Purpose::kAnalysis));
    CASEBOX_TRY(const uint64_t samples, read_window(*reader, anywhere(random)));
    cold_s.push_back(cold.seconds());
    if (samples < 1000)
      return Error{Code::kInternal, "bench query: the window holds too few samples"};
    if (i > 0) continue;
    CASEBOX_TRY(auto figure, opening_of(*store, recording.case_id));
    figures.push_back(std::move(figure));
    for (int k = 0; k < kWarm; ++k) {
      const double from = anywhere(random);
      CASEBOX_CHECK(read_window(*reader, from));  // the first read brings it in
      const Stopwatch warm;
      CASEBOX_CHECK(read_window(*reader, from));
      warm_s.push_back(warm.seconds());
    }
  }
  figures.push_back(milliseconds_of("query.window.warm_ms", "10 s of six waves, warm", warm_s));
  figures.push_back(milliseconds_of(
      "query.window.cold_ms", "10 s of six waves, from disk, opening the case included", cold_s));
  figures.push_back(milliseconds_of("store.open_ms", "opening a store, from disk", open_s));
  std::error_code ec;
  fs::remove_all(dir, ec);
  return ok();
}

}  // namespace casebox::tools::bench
