#include "recorder/sources/internal/units.h"

#include <array>
#include <utility>

namespace casebox::recorder::internal {

std::string ucum(const std::string& unit) {
  static constexpr std::array<std::pair<const char*, const char*>, 14> kKnown = {{
      {"", "1"},
      {"mmHg", "mm[Hg]"},
      {"cmH2O", "cm[H2O]"},
      {"degC", "Cel"},
      {"C", "Cel"},
      {"\xC2\xB0"
       "C",
       "Cel"},
      {"ohm", "Ohm"},
      {"bpm", "/min"},
      {"1/min", "/min"},
      {"umol/s", "umol/s"},
      {"sec", "s"},
      {"celsius", "Cel"},
      {"BPM", "/min"},
      {"L/min", "L/min"},
  }};
  for (const auto& [from, to] : kKnown)
    if (unit == from) return to;
  return unit;
}

}  // namespace casebox::recorder::internal
