#include "tools/analyses/case_table.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>

#include "proto/text/text.h"

namespace casebox::tools {
namespace {

constexpr size_t kMostLines = 1'000'000;

Error bad(const std::filesystem::path& path, size_t line, const std::string& what) {
  return {Code::kInvalidArgument, fmt::format("{}:{}: {}", path.string(), line, what)};
}

}  // namespace

Result<std::map<std::string, std::string>> read_case_table(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) return Error{Code::kIo, path.string() + ": cannot be opened; check the path"};
  std::map<std::string, std::string> out;
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    if (number > kMostLines) return bad(path, number, "too many lines; give one line a case");
    if (!line.empty() && line.back() == '\r') line.pop_back();
    line = text::to_utf8(line).utf8;
    if (number == 1 || line.empty()) continue;
    const size_t comma = line.find(',');
    if (comma == std::string::npos || comma != line.rfind(',') || comma == 0 ||
        comma + 1 == line.size() || line.find('"') != std::string::npos)
      return bad(path, number, "not `case,value`; write two columns without quotes");
    if (!out.emplace(line.substr(0, comma), line.substr(comma + 1)).second)
      return bad(path, number, "this case is there already; name each case once");
  }
  return out;
}

Result<std::map<std::string, double>> read_case_numbers(const std::filesystem::path& path,
                                                        double low, double high) {
  CASEBOX_TRY(const auto table, read_case_table(path));
  std::map<std::string, double> out;
  for (const auto& [key, text] : table) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value > low && value < high))
      return Error{
          Code::kInvalidArgument,
          fmt::format("{}: the value of case {} of {}, in the order of their names, is not a "
                      "number between {} and {}; correct its line",
                      path.string(), out.size() + 1, table.size(), low, high)};
    out[key] = value;
  }
  return out;
}

}  // namespace casebox::tools
