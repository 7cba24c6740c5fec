#include "tools/findings/norms.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "analytics/readers/csv_reader.h"
#include "analytics/readers/log_kind.h"
#include "analytics/readers/model_reader.h"
#include "analytics/readers/xes_reader.h"
#include "proto/base/bytes.h"
#include "proto/seal/seal.h"
#include "tools/config/yaml.h"

namespace casebox::tools {

/// Generated from deploy/protocols (tools/CMakeLists.txt).
extern const std::map<std::string, std::string> kBuiltInProtocols;

namespace {

constexpr size_t kMaxModel = 64 << 20;

std::string hash(const std::string& text) { return to_hex(seal::sha256(text)); }

Result<NormFile> from_yaml(const std::string& text, const std::string& path,
                           const std::string& name) {
  NormFile out;
  CASEBOX_TRY(out.protocol, read_protocol(text, name));
  CASEBOX_TRY(out.norm, compile_protocol(out.protocol, name));
  out.path = path;
  out.sha256 = hash(text);
  return out;
}

}  // namespace

std::vector<std::string> built_in_protocols() {
  std::vector<std::string> out;
  for (const auto& [id, text] : kBuiltInProtocols) out.push_back(id);
  return out;
}

Result<NormFile> load_norm(const std::string& model) {
  std::error_code ec;
  if (!std::filesystem::exists(model, ec)) {
    if (const auto it = kBuiltInProtocols.find(model); it != kBuiltInProtocols.end())
      return from_yaml(it->second, "built in: " + model, model);
    std::string ids;
    for (const std::string& id : built_in_protocols()) ids += (ids.empty() ? "" : ", ") + id;
    return Error{Code::kNotFound, model +
                                      ": no such file, and no protocol of that id; name a .yaml, "
                                      ".pnml or .bpmn file, or one of: " +
                                      ids};
  }
  const bool yaml = model.ends_with(".yaml") || model.ends_with(".yml");
  CASEBOX_TRY(const std::string text, read_text_file(model, yaml ? 1 << 20 : kMaxModel));
  if (yaml) return from_yaml(text, model, model);
  NormFile out;
  CASEBOX_TRY(out.norm, analytics::readers::read_model(model));
  out.path = model;
  out.sha256 = hash(text);
  return out;
}

Result<analytics::EventLog> load_log(const std::string& path,
                                     const std::vector<std::string>& columns,
                                     const std::string& dates,
                                     analytics::readers::Planned* planned) {
  CASEBOX_TRY(const auto kind, analytics::readers::log_kind(path));
  if (kind == analytics::readers::LogKind::kXes)
    return analytics::readers::read_xes(path, {}, nullptr, planned);
  analytics::readers::CsvMapping mapping;
  mapping.date_order = dates;
  const std::map<std::string, std::string*> fields = {
      {"case", &mapping.case_column},   {"activity", &mapping.activity},
      {"start", &mapping.start},        {"end", &mapping.end},
      {"time", &mapping.end},           {"resource", &mapping.resource},
      {"lifecycle", &mapping.lifecycle}};
  for (const std::string& column : columns) {
    const size_t at = column.find('=');
    const auto it = fields.find(column.substr(0, at));
    if (at == std::string::npos || it == fields.end())
      return Error{Code::kInvalidArgument,
                   "--columns: '" + column +
                       "' is not understood; write case=, activity=, start=, end=, resource= or "
                       "lifecycle= and the column's name"};
    *it->second = column.substr(at + 1);
  }
  return analytics::readers::read_csv(path, mapping, {}, planned);
}

Result<analytics::OrderBasis> parse_order(const std::string& text) {
  if (text == "start") return analytics::OrderBasis::kStart;
  if (text == "end") return analytics::OrderBasis::kEnd;
  if (text == "source") return analytics::OrderBasis::kSource;
  return Error{Code::kInvalidArgument,
               "--order: '" + text + "' is unknown; write start, end or source"};
}

std::vector<Arg> log_args() {
  return {{"--columns", ArgKind::kList,
           "CSV columns, e.g. case=CASEID activity=ACTIVITY start=START end=END"},
          {"--dates", ArgKind::kText, "order of slashed dates in a CSV: dmy or mdy"}};
}

}  // namespace casebox::tools
