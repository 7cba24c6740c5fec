// What coded samples take and cost: bytes per sample, samples per second. Real waves are those of
// CASEBOX_TEST_DATA (else ../shared/data): an 11-bit ECG in WFDB format 212 and ward-monitor waves
// as CSV; where they are absent only the made-up wave runs.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "proto/codec/codec.h"

namespace {

using namespace casebox;
namespace fs = std::filesystem;

struct Wave {
  std::string name;
  size_t rate = 0;  // Hz
  std::vector<int64_t> samples;
};

fs::path data_folder() {
  if (const char* set = std::getenv("CASEBOX_TEST_DATA")) return set;
  return fs::path(CASEBOX_SOURCE_DIR) / "../shared/data";
}

Wave made_up() {
  Wave wave{"made-up", 250, {}};
  std::mt19937 random(1);
  std::normal_distribution<double> noise(0, 2);
  for (size_t i = 0; i < 250 * 600; ++i) {
    const double t = static_cast<double>(i) / 250, phase = t * 1.2 - std::floor(t * 1.2);
    const double qrs = 700 * std::exp(-std::pow((phase - 0.3) / 0.015, 2));
    const double tail = 120 * std::exp(-std::pow((phase - 0.6) / 0.06, 2));
    wave.samples.push_back(std::llround(qrs + tail + 40 * std::sin(t) + noise(random)));
  }
  return wave;
}

// WFDB format 212: two 12-bit samples of two channels in three bytes.
void add_format_212(std::vector<Wave>& waves) {
  std::ifstream file(data_folder() / "vitals/wfdb/100.dat", std::ios::binary);
  Wave a{"ecg-360-lead-1", 360, {}}, b{"ecg-360-lead-2", 360, {}};
  const auto sign = [](int v) { return v >= 2048 ? v - 4096 : v; };
  for (unsigned char c[3]; file.read(reinterpret_cast<char*>(c), 3);) {
    a.samples.push_back(sign(c[0] | ((c[1] & 0x0F) << 8)));
    b.samples.push_back(sign(c[2] | ((c[1] & 0xF0) << 4)));
  }
  if (a.samples.empty()) return;
  waves.push_back(std::move(a));
  waves.push_back(std::move(b));
}

// Columns of decimals that a converter made: its codes are the ranks of the values that occur.
void add_csv(std::vector<Wave>& waves) {
  std::ifstream file(data_folder() / "vitals/bidmc/bidmc_01_Signals_berkott.csv");
  std::string line, cell;
  if (!std::getline(file, line)) return;
  std::vector<std::string> names;
  for (std::istringstream cells(line); std::getline(cells, cell, ',');) names.push_back(cell);
  std::vector<std::vector<double>> columns(names.size());
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    for (size_t i = 0; i < names.size() && std::getline(cells, cell, ','); ++i)
      columns[i].push_back(std::strtod(cell.c_str(), nullptr));
  }
  for (size_t i = 1; i < names.size(); ++i) {
    const std::set<double> levels(columns[i].begin(), columns[i].end());
    std::map<double, int64_t> code;
    for (double level : levels) code[level] = static_cast<int64_t>(code.size());
    std::erase(names[i], ' ');
    Wave wave{"ward-125-" + names[i], 125, {}};
    for (double value : columns[i]) wave.samples.push_back(code[value]);
    waves.push_back(std::move(wave));
  }
}

struct Chunk {
  Bytes coded;
  size_t count = 0;
};

void encode(benchmark::State& state, const Wave& wave, size_t seconds) {
  const size_t n = wave.rate * seconds;
  size_t bytes = 0, samples = 0;
  for (auto _ : state) {
    bytes = samples = 0;
    for (size_t at = 0; at < wave.samples.size(); at += n) {
      const size_t count = std::min(n, wave.samples.size() - at);
      bytes += codec::encode({wave.samples.data() + at, count}).size();
      samples += count;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(samples) * state.iterations());
  state.counters["B/sample"] = static_cast<double>(bytes) / static_cast<double>(samples);
}

void decode(benchmark::State& state, const Wave& wave, size_t seconds) {
  const size_t n = wave.rate * seconds;
  std::vector<Chunk> chunks;
  for (size_t at = 0; at < wave.samples.size(); at += n) {
    const size_t count = std::min(n, wave.samples.size() - at);
    chunks.push_back({codec::encode({wave.samples.data() + at, count}), count});
  }
  for (auto _ : state)
    for (const Chunk& chunk : chunks) {
      auto decoded = codec::decode(chunk.coded, chunk.count);
      if (!decoded) state.SkipWithError("does not decode");
      benchmark::DoNotOptimize(decoded);
    }
  state.SetItemsProcessed(static_cast<int64_t>(wave.samples.size()) * state.iterations());
}

const int registered = [] {
  static std::vector<Wave> waves;
  waves.push_back(made_up());
  add_format_212(waves);
  add_csv(waves);
  for (const Wave& wave : waves)
    for (size_t seconds : {1, 4}) {
      const std::string name = wave.name + "/" + std::to_string(seconds) + "s";
      benchmark::RegisterBenchmark(("encode/" + name).c_str(), encode, wave, seconds)
          ->Unit(benchmark::kMillisecond);
      benchmark::RegisterBenchmark(("decode/" + name).c_str(), decode, wave, seconds)
          ->Unit(benchmark::kMillisecond);
    }
  return 0;
}();

}  // namespace
