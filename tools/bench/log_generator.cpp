#include "tools/bench/log_generator.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <chrono>
#include <cmath>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace casebox::tools::bench {
namespace {

constexpr std::array kSteps = {"Patient positioned",
                               "Team time-out",
                               "Skin incision",
                               "Pneumoperitoneum",
                               "Trocar placement",
                               "Adhesiolysis",
                               "Exposure",
                               "Dissection",
                               "Vessel sealing",
                               "Stapling",
                               "Specimen retrieval",
                               "Anastomosis",
                               "Leak test",
                               "Irrigation",
                               "Haemostasis control",
                               "Port closure",
                               "Drain placed",
                               "Camera removed",
                               "Counts complete",
                               "Sign-out"};
constexpr std::array kBetween = {"Lens cleaned",      "Smoke evacuated", "Instrument exchanged",
                                 "Insufflator alarm", "Door opened",     "Energy device activated"};
constexpr int kTeams = 40;

/// SplitMix64: the same numbers with every compiler, unlike the distributions of the library.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t below(uint64_t n) { return next() % n; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool chance(double p) { return unit() < p; }
  /// Exponential, at least 1.
  int64_t around(double mean) { return 1 + static_cast<int64_t>(-mean * std::log(1 - unit())); }

 private:
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

std::vector<const char*> steps_of_case(Random& random) {
  std::vector<const char*> out;
  for (const char* step : kSteps) {
    if (random.chance(0.02)) continue;
    out.push_back(step);
    if (random.chance(0.02)) out.push_back(step);
    if (out.size() > 1 && random.chance(0.008)) std::swap(out[out.size() - 1], out[out.size() - 2]);
    if (random.chance(0.025)) out.push_back(kBetween[random.below(kBetween.size())]);
  }
  return out;
}

void put_event(std::string& out, const char* step, int64_t ms, const std::string& team) {
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(ms)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  fmt::format_to(std::back_inserter(out),
                 "\t\t<event>\n"
                 "\t\t\t<string key=\"org:resource\" value=\"{}\"/>\n"
                 "\t\t\t<date key=\"time:timestamp\" "
                 "value=\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+00:00\"/>\n"
                 "\t\t\t<string key=\"lifecycle:transition\" value=\"complete\"/>\n"
                 "\t\t\t<int key=\"room\" value=\"{}\"/>\n"
                 "\t\t\t<string key=\"concept:name\" value=\"{}\"/>\n"
                 "\t\t</event>\n",
                 team, static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                 static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(),
                 time.seconds().count(), time.subseconds().count(), team.back(), step);
}

struct Close {
  void operator()(gzFile file) const { gzclose(file); }
};

constexpr const char* kHead =
    "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n"
    "<log xes.version=\"1.0\" xes.features=\"nested-attributes\" "
    "xmlns=\"http://www.xes-standard.org/\">\n"
    "\t<extension name=\"Concept\" prefix=\"concept\" "
    "uri=\"http://www.xes-standard.org/concept.xesext\"/>\n"
    "\t<extension name=\"Time\" prefix=\"time\" "
    "uri=\"http://www.xes-standard.org/time.xesext\"/>\n"
    "\t<extension name=\"Lifecycle\" prefix=\"lifecycle\" "
    "uri=\"http://www.xes-standard.org/lifecycle.xesext\"/>\n"
    "\t<extension name=\"Organizational\" prefix=\"org\" "
    "uri=\"http://www.xes-standard.org/org.xesext\"/>\n";

}  // namespace

Result<GeneratedLog> write_log(const std::filesystem::path& path, const LogShape& shape) {
  std::unique_ptr<gzFile_s, Close> file(gzopen(path.c_str(), "wb3"));
  const Error failed{Code::kIo, path.string() + ": cannot be written; make room, or give --dir"};
  if (!file) return failed;
  GeneratedLog out;
  const auto put = [&](const std::string& text) {
    out.xml_bytes += text.size();
    return gzwrite(file.get(), text.data(), static_cast<unsigned>(text.size())) ==
           static_cast<int>(text.size());
  };
  if (!put(kHead)) return failed;
  Random random(shape.seed);
  int64_t day_ms = 1'577'836'800'000;  // 2020-01-01
  while (out.events < shape.events) {
    std::string text = fmt::format(
        "\t<trace>\n\t\t<string key=\"concept:name\" value=\"case-{:06}\"/>\n", ++out.cases);
    if (out.cases % 20 == 0) day_ms += 86'400'000;
    int64_t at_ms = day_ms + 7 * 3'600'000 + static_cast<int64_t>(random.below(8 * 3'600'000));
    const std::string team = fmt::format("team-{:02}", random.below(kTeams));
    for (const char* step : steps_of_case(random)) {
      if (out.events == shape.events) break;
      put_event(text, step, at_ms, team);
      ++out.events;
      at_ms += random.around(400'000);
    }
    if (!put(text + "\t</trace>\n")) return failed;
  }
  if (!put("</log>\n") || gzclose(file.release()) != Z_OK) return failed;
  return out;
}

}  // namespace casebox::tools::bench
