#include <charconv>
#include <cmath>
#include <cstdlib>

#include "proto/base/seconds.h"
#include "tools/cli/command.h"

namespace casebox::tools {

bool Args::flag(const std::string& name) const { return values.contains(name); }
bool Args::has(const std::string& name) const { return values.contains(name); }

std::string Args::text(const std::string& name) const {
  if (auto it = values.find(name); it != values.end() && !it->second.empty())
    return it->second.front();
  auto it = fallbacks.find(name);
  return it == fallbacks.end() ? std::string() : it->second;
}

// main.cpp has checked the form of numbers, so conversions cannot fail here.
int64_t Args::integer(const std::string& name) const {
  const std::string value = text(name);
  int64_t out = 0;
  std::from_chars(value.data(), value.data() + value.size(), out);
  return out;
}

double Args::number(const std::string& name) const {
  const std::string value = text(name);
  double out = 0;
  std::from_chars(value.data(), value.data() + value.size(), out);
  return std::isfinite(out) ? out : 0;  // a study's options come out of a store, not past main.cpp
}

Result<Duration> Args::seconds(const std::string& name) const {
  return checked_seconds(number(name), name);
}

Result<void> Args::set_time(const std::string& name, CaseTime& time) const {
  if (!has(name)) return ok();
  CASEBOX_TRY(const Duration since_zero, seconds(name));
  time = CaseTime{since_zero.ns};
  return ok();
}

const std::vector<std::string>& Args::list(const std::string& name) const {
  static const std::vector<std::string> kEmpty;
  auto it = values.find(name);
  return it == values.end() ? kEmpty : it->second;
}

int exit_code(const Error& error) {
  switch (error.code) {
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kUnsupported: return 2;
    case Code::kCorrupt:
    case Code::kConflict: return 3;
    case Code::kRefused: return 4;
    default: return 1;
  }
}

}  // namespace casebox::tools
