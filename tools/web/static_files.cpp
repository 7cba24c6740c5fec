#include "tools/web/static_files.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace casebox::tools::web {
namespace {

constexpr uintmax_t kMaxFile = 16u << 20;

constexpr std::array<std::pair<std::string_view, const char*>, 8> kTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
}};

bool plain(const std::string& path) {
  if (path.find("/.") != std::string::npos || path.find("//") != std::string::npos) return false;
  return std::all_of(path.begin(), path.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/';
  });
}

}  // namespace

Result<Response> static_file(const std::filesystem::path& dir, const std::string& path) {
  const Error missing{Code::kNotFound, "nothing is served at this address; open / for the page"};
  if (dir.empty()) return missing;
  const std::string name = path == "/" ? "/index.html" : path;
  if (!plain(name)) return missing;
  std::error_code error;
  const auto root = std::filesystem::canonical(dir, error);
  if (error) return missing;
  const auto file = std::filesystem::canonical(root / name.substr(1), error);
  if (error) return missing;
  const auto [end, rest] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
  if (end != root.end() || !std::filesystem::is_regular_file(file, error)) return missing;
  if (std::filesystem::file_size(file, error) > kMaxFile || error) return missing;
  Response response;
  response.content_type = "application/octet-stream";
  for (const auto& [suffix, type] : kTypes)
    if (file.extension() == suffix) response.content_type = type;
  std::ifstream in(file, std::ios::binary);
  response.body.assign(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) return Error{Code::kIo, "a file of the page cannot be read; check the web folder"};
  return response;
}

}  // namespace casebox::tools::web
