#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>

#include "proto/seal/seal.h"
#include "proto/text/text.h"
#include "recorder/import.h"
#include "recorder/internal/import_files.h"
#include "recorder/sources/instruments_source.h"
#include "recorder/sources/phases_source.h"

namespace casebox::recorder {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// What a source of this type is called when nobody says so. A table is a twin's only where the
/// file's name says it.
std::string usual_name(const std::string& type, const std::string& path) {
  if (type == "media") return "scope";
  if (type == "vital" || type == "edf" || type == "wfdb" || type == "hl7") return "monitor";
  if (type == "xdf") return "sensors";
  if (type == "metaimage") return "navigation";
  if (type == "instruments") return "instrument";
  if (type != "csv") return "annotation";
  std::string file = path.substr(path.find_last_of('/') + 1);
  for (char& c : file) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return file.find("twin") != std::string::npos ? "twin" : "table";
}

/// A table that names the cases its rows are of.
bool names_cases(const std::string& type) { return type == "phases" || type == "instruments"; }

Result<std::vector<std::string>> cases_of(const ImportFile& file, const std::string& encoding) {
  return file.type == "phases" ? phase_cases(file.path, encoding)
                               : instrument_cases(file.path, encoding);
}

Result<Digest> file_digest(const std::string& path) {
  std::unique_ptr<std::FILE, Closer> in(std::fopen(path.c_str(), "rb"));
  if (!in) return Error{Code::kNotFound, path + ": cannot be opened; check the path"};
  seal::Sha256 hash;
  Bytes piece(1 << 20, '\0');
  while (const size_t n = std::fread(piece.data(), 1, piece.size(), in.get()))
    hash.update(BytesView(piece).substr(0, n));
  if (std::ferror(in.get())) return Error{Code::kIo, path + ": cannot be read; check the disk"};
  return hash.finish();
}

/// The digests of what belongs to the file.
std::string companions(const ImportFile& file) {
  std::string out;
  for (const std::string& path : companions_of(file.type, file.path)) {
    const auto digest = file_digest(path);
    out += "\t" + (digest ? to_hex(*digest) : std::string("unread"));
  }
  return out;
}

/// The options given that change how this file is read; nothing without any.
std::string options_of(const ImportFile& file, const ImportSettings& settings) {
  std::string out;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) out += "\t" + std::string(name) + "=" + value;
  };
  if (file.type == "media") {
    add("audio", settings.record_audio ? "kept" : "");
    return out;
  }
  add("encoding", settings.encoding);
  if (names_cases(file.type) && settings.frame_rate > 0)
    add("frame-rate", std::to_string(settings.frame_rate));
  if (file.type == "hl7") add("zone", settings.zone);
  if (file.type != "csv") return out;
  add("time-column", settings.time_column);
  add("time-unit", settings.time_unit);
  add("time-format", settings.time_format);
  add("zone", settings.zone);
  add("decimal", settings.decimal);
  return out;
}

/// A video goes to the case that annotations have named as it is named.
void join_by_name(ImportCase& together, std::vector<ImportCase>& named) {
  std::erase_if(together.files, [&](ImportFile& file) {
    if (file.type != "media") return false;
    std::string stem = file.path.substr(file.path.find_last_of('/') + 1);
    stem.resize(std::min(stem.size(), stem.find_last_of('.')));
    const auto same = std::ranges::find(named, stem, &ImportCase::alias);
    if (stem.empty() || same == named.end()) return false;
    // A number that made it different from the other videos of the call is needed no more.
    const std::string usual = usual_name(file.type, file.path);
    if (file.name.starts_with(usual) &&
        file.name.find_first_not_of("0123456789", usual.size()) == std::string::npos)
      file.name = usual;
    same->files.insert(same->files.begin(), std::move(file));
    return true;
  });
}

}  // namespace

Result<std::vector<ImportCase>> plan_import(const std::vector<std::string>& texts,
                                            const std::string& given,
                                            const std::vector<std::string>& starts,
                                            const std::string& encoding) {
  CASEBOX_CHECK(text::check_encoding(encoding));
  const std::string alias = text::to_utf8(given).utf8;
  std::map<std::string, double> start_of;
  for (const std::string& text : starts) {
    const size_t at = text.find('=');
    double value = 0;
    const char* begin = text.data() + (at == std::string::npos ? 0 : at + 1);
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(begin, end, value);
    if (at == std::string::npos || read.ec != std::errc() || read.ptr != end || !(value > -1e9) ||
        !(value < 1e9))
      return Error{Code::kInvalidArgument,
                   "--start: '" + text + "' is not NAME=SECONDS; write for example monitor=12.5"};
    start_of[text.substr(0, at)] = value;
  }
  std::map<std::string, int> used;
  std::vector<ImportCase> named;  // by annotation files
  ImportCase together;
  together.alias = alias;
  CASEBOX_TRY(const ImportFiles given_files, find_import_files(texts));
  for (const FoundFile& found : given_files.files) {
    ImportFile file;
    file.path = found.path;
    file.name = found.name;
    CASEBOX_TRY(file.type, source_type_of(file.path));
    const bool own_name = !file.name.empty() && !found.of_many;
    if (file.name.empty()) file.name = usual_name(file.type, file.path);
    if (const auto start = start_of.find(file.name); start != start_of.end())
      file.start_s = start->second, file.start_given = true;
    const auto cases = names_cases(file.type)
                           ? cases_of(file, encoding)
                           : Result<std::vector<std::string>>(std::vector<std::string>{});
    const bool is_table = file.type == "phases" || (cases && !cases->empty());
    if (is_table && alias.empty()) {
      if (!cases) {  // told again, with its place, when it is opened
        named.push_back({"", {file}});
        continue;
      }
      for (const std::string& key : *cases) {
        file.case_key = key;
        auto same = std::ranges::find(named, key, &ImportCase::alias);
        if (same == named.end()) same = named.insert(named.end(), {key, {}});
        same->files.push_back(file);
      }
      continue;
    }
    if (cases && std::ranges::find(*cases, alias) != cases->end()) file.case_key = alias;
    if (const int n = ++used[file.name]; n > 1) {
      if (own_name)
        return Error{Code::kInvalidArgument,
                     "two files are named " + file.name + "; give each a name of its own"};
      file.name += std::to_string(n);
    }
    together.files.push_back(std::move(file));
  }
  join_by_name(together, named);
  for (ImportCase& one : named) {
    std::map<std::string, int> seen;
    for (ImportFile& file : one.files)
      if (const int n = ++seen[file.name]; n > 1) file.name += std::to_string(n);
  }
  if (!together.files.empty()) named.push_back(std::move(together));
  if (!named.empty()) named.front().said = given_files.left_out;
  return named;
}

Digest source_digest(const ImportCase& what, const ImportSettings& settings) {
  std::vector<std::string> lines;
  for (const ImportFile& file : what.files) {
    const auto digest = file_digest(file.path);  // one file that cannot be read costs no other
    lines.push_back(file.type + "\t" + file.case_key + "\t" + std::to_string(file.start_s) + "\t" +
                    (digest ? to_hex(*digest) : "unread") + companions(file) +
                    options_of(file, settings) + "\n");
  }
  std::ranges::sort(lines);
  seal::Sha256 hash;
  hash.update("casebox/import/1\n");
  for (const std::string& line : lines) hash.update(line);
  return hash.finish();
}

}  // namespace casebox::recorder
