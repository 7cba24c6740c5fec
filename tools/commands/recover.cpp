#include "proto/producer/recovery.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "proto/base/boot.h"
#include "proto/verify/verify.h"
#include "tools/cli/json.h"
#include "tools/commands/commands.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

namespace fs = std::filesystem;

/// The keystore of a log: --keys, or "keys" beside the spool, or <store>/keys of a log below
/// <store>/logs; empty if none is there.
fs::path keys_of(const Args& args, const fs::path& log) {
  if (args.has("--keys")) return args.text("--keys");
  fs::path at = fs::absolute(log / ".").lexically_normal().parent_path().parent_path();
  std::error_code ec;
  for (const fs::path& folder : {at, at.parent_path()})
    if (fs::exists(folder / "keys", ec)) return folder / "keys";
  return {};
}

/// Whether an epoch of a log was never closed, as far as it can be read.
bool has_open_epoch(const fs::path& log) {
  const auto reports = verify::verify_log(log, {});
  return reports && std::ranges::any_of(*reports, [](const verify::Report& report) {
           return report.verdict == verify::Verdict::kUnclosed;
         });
}

/// A figure of a loss that something bounds.
Json bound(const producer::RecoveredStream& stream, double value) {
  return stream.bounded ? Json(value) : Json(nullptr);
}

Result<producer::EpochRecovery> repair_only(const fs::path& log) {
  producer::EpochRecovery out;
  CASEBOX_TRY(out.log, log::recover(log));
  out.case_id = out.log.case_id;
  return out;
}

Result<int> run_recover(const Args& args) {
  const auto begin = std::chrono::steady_clock::now();
  const fs::path log = args.text("LOG");
  if (!log::is_log(log))
    return Error{Code::kNotFound, log.string() + ": not a log; give a folder with .cblog files"};
  SystemClock clock;
  const fs::path keys = keys_of(args, log);
  producer::EpochRecovery done;
  std::string note;
  if (keys.empty()) {
    CASEBOX_TRY(done, repair_only(log));
    note =
        "no keystore: the log is repaired, and an epoch that is open stays so; give --keys to "
        "finish it";
  } else {
    CASEBOX_TRY(const auto signer, open_producer_keys(keys, clock));
    CASEBOX_TRY(const auto key, signer->signing_key(args.text("--role")));
    auto full = producer::recover(log, key, clock, machine_boot_id());
    if (!full && full.error().code == Code::kDenied) {
      CASEBOX_TRY(done, repair_only(log));
      note = full.error().message;
    } else if (!full) {
      return std::move(full).error();
    } else {
      done = *std::move(full);
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const bool left_open = !done.finished_epoch && !note.empty() && has_open_epoch(log);
  const int code = done.log.torn || !done.streams.empty() || left_open ? 3 : 0;
  if (args.json()) {
    Json json = document("recover");
    json["files"] = done.log.files;
    json["streams"] = Json::array();
    for (const producer::RecoveredStream& stream : done.streams)
      json["streams"].push_back({{"stream", stream.name},
                                 {"stream_id", stream.stream.value},
                                 {"last_number", std::to_string(stream.last_number)},
                                 {"recovered_items", stream.items},
                                 {"lost_from_s", stream.lost_from.seconds()},
                                 {"lost_until_s", bound(stream, stream.lost_until.seconds())},
                                 {"lost_at_most_s", bound(stream, stream.lost_s())}});
    json["truncated_bytes"] = done.log.truncated_bytes;
    json["torn"] = done.log.torn;
    json["finished_epoch"] = done.finished_epoch;
    json["lived_until_s"] = done.finished_epoch ? Json(done.lived.seconds()) : Json(nullptr);
    json["case_id"] = done.case_id.is_nil() ? Json(nullptr) : Json(to_string(done.case_id));
    json["note"] = note;
    json["seconds"] = seconds;
    print(json);
    return code;
  }
  std::printf("%s: %u files, %llu bytes of a torn tail set aside, %s\n", log.string().c_str(),
              done.log.files, static_cast<unsigned long long>(done.log.truncated_bytes),
              done.finished_epoch ? "epoch finished"
              : left_open         ? "AN EPOCH STAYS UNCLOSED"
                                  : "no epoch to finish");
  for (const producer::RecoveredStream& stream : done.streams)
    std::printf("  %-24s up to number %llu, %s\n", stream.name.c_str(),
                static_cast<unsigned long long>(stream.last_number),
                producer::loss_text(stream).c_str());
  if (!note.empty()) std::fprintf(stderr, "%s\n", note.c_str());
  return code;
}

}  // namespace

const Command kRecoverCommand{
    "recover",
    "Put a log in order after a crash",
    {{"LOG", ArgKind::kText, "Folder of the log; nobody may be writing it", "", true},
     {"--keys", ArgKind::kText,
      "Keystore or recorder's kit that signs the end of the epoch (default: <LOG>/../keys, then "
      "<LOG>/../../keys)"},
     {"--role", ArgKind::kText, "Whose key signed the log: recorder, import, analysis, custody",
      "recorder"}},
    run_recover,
    "Touches the last file only and never deletes: what follows the last whole frame moves to "
    "FILE.torn.\n"
    "Then declares, per stream, what the crash may have cost, and closes the epoch. What was lost\n"
    "is computed from what is found; where the machine went down too, nothing bounds it.\n"
    "Exit code 3: something was lost, or an epoch could not be closed.\n"
    "Example:\n"
    "  casebox recover /var/lib/casebox/spool --keys /var/lib/casebox/store/keys --json"};

}  // namespace casebox::tools
