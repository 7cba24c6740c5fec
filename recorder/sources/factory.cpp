// The list of sources: one line each (source_types.h).

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "proto/text/text.h"
#include "recorder/sources/csv_source.h"
#include "recorder/sources/edf_source.h"
#include "recorder/sources/hl7_source.h"
#include "recorder/sources/instruments_source.h"
#include "recorder/sources/internal/foreign.h"
#include "recorder/sources/internal/media_input.h"
#include "recorder/sources/internal/phase_file.h"
#include "recorder/sources/internal/raw_annotations.h"
#include "recorder/sources/lines_source.h"
#include "recorder/sources/media_source.h"
#include "recorder/sources/meta_image_source.h"
#include "recorder/sources/phases_source.h"
#include "recorder/sources/sim_source.h"
#include "recorder/sources/source.h"
#include "recorder/sources/source_types.h"
#include "recorder/sources/vital_source.h"
#include "recorder/sources/wfdb_source.h"
#include "recorder/sources/xdf_source.h"

namespace casebox::recorder {
namespace {

constexpr std::array kSourceTypes = {
    SourceType{"media", MediaSource::open, ".video", v1::STREAM_KIND_VIDEO, v1::STREAM_CLASS_C,
               "camera"},
    SourceType{"vital", VitalSource::open, ".numerics", v1::STREAM_KIND_NUMERIC, v1::STREAM_CLASS_B,
               "monitor"},
    SourceType{"edf", EdfSource::open, ".waves", v1::STREAM_KIND_WAVE, v1::STREAM_CLASS_B,
               "recorder"},
    SourceType{"wfdb", WfdbSource::open, ".waves", v1::STREAM_KIND_WAVE, v1::STREAM_CLASS_B,
               "recorder"},
    SourceType{"xdf", XdfSource::open, ".samples", v1::STREAM_KIND_WAVE, v1::STREAM_CLASS_B,
               "sensors"},
    SourceType{"hl7", Hl7Source::open, ".numerics", v1::STREAM_KIND_NUMERIC, v1::STREAM_CLASS_B,
               "monitor"},
    SourceType{"metaimage", MetaImageSource::open, ".frames", v1::STREAM_KIND_NUMERIC,
               v1::STREAM_CLASS_B, "navigation"},
    SourceType{"csv", CsvSource::open, ".series", v1::STREAM_KIND_NUMERIC, v1::STREAM_CLASS_B,
               "csv"},
    SourceType{"phases", PhasesSource::open, ".phases", v1::STREAM_KIND_PHASE, v1::STREAM_CLASS_A,
               "annotation"},
    SourceType{"instruments", InstrumentsSource::open, ".use", v1::STREAM_KIND_DEVICE,
               v1::STREAM_CLASS_A, "instrument"},
    SourceType{"lines", LinesSource::open, ".events", v1::STREAM_KIND_DEVICE, v1::STREAM_CLASS_A,
               ""},
    SourceType{"simulator", SimSource::open, ".events", v1::STREAM_KIND_DEVICE, v1::STREAM_CLASS_A,
               ""},
};

v1::StreamClass class_from(const std::string& name) {
  if (name == "A") return v1::STREAM_CLASS_A;
  if (name == "B") return v1::STREAM_CLASS_B;
  return name == "C" ? v1::STREAM_CLASS_C : v1::STREAM_CLASS_UNSPECIFIED;
}

/// First bytes of a regular file; empty for anything else.
std::string head_of(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return "";
  std::FILE* in = std::fopen(path.c_str(), "rb");
  if (in == nullptr) return "";
  std::string head(internal::kForeignHead, '\0');
  head.resize(std::fread(head.data(), 1, head.size(), in));
  std::fclose(in);
  return head;
}

bool ends_with(const std::string& name, const std::string& end) {
  return name.size() >= end.size() &&
         std::equal(end.rbegin(), end.rend(), name.rbegin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

}  // namespace

Result<std::unique_ptr<Source>> open_source(Context context) {
  const std::string type = context.config.type();
  if (type != "simulator" && context.config.url().find("://") == std::string::npos) {
    const std::string head = head_of(context.config.url());
    if (const auto what = internal::foreign_format(head))
      return Error{Code::kUnsupported, context.config.url() + ": " + *what};
    if (const auto known = internal::known_format(head); known && type != known->type)
      return Error{Code::kInvalidArgument, context.config.url() + ": this is " + known->what +
                                               ", and no source of type " + type +
                                               "; write type: " + known->type};
  }
  const SourceType* known = source_type(type);
  if (known == nullptr)
    return Error{Code::kUnsupported,
                 "source type '" + type + "' is unknown; write " + source_type_names()};
  const v1::StreamClass wanted = class_from(context.config.stream_class());
  CASEBOX_TRY(auto source, known->open(std::move(context)));
  if (wanted != v1::STREAM_CLASS_UNSPECIFIED) source->set_class(wanted);
  return source;
}

std::span<const SourceType> source_types() { return kSourceTypes; }

const SourceType* source_type(std::string_view name) {
  for (const SourceType& type : kSourceTypes)
    if (name == type.name) return &type;
  return nullptr;
}

std::string source_type_names() {
  std::string out;
  for (size_t i = 0; i < kSourceTypes.size(); ++i)
    out += (i == 0                         ? ""
            : i + 1 == kSourceTypes.size() ? " or "
                                           : ", ") +
           std::string(kSourceTypes[i].name);
  return out;
}

bool is_device(const v1::SourceConfig& source) {
  return source.type() == "lines" ||
         (source.type() == "media" && internal::is_device_url(source.url()));
}

Result<std::string> source_type_of(const std::string& file) {
  std::FILE* in = std::fopen(file.c_str(), "rb");
  if (in == nullptr)
    return Error{errno == ENOENT ? Code::kNotFound : Code::kIo,
                 file + ": " + std::strerror(errno) + "; check the path"};
  char head[internal::kForeignHead];
  const size_t n = std::fread(head, 1, sizeof head, in);
  std::fclose(in);
  if (const auto known = internal::known_format(std::string_view(head, n)))
    return std::string(known->type);
  if (ends_with(file, ".vital")) return std::string("vital");
  if (ends_with(file, ".json")) return std::string("phases");
  if (ends_with(file, ".csv") || ends_with(file, ".tsv") || ends_with(file, ".txt")) {
    const std::string start = text::to_utf8(std::string_view(head, n)).utf8;
    const std::string header = start.substr(0, start.find('\n'));
    return std::string(internal::is_phase_header(header, file) ? "phases"
                       : is_instrument_header(header, file)    ? "instruments"
                                                               : "csv");
  }
  return std::string("media");
}

std::vector<std::string> companions_of(const std::string& type, const std::string& file) {
  if (type == "phases") return internal::raw_companions(file);
  return type == "wfdb" ? wfdb_companions(file) : std::vector<std::string>{};
}

}  // namespace casebox::recorder
