#include "recorder/sources/internal/units.h"

#include <array>
#include <utility>

namespace casebox::recorder::internal {

std::string ucum(const std::string& unit) {
  static constexpr std::array<std::pair<const char*, const char*>, 15> kKnown = {{
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
      {"\xE2\x84\x83", "Cel"},
      {"BPM", "/min"},
      {"L/min", "L/min"},
  }};
  for (const auto& [from, to] : kKnown)
    if (unit == from) return to;
  // The micro sign and the Greek letter that is written for it.
  std::string out = unit;
  for (const char* micro : {"\xC2\xB5", "\xCE\xBC"})
    for (size_t at = out.find(micro); at != std::string::npos; at = out.find(micro))
      out.replace(at, 2, "u");
  return out;
}

}  // namespace casebox::recorder::internal
