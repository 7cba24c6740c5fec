#include "tools/documents/export.h"

#include "tools/cli/json.h"
#include "tools/cli/output.h"
#include "tools/commands/commands.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

/// --from and --to, seconds of case time.
Result<storage::Span> span_of(const Args& args) {
  storage::Span span;
  CASEBOX_CHECK(args.set_time("--from", span.from));
  CASEBOX_CHECK(args.set_time("--to", span.to));
  return span;
}

Result<int> run_export(const Args& args) {
  const std::string format = args.text("--format");
  if (format != "csv" && format != "mp4" && format != "xes")
    return Error{Code::kUnsupported,
                 "--format: '" + format + "' is not written yet; csv, mp4 and xes are"};
  if (format != "xes" && !args.has("--stream"))
    return Error{Code::kInvalidArgument,
                 "--stream: missing; `casebox show CASE` lists the streams"};
  if (args.json() && !args.has("--out"))
    return Error{Code::kInvalidArgument,
                 "--json: the data goes to standard output; give --out FILE too"};
  CASEBOX_TRY(const storage::Span span, span_of(args));
  CASEBOX_TRY(auto access, StoreAccess::open(StoreOptions::from(args, "casebox export")));
  CASEBOX_TRY(auto reader, access->open_case(args.text("CASE"), keyring::Purpose::kExport));
  CASEBOX_TRY(Output out, Output::open(args.text("--out")));
  if (format == "csv") {
    CASEBOX_CHECK(export_csv(*reader, args.text("--stream"), span, out.file()));
  } else if (format == "mp4") {
    CASEBOX_CHECK(export_mp4(*reader, args.text("--stream"), span, out.file()));
  } else {
    CASEBOX_CHECK(export_xes(*reader, out.file()));
  }
  const auto size = static_cast<int64_t>(std::ftell(out.file()));
  CASEBOX_CHECK(out.finish());
  if (args.json()) {
    Json json = document("export");
    CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(reader->record().case_id()));
    json["case_id"] = to_string(id);
    json["format"] = format;
    json["stream"] = args.has("--stream") ? Json(args.text("--stream")) : Json(nullptr);
    json["out"] = args.text("--out");
    json["bytes"] = size;
    json["verdict"] = verify::to_string(reader->verdict());
    print(json);
  }
  return say_if_unproven(*access, *reader);
}

}  // namespace

const Command kExportCommand{
    "export", "Write a case in another format",
    with_store_args(
        {{"CASE", ArgKind::kText, "Case id, the first digits of one, or an alias", "", true},
         {"--format", ArgKind::kText, "csv, mp4 or xes", "", true},
         {"--stream", ArgKind::kText, "Name of the stream (csv, mp4)"},
         {"--from", ArgKind::kNumber, "Begin, s from the case's start"},
         {"--to", ArgKind::kNumber, "End (not included), s from the case's start"},
         {"--out", ArgKind::kText, "File to write (default: standard output)"}}),
    run_export,
    "csv names units in its header and writes values exactly as the source had them; mp4 begins at "
    "the first\n"
    "key frame of the span; xes holds what conformance compares, alarms\n"
    "and checklists beside it, and what was watched, for casebox conform. What is exported leaves "
    "the "
    "seal: the\n"
    "opening is audited.\n"
    "Examples:\n"
    "  casebox export 3f2a --store S --format csv --stream monitor.numerics --from 60 --to 120\n"
    "  casebox export 3f2a --store S --format mp4 --stream scope.video --out scope.mp4"};

}  // namespace casebox::tools
