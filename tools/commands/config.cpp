#include "tools/config/config.h"

#include <google/protobuf/util/json_util.h>

#include <cstdio>

#include "proto/text/text.h"
#include "tools/cli/json.h"
#include "tools/commands/commands.h"
#include "tools/config/yaml.h"

namespace casebox::tools {
namespace {

/// Which kind of configuration a file is, by the fields that only one kind has.
Result<std::string> kind_of(const Args& args, const std::string& file) {
  if (args.has("--kind")) return args.text("--kind");
  CASEBOX_TRY(const std::string bytes, read_text_file(file));
  const std::string text = text::to_utf8(bytes).utf8;
  const auto has = [&](const std::string& field) {
    return text.starts_with(field) || text.find("\n" + field) != std::string::npos;
  };
  if (has("recorder:") || has("cases:")) return std::string("appliance");
  if (has("spool_dir:") || has("sources:") || has("procedure:")) return std::string("recorder");
  if (has("address:") || has("port:") || has("web_dir:")) return std::string("serve");
  return std::string("ingest");
}

template <typename Config>
Result<Json> as_json(Result<Config> config) {
  if (!config) return std::move(config).error();
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(*config, &text, options).ok())
    return Error{Code::kInternal, "config: cannot be written as JSON"};
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Error{Code::kInternal, "config: cannot be written as JSON"};
  return json;
}

Result<Json> load(const std::string& kind, const std::string& file) {
  if (kind == "recorder") return as_json(load_recorder_config(file));
  if (kind == "appliance") return as_json(load_appliance_config(file));
  if (kind == "ingest") return as_json(load_ingest_config(file));
  if (kind == "serve") return as_json(load_serve_config(file));
  return Error{Code::kInvalidArgument,
               "--kind: '" + kind + "' is unknown; write recorder, appliance, ingest or serve"};
}

Result<int> run_defaults(const Args& args) {
  const std::string kind = args.has("--kind") ? args.text("--kind")
                           : args.has("FILE") ? args.text("FILE")
                                              : "recorder";
  CASEBOX_TRY(const std::string text, example_config(kind));
  if (!args.json()) {
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  Json json = document("config");
  json["action"] = "defaults";
  json["kind"] = kind;
  json["yaml"] = text;
  print(json);
  return 0;
}

Result<int> run_config(const Args& args) {
  const std::string action = args.text("ACTION");
  if (action == "defaults") return run_defaults(args);
  if (action != "check" && action != "show")
    return Error{Code::kInvalidArgument,
                 "config: '" + action + "' is unknown; write check, defaults or show"};
  if (!args.has("FILE"))
    return Error{Code::kInvalidArgument, "config " + action + ": no file given; name a YAML file"};
  const std::string file = args.text("FILE");
  CASEBOX_TRY(const std::string kind, kind_of(args, file));
  CASEBOX_TRY(const Json config, load(kind, file));
  if (args.json()) {
    Json json = document("config");
    json["action"] = action;
    json["kind"] = kind;
    json["file"] = file;
    json["ok"] = true;
    json["config"] = config;
    print(json);
  } else if (action == "show") {
    std::printf("%s\n", to_text(config, 2).c_str());
  } else {
    std::printf("%s: a good %s configuration\n", file.c_str(), kind.c_str());
  }
  return 0;
}

}  // namespace

const Command kConfigCommand{
    "config",
    "Check or show a configuration file, or print one to start from",
    {{"ACTION", ArgKind::kText, "check, show (with defaults filled in) or defaults", "", true},
     {"FILE", ArgKind::kText, "YAML file; for defaults: recorder, appliance, ingest or serve"},
     {"--kind", ArgKind::kText,
      "recorder, appliance, ingest or serve (default: by the fields in it)"}},
    run_config,
    "Examples:\n"
    "  casebox config defaults recorder > recorder.yaml\n"
    "  casebox config check recorder.yaml\n"
    "  casebox config show recorder.yaml --json\n"
    "Exit code 2 with file and line when a field is unknown or a value has the wrong type."};

}  // namespace casebox::tools
