// casebox record: the recorder. Records one case into the spool until its sources end, the time is
// up or it is asked to stop; with --appliance case after case, until it is asked to stop.
// `casebox ingest` or `casebox forward` take it from there.

#include "recorder/recorder.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/cli/progress.h"
#include "tools/cli/stop_signal.h"
#include "tools/commands/commands.h"
#include "tools/config/config.h"
#include "tools/room/room.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

/// Says each change of state once, on standard error.
class Teller {
 public:
  void tell(const recorder::Progress& progress) {
    for (const recorder::SourceState& source : progress.sources) {
      std::string& last = said_[source.name];
      if (last == source.state) continue;
      last = source.state;
      std::fprintf(stderr, "casebox: %9.1f s: %s %s%s%s\n", progress.now.seconds(),
                   source.name.c_str(), source.state.c_str(), source.message.empty() ? "" : ": ",
                   source.message.c_str());
    }
    if (progress.disk_full != disk_full_) {
      disk_full_ = progress.disk_full;
      std::fprintf(stderr, "casebox: %9.1f s: %s\n", progress.now.seconds(),
                   disk_full_
                       ? "the disk is full: events wait, all else becomes gaps; free some space"
                       : "the disk takes records again");
    }
    if (progress.shed != shed_) {
      shed_ = progress.shed;
      std::fprintf(stderr, "casebox: %9.1f s: %s\n", progress.now.seconds(),
                   shed_.empty() ? "the disk has room again: everything is recorded"
                                 : ("little space on the disk: not recorded are " + shed_).c_str());
    }
    if (!progress.accounts_balance && balanced_) {
      balanced_ = false;
      std::fprintf(stderr, "casebox: %9.1f s: the books do not balance; report this\n",
                   progress.now.seconds());
    }
  }

 private:
  std::map<std::string, std::string> said_;
  std::string shed_;
  bool disk_full_ = false;
  bool balanced_ = true;
};

Json to_json(const recorder::Loss& loss) {
  return {{"source", loss.source},
          {"stream", loss.stream},
          {"origin", name_of(loss.origin)},
          {"reason", loss.reason},
          {"gaps", loss.gaps},
          {"missing", loss.missing},
          {"unknown_gaps", loss.unknown_gaps},
          {"t0_s", loss.begin.seconds()},
          {"t1_s", loss.end.seconds()}};
}

Json to_json(const recorder::Summary& summary, const std::string& log) {
  Json doc = document("record");
  doc["case_id"] = to_string(summary.case_id);
  doc["epoch"] = to_string(summary.epoch);
  doc["log"] = log;
  doc["seconds"] = summary.end.seconds();
  doc["frames"] = summary.frames;
  doc["bytes"] = summary.bytes;
  doc["keys_left"] = summary.keys_left;
  doc["key_reused"] = summary.key_reused;
  doc["accounts_balance"] = summary.accounts_balance;
  doc["streams"] = Json::array();
  for (const recorder::StreamCount& row : summary.streams)
    doc["streams"].push_back({{"name", row.name},
                              {"kind", name_of(row.kind)},
                              {"source", row.source},
                              {"sent", row.sent},
                              {"received", row.received},
                              {"stored", row.stored},
                              {"missing", row.missing},
                              {"gap_frames", row.gap_frames},
                              {"unknown_gaps", row.unknown_gaps}});
  doc["sources"] = Json::array();
  for (const recorder::SourceState& source : summary.sources)
    doc["sources"].push_back(
        {{"name", source.name}, {"state", source.state}, {"message", source.message}});
  doc["lost"] = Json::array();
  for (const recorder::Loss& loss : summary.losses) doc["lost"].push_back(to_json(loss));
  doc["skipped"] = Json::array();
  for (const recorder::Skipped& skipped : summary.skipped)
    doc["skipped"].push_back(
        {{"file", skipped.file}, {"offset", skipped.offset}, {"reason", skipped.reason}});
  return doc;
}

Result<int> run_appliance(const Args& args) {
  CASEBOX_TRY(const auto config, load_appliance_config(args.text("--config")));
  SystemClock clock;
  std::error_code ec;
  const std::string& dir = config.recorder().keystore_dir();
  CASEBOX_TRY(const auto keys, open_producer_keys(dir, clock, !std::filesystem::exists(dir, ec)));
  if (args.flag("--check")) {
    const auto checks = check_room(config, *keys, clock);
    bool all = true;
    Json doc = document("record");
    doc["checks"] = Json::array();
    for (const RoomCheck& check : checks) {
      all = all && check.ok;
      doc["checks"].push_back({{"what", check.what}, {"ok", check.ok}, {"detail", check.detail}});
      if (!args.json())
        fmt::print("{:<4} {}: {}\n", check.ok ? "ok" : "NOT", check.what, check.detail);
    }
    doc["ok"] = all;
    if (args.json()) print(doc);
    return all ? 0 : 1;
  }
  StopSignal signal;
  CASEBOX_TRY(const RoomRun done, run_room(config, *keys, clock, [&] { return signal.stopped(); }));
  if (args.json()) {
    Json doc = document("record");
    doc["log"] = config.recorder().spool_dir();
    doc["seconds"] = done.seconds;
    doc["cases"] = done.cases;
    doc["whole"] = done.whole;
    print(doc);
  }
  return done.whole ? 0 : 3;
}

