// casebox import: existing files as a case, straight into a store.

#include "recorder/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "proto/vocabulary/vocabulary.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/cli/stop_signal.h"
#include "tools/commands/commands.h"
#include "tools/documents/case_document.h"
#include "tools/documents/import_document.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

using recorder::ImportCase;
using recorder::Imported;

/// What became of one case of the call.
struct ImportOutcome {
  Imported imported;
  std::vector<Error> refused;
};

std::vector<std::string> split(const std::vector<std::string>& lists) {
  std::vector<std::string> out;
  for (const std::string& list : lists)
    for (size_t from = 0; from <= list.size();) {
      const size_t comma = std::min(list.find(',', from), list.size());
      if (comma > from) out.push_back(list.substr(from, comma - from));
      from = comma + 1;
    }
  return out;
}

/// The id of the case that holds this source already; nil if none does.
Result<CaseId> holder_of(const storage::Store& store, const Digest& digest) {
  CASEBOX_TRY(const auto cases, store.cases());
  for (const v1::CaseRecord& record : cases)
    if (record.source_digest() == view(digest)) return id_from_bytes<CaseId>(record.case_id());
  return CaseId{};
}

Result<Json> case_json(StoreAccess& access, const Imported& imported) {
  CASEBOX_TRY(const auto record, access.store().find_case(imported.case_id));
  if (!record)
    return Error{Code::kInternal, to_string(imported.case_id) +
                                      ": was written but is not in the store; run casebox ingest"};
  CASEBOX_TRY(Json one, imported_case_json(access, *record));
  one["skipped"] = skipped_json(imported.skipped);
  one["notices"] = notices_json(imported.skipped);
  return one;
}

Json survey_json(const Imported& imported) {
  return {{"case_id", nullptr},
          {"streams", survey_streams_json(imported.report)},
          {"skipped", skipped_json(imported.skipped)},
          {"notices", notices_json(imported.skipped)}};
}

void print_for_people(const std::vector<ImportOutcome>& outcomes) {
  for (const ImportOutcome& one : outcomes) {
    uint64_t items = 0, missing = 0;
    for (const recorder::StreamReport& row : one.imported.report) {
      items += row.items;
      missing += row.missing;
    }
    for (const recorder::StreamCount& row : one.imported.streams)
      if (row.source.empty()) items += row.stored;  // of the import's own
    if (one.imported.case_id.is_nil()) {
      fmt::print("read only: ");
    } else {
      fmt::print("case {}: ", to_string(one.imported.case_id));
    }
    fmt::print("{:.1f} s, {} streams, {} items, {} missing\n", one.imported.end.seconds(),
               std::max(one.imported.streams.size(), one.imported.report.size()), items, missing);
    fmt::print("{}", import_table(one.imported.report));
    for (const recorder::Skipped& skipped : one.imported.skipped)
      fmt::print("  {} {}:{}: {}\n", skipped.damage ? "skipped" : "notice", skipped.file,
                 skipped.offset, skipped.reason);
  }
}

/// A store that is open for an import; none where everything is only read.
struct ImportTarget {
  std::unique_ptr<StoreAccess> access;
  std::unique_ptr<log::Writer> log;

  static Result<ImportTarget> open(const Args& args) {
    ImportTarget target;
    if (args.flag("--dry-run")) return target;
    if (!args.has("--store"))
      return Error{Code::kInvalidArgument,
                   "import: no --store; say where the store is, or --dry-run to only read"};
    StoreOptions how = StoreOptions::from(args, "casebox import");
    how.write = how.create = true;
    how.claim.machine = true;  // it reads back only what it wrote
    CASEBOX_TRY(target.access, StoreAccess::open(how));
    CASEBOX_TRY(target.log, target.access->open_log("import"));
    return target;
  }
};

Result<Imported> import_one(const ImportCase& what, ImportTarget& target,
                            const recorder::ImportSettings& settings) {
  if (target.access == nullptr) {
    SystemClock clock;
    return recorder::survey_case(what, settings, clock);
  }
  StoreAccess& access = *target.access;
  const Digest digest = recorder::source_digest(what, settings);
  CASEBOX_TRY(const CaseId holder, holder_of(access.store(), digest));
  if (!holder.is_nil())
    return Error{Code::kInvalidArgument, what.files.front().path +
                                             ": this source is in the store already, as case " +
                                             to_string(holder) + "; nothing was imported"};
  return recorder::import_case(what, digest, settings, *access.keystore(), *target.log,
                               access.clock());
}

Result<Json> outcome_json(const ImportTarget& target, const Imported& imported) {
  if (target.access == nullptr) return survey_json(imported);
  return case_json(*target.access, imported);
}

Result<void> drain_import(ImportTarget& target) {
  if (target.access == nullptr) return ok();
  CASEBOX_TRY(const auto drained, target.access->drain());
  if (drained.quarantined > 0)
    return Error{Code::kCorrupt, std::to_string(drained.quarantined) +
                                     " frames went to quarantine and are in no case; `casebox "
                                     "quarantine` lists them with the reasons"};
  return ok();
}

/// Procedure and room stand in the clear in the case, and are not repeated in the error.
Result<void> check_codes(const Args& args) {
  for (const auto& [flag, example] :
       {std::pair{"--procedure", "lap-gastric-bypass"}, std::pair{"--room", "or-1"}})
    if (const std::string value = args.text(flag); !value.empty() && !vocabulary::is_code(value))
      return Error{Code::kInvalidArgument, std::string(flag) + ": is no code; " +
                                               vocabulary::kCodeForm + ", such as " + example};
  return ok();
}

