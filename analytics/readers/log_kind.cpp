#include "analytics/readers/log_kind.h"

#include <algorithm>
#include <array>
#include <string>

#include "analytics/readers/internal/byte_source.h"
#include "proto/text/text.h"

namespace casebox::analytics::readers {
namespace {

using namespace std::string_view_literals;

constexpr uint64_t kAnySize = uint64_t{1} << 50;

constexpr const char* kObjectCentric =
    "this is an object-centric log (OCEL), whose events belong to several objects each; flatten it "
    "to one kind of object, for example with pm4py.ocel_flattening, and write XES or CSV";

struct Foreign {
  std::string_view begins;
  const char* what;
};
constexpr std::array kForeign = {
    Foreign{"PAR1"sv, "this is a Parquet table; write it as CSV"},
    Foreign{"PK\x03\x04"sv,
            "this is a ZIP archive or a workbook; unpack it, or save the sheet as CSV"},
    Foreign{"\xD0\xCF\x11\xE0"sv, "this is a workbook of Excel; save the sheet as CSV"},
    Foreign{
        "SQLite format 3"sv,
        "this is an SQLite database, perhaps an object-centric log (OCEL 2.0); flatten it to one "
        "kind of object, for example with pm4py.ocel_flattening, and write XES or CSV"},
};

std::string lowered(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

}  // namespace

Result<LogKind> log_kind_of(std::string_view head, const std::string& path) {
  const auto refuse = [&](const std::string& what) {
    return Error{Code::kUnsupported, path + ": " + what};
  };
  for (const Foreign& one : kForeign)
    if (head.starts_with(one.begins)) return refuse(one.what);
  const std::string text = lowered(text::to_utf8(head).utf8);
  const size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const char begins = first == std::string::npos ? '\0' : text[first];
  const auto holds = [&](std::string_view what) { return text.find(what) != std::string::npos; };
  if (begins == '{' || begins == '[') {
    if (holds("\"ocel:") || (holds("\"objecttypes\"") || holds("\"eventtypes\"")))
      return refuse(kObjectCentric);
    return refuse("this is JSON, and no event log that is known; write XES or CSV");
  }
  std::string name = lowered(path.substr(path.find_last_of('/') + 1));
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (begins == '<') {
    if (holds("<workflowlog"))
      return refuse("this is an MXML log; write it as XES, for example with ProM");
    if (holds("<object-types") || holds("ocel")) return refuse(kObjectCentric);
    if (holds("<pnml") || holds("/bpmn/20100524/model"))
      return refuse("this is a process model; give it as --model");
    if (holds("<log") || name.ends_with(".xes")) return LogKind::kXes;
  }
  if (name.ends_with(".xes")) return LogKind::kXes;
  for (const char* end : {".csv", ".tsv", ".txt"})
    if (name.ends_with(end)) return LogKind::kCsv;
  return Error{Code::kInvalidArgument,
               path +
                   ": not an event log by its name or its beginning; give .xes, "
                   ".xes.gz, .csv, .tsv or .csv.gz"};
}

Result<LogKind> log_kind(const std::filesystem::path& path) {
  CASEBOX_TRY(const auto source, internal::ByteSource::open(path, kAnySize));
  std::string head(kLogHead, '\0');
  size_t size = 0;
  while (size < kLogHead) {
    CASEBOX_TRY(const size_t n, source->read(head.data() + size, kLogHead - size));
    if (n == 0) break;
    size += n;
  }
  head.resize(size);
  return log_kind_of(head, source->name());
}

}  // namespace casebox::analytics::readers
