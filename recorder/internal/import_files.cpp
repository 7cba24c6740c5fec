#include "recorder/internal/import_files.h"

#include <glob.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "proto/text/text.h"

namespace casebox::recorder {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFiles = 100'000;

// What is taken from a folder; anything can be named by itself.
constexpr std::array kVideo = {"mp4",  "mkv",  "avi", "mov", "ts",  "m2ts", "mts", "mpg",
                               "mpeg", "webm", "flv", "wmv", "asf", "mxf",  "vob", "3gp",
                               "m4v",  "ogv",  "wav", "m4a", "mp3", "aac",  "flac"};
constexpr std::array kSignals = {"vital", "edf", "bdf", "xdf", "hea", "hl7", "mha", "mhd"};
constexpr std::array kTables = {"csv", "tsv", "txt", "json"};

bool is_source_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

std::string extension(const fs::path& path) {
  std::string out = path.extension().string();
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out.empty() ? out : out.substr(1);
}

/// Whether a file of a folder is taken. Of texts only tables and annotations are known: a README
/// is none.
bool is_taken(const fs::path& path) {
  const std::string ext = extension(path);
  const auto in = [&](const auto& list) {
    return std::ranges::any_of(list, [&](const char* one) { return ext == one; });
  };
  if (in(kVideo) || in(kSignals)) return true;
  if (!in(kTables)) return false;
  const auto type = source_type_of(path.string());
  return type && (ext != "txt" || *type != "csv");
}

/// Numbers within names by their size: video2 before video10.
bool comes_before(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  const auto digit = [](const std::string& s, size_t at) {
    return at < s.size() && std::isdigit(static_cast<unsigned char>(s[at])) != 0;
  };
  while (i < a.size() && j < b.size()) {
    if (digit(a, i) && digit(b, j)) {
      size_t m = i, n = j;
      while (digit(a, m)) ++m;
      while (digit(b, n)) ++n;
      while (i + 1 < m && a[i] == '0') ++i;
      while (j + 1 < n && b[j] == '0') ++j;
      if (m - i != n - j) return m - i < n - j;
      const int order = a.compare(i, m - i, b, j, n - j);
      if (order != 0) return order < 0;
      i = m, j = n;
      continue;
    }
    if (a[i] != b[j]) return a[i] < b[j];
    ++i, ++j;
  }
  return a.size() - i < b.size() - j;
}

std::vector<std::string> matches(const std::string& pattern) {
  std::vector<std::string> out;
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
  globfree(&found);
  std::ranges::stable_sort(out, comes_before);
  return out;
}

Result<void> take_folder(const std::string& name, const fs::path& folder, ImportFiles& out) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with(".")) continue;
    std::error_code ignored;
    if (it->is_regular_file(ignored)) files.push_back(it->path().string());
    if (files.size() > kMaxFiles)
      return Error{Code::kInvalidArgument,
                   folder.string() + ": more than 100,000 files; import them in parts"};
  }
  if (error) return Error{Code::kIo, folder.string() + ": " + error.message() + "; check the path"};
  std::ranges::stable_sort(files, comes_before);
  std::set<std::string> companions;
  for (const std::string& file : files) {
    if (!is_taken(file)) continue;
    const auto type = source_type_of(file);
    if (!type) continue;
    for (std::string& other : companions_of(*type, file)) companions.insert(std::move(other));
  }
  size_t taken = 0;
  std::map<std::string, size_t> left;  // by extension
  for (const std::string& file : files) {
    if (companions.contains(file)) continue;
    if (is_taken(file)) {
      ++taken;
      out.files.push_back({name, file, true});
    } else {
      ++left[extension(file)];
    }
  }
  if (taken == 0)
    return Error{Code::kNotFound,
                 folder.string() + ": none of its " + std::to_string(files.size()) +
                     " files is of a kind that is read; name a file, or a folder that holds some"};
  for (const auto& [ext, n] : left)
    out.left_out.push_back(
        {text::to_utf8(folder.filename().string()).utf8, 0,
         std::to_string(n) + " files " +
             (ext.empty() ? "without an extension" : "." + text::to_utf8(ext).utf8) +
             " of the folder are left out: name them to have them read",
         false});
  return ok();
}

}  // namespace

Result<ImportFiles> find_import_files(const std::vector<std::string>& texts) {
  ImportFiles out;
  for (const std::string& text : texts) {
    FoundFile file;
    file.path = text;
    const size_t at = text.find('=');
    if (at != std::string::npos && is_source_name(text.substr(0, at))) {
      file.name = text.substr(0, at);
      file.path = text.substr(at + 1);
    }
    std::error_code ignored;
    if (fs::is_directory(file.path, ignored)) {
      // One with nothing in it costs no other: it is refused as a file that cannot be read.
      const auto taken = take_folder(file.name, file.path, out);
      if (!taken && texts.size() == 1) return taken.error();
      if (!taken) out.files.push_back({file.name, file.path, false});
    } else if (!fs::exists(file.path, ignored) &&
               file.path.find_first_of("*?[") != std::string::npos) {
      const auto found = matches(file.path);
      if (found.empty())
        return Error{Code::kNotFound, file.path + ": nothing has such a name; check the pattern"};
      for (const std::string& path : found) {
        if (fs::is_directory(path, ignored))
          CASEBOX_CHECK(take_folder(file.name, path, out));
        else
          out.files.push_back({file.name, path, found.size() > 1});
      }
    } else {
      out.files.push_back(std::move(file));
    }
    if (out.files.size() > kMaxFiles)
      return Error{Code::kInvalidArgument, "more than 100,000 files; import them in parts"};
  }
  return out;
}

}  // namespace casebox::recorder