Result<int> run_record(const Args& args) {
  if (args.flag("--appliance")) return run_appliance(args);
  if (args.flag("--check")) return Error{Code::kInvalidArgument, "--check: goes with --appliance"};
  CASEBOX_TRY(const auto config, load_recorder_config(args.text("--config")));
  SystemClock clock;
  std::error_code ec;
  const bool make = !std::filesystem::exists(config.keystore_dir(), ec);
  CASEBOX_TRY(const auto keys, open_producer_keys(config.keystore_dir(), clock, make));
  StopSignal signal;
  Teller teller;
  casebox::tools::Progress bar("recording", 0, "s");
  recorder::Options options;
  options.config = config;
  options.log_dir = config.spool_dir();
  options.software = "casebox " + program_version();
  CASEBOX_TRY(options.limit, args.seconds("--seconds"));
  options.stop = [&] { return signal.stopped(); };
  options.on_recovery = [](const producer::EpochRecovery& done) {
    for (const producer::RecoveredStream& stream : done.streams)
      std::fprintf(stderr, "casebox: the recording before this one was cut off: %s: %s\n",
                   stream.name.c_str(), producer::loss_text(stream).c_str());
  };
  options.on_progress = [&](const recorder::Progress& progress) {
    teller.tell(progress);
    if (progress.total_s > 0) bar.total(static_cast<uint64_t>(progress.total_s));
    bar.update(static_cast<uint64_t>(std::max(0.0, progress.now.seconds())));
  };
  CASEBOX_TRY(const auto summary, recorder::record(options, *keys, clock));
  if (summary.key_reused)
    std::fprintf(
        stderr,
        "casebox: no one-time case key was left: this case has the key of the last one, and "
        "says so; %s\n",
        keys->how_to_refill().c_str());
  else if (summary.keys_left < keyring::kFewCaseKeys)
    std::fprintf(stderr, "casebox: %zu one-time case keys left; %s\n", summary.keys_left,
                 keys->how_to_refill().c_str());
  if (args.json()) {
    print(to_json(summary, config.spool_dir()));
  } else {
    fmt::print("{:.1f} s recorded as case {}: {} frames, {:.1f} MB\n", summary.end.seconds(),
               to_string(summary.case_id), summary.frames,
               static_cast<double>(summary.bytes) * 1e-6);
    fmt::print("{:<24} {:>12} {:>12} {:>10} {:>6}\n", "stream", "sent", "stored", "missing",
               "gaps");
    for (const recorder::StreamCount& row : summary.streams)
      fmt::print("{:<24} {:>12} {:>12} {:>10} {:>6}\n", row.name, row.sent, row.stored, row.missing,
                 row.gap_frames);
  }
  for (const recorder::SourceState& source : summary.sources)
    if (source.state == "failed") std::fprintf(stderr, "casebox: %s\n", source.message.c_str());
  for (const recorder::Loss& loss : summary.losses)
    std::fprintf(stderr, "casebox: %s: lost between %.3f and %.3f s: %s\n", loss.stream.c_str(),
                 loss.begin.seconds(), loss.end.seconds(), loss.reason.c_str());
  return summary.accounts_balance && summary.losses.empty() ? 0 : 3;
}

}  // namespace

const Command kRecordCommand{
    "record",
    "The recorder: records one case, or as an appliance case after case",
    {{"--config", ArgKind::kText,
      "Configuration; `casebox config defaults recorder`, or with --appliance `appliance`", "",
      true},
     {"--appliance", ArgKind::kFlag,
      "Stay: begin and end cases by rules over live signals, a button, or `casebox case`"},
     {"--check", ArgKind::kFlag,
      "With --appliance: try each source, disk, keys, clock and broker, and record nothing"},
     {"--seconds", ArgKind::kNumber, "End after so many seconds of case time; 0: with its sources",
      "0"}},
    run_record,
    "Ends in good order on SIGINT and SIGTERM: what sources and queues still hold is taken in "
    "first.\n"
    "A source that fails, never answers or goes away costs no other; what is lost is a gap with "
    "its\n"
    "cause, and exit code 3 tells of it (not of what a simulated room planted).\n"
    "keystore_dir of the configuration is the site's keystore, or a recorder's kit (casebox keys\n"
    "kit): with a kit it can record and never read.\n"
    "An appliance that is stopped or killed while a case is open goes on with it when it is back "
    "in\n"
    "time (docs/appliance.md); --check exits 1 where something is not as it must be."};

}  // namespace casebox::tools