Result<int> run_import(const Args& args) {
  CASEBOX_CHECK(check_codes(args));
  CASEBOX_TRY(auto plan,
              recorder::plan_import(args.list("FILE"), args.text("--case"),
                                    split(args.list("--start")), args.text("--encoding")));
  CASEBOX_TRY(auto target, ImportTarget::open(args));
  StopSignal signal;
  casebox::tools::Progress progress("importing", 0, "s");
  recorder::ImportSettings settings;
  settings.procedure = args.text("--procedure");
  settings.room = args.text("--room");
  settings.software = "casebox " + program_version();
  settings.consent = split(args.list("--consent"));
  settings.record_audio = args.flag("--audio");
  settings.encoding = args.text("--encoding");
  settings.time_column = args.text("--time-column");
  settings.time_unit = args.text("--time-unit");
  settings.time_format = args.text("--time-format");
  settings.zone = args.text("--zone");
  settings.decimal = args.text("--decimal");
  settings.frame_rate = args.number("--frame-rate");
  settings.stop = [&] { return signal.stopped(); };

  std::vector<ImportOutcome> outcomes;
  std::vector<recorder::Skipped> not_imported;
  std::vector<Error> refused;
  for (size_t i = 0; i < plan.size(); ++i) {
    if (plan.size() > 1) {
      progress.total(plan.size());
      progress.update(i);
    } else {
      settings.on_progress = [&](CaseTime now, double total_s) {
        progress.total(static_cast<uint64_t>(total_s));
        progress.update(static_cast<uint64_t>(std::max(0.0, now.seconds())));
      };
    }
    auto imported = import_one(plan[i], target, settings);
    if (imported) {
      refused.insert(refused.end(), imported->refused.begin(), imported->refused.end());
      outcomes.push_back({std::move(*imported), {}});
      continue;
    }
    // One bad file costs no other case; a full disk or a stop ends the whole.
    if (exit_code(imported.error()) == 1) return std::move(imported).error();
    const std::string& path = plan[i].files.front().path;
    not_imported.push_back({path.substr(path.find_last_of('/') + 1), 0, imported.error().message});
    refused.push_back(std::move(imported).error());
  }
  if (outcomes.empty()) return refused.front();
  CASEBOX_CHECK(drain_import(target));

  if (args.json()) {
    Json doc = document("import");
    if (plan.size() == 1) {
      CASEBOX_TRY(const Json one, outcome_json(target, outcomes.front().imported));
      doc.update(one);
    } else {
      doc["cases"] = Json::array();
      for (const ImportOutcome& outcome : outcomes) {
        CASEBOX_TRY(Json one, outcome_json(target, outcome.imported));
        doc["cases"].push_back(std::move(one));
      }
      doc["skipped"] = skipped_json(not_imported);
    }
    print(doc);
  } else {
    print_for_people(outcomes);
  }
  for (const Error& error : refused) std::fprintf(stderr, "casebox: %s\n", error.message.c_str());
  bool damaged = !refused.empty();
  std::string told;
  for (const ImportOutcome& outcome : outcomes)
    for (const recorder::Skipped& skipped : outcome.imported.skipped) {
      if (!skipped.damage || skipped.file == told) continue;
      told = skipped.file;
      damaged = true;
      std::fprintf(stderr, "casebox: %s:%llu: %s; what could be read is %s\n", skipped.file.c_str(),
                   static_cast<unsigned long long>(skipped.offset), skipped.reason.c_str(),
                   target.access ? "stored" : "counted");
    }
  return damaged ? 2 : 0;
}

std::vector<Arg> without_needed_store(std::vector<Arg> args) {
  for (Arg& arg : args)
    if (arg.name == "--store") arg.required = false;
  return args;
}

}  // namespace

const Command kImportCommand{
    "import", "Existing files as a case: video, .vital, CSV, phase annotations",
    without_needed_store(with_store_args(
        {{"FILE", ArgKind::kList, "Files, folders, patterns; NAME=FILE names a source's streams",
          "", true},
         {"--case", ArgKind::kText, "All files make one case of this alias, which stays sealed"},
         {"--procedure", ArgKind::kText, "Code of the operation, e.g. lap-gastric-bypass"},
         {"--room", ArgKind::kText, "Code of the room"},
         {"--start", ArgKind::kList, "NAME=SECONDS: case time at which a file begins"},
         {"--consent", ArgKind::kList, "Scopes the patient allowed, e.g. quality,teaching"},
         {"--encoding", ArgKind::kText,
          "What the files' text is in where it is not UTF-8, e.g. windows-949; default: found out"},
         {"--time-column", ArgKind::kText, "CSV: name of the column that tells the time"},
         {"--time-unit", ArgKind::kText,
          "CSV: of a time in numbers: s, ms, us, ns, min, h, d, or excel for a spreadsheet's days; "
          "of a clock: hh:mm or mm:ss"},
         {"--time-format", ArgKind::kText, "CSV: order of a date's numbers: dmy, mdy or ymd"},
         {"--zone", ArgKind::kText, "CSV: of clock times that tell none: Z or +02:00"},
         {"--decimal", ArgKind::kText, "CSV: the decimal mark, \",\" or \".\""},
         {"--frame-rate", ArgKind::kNumber,
          "Annotations that count frames: how many are a second; default: found out, or the "
          "video's",
          "0"},
         {"--audio", ArgKind::kFlag, "Keep audio too"},
         {"--dry-run", ArgKind::kFlag,
          "Read everything and report it, and write nothing: no store is made or opened"}})),
    run_import,
    "Without --case, files that name their cases (annotations) make one case each. Importing the "
    "same source again in the same way is refused. At the end stands a table of what was read. "
    "Exit code 2: a file was refused or damaged; all else is there."};

}  // namespace casebox::tools
