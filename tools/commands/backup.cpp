#include <chrono>
#include <cstdio>

#include "storage/backup.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

Result<int> run_backup(const Args& args) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string out = args.text("--out");
  Progress progress("backing up", 0, "MiB");
  CASEBOX_TRY(const auto done,
              storage::backup_store(args.text("--store"), out,
                                    [&](uint64_t bytes) { progress.update(bytes >> 20); }));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (args.json()) {
    Json json = document("backup");
    json["out"] = out;
    json["files"] = done.files;
    json["bytes"] = done.bytes;
    json["cases"] = done.cases;
    json["commits"] = done.commits;
    json["seconds"] = seconds;
    json["keystore"] = false;
    print(json);
    return 0;
  }
  std::printf("%s: %llu cases, %llu files, %.1f MiB in %.2f s\n", out.c_str(),
              static_cast<unsigned long long>(done.cases),
              static_cast<unsigned long long>(done.files),
              static_cast<double>(done.bytes) / (1 << 20), seconds);
  std::fprintf(stderr,
               "casebox: the keystore is not part of a backup; keep its own copy elsewhere\n");
  return 0;
}

}  // namespace

const Command kBackupCommand{
    "backup",
    "Copy a store consistently, beside a writer too",
    {{"--store", ArgKind::kText, "Folder of the store", "", true},
     {"--out", ArgKind::kText, "New folder for the copy", "", true}},
    run_backup,
    "Every shard as it stands at one commit, media up to what was committed, and the logs below "
    "the\n"
    "store. The copy is a store: `casebox verify` takes it as it is, `casebox restore` makes one\n"
    "that can be written. The keystore is left out: whoever has both can read the cases.\n"
    "Example:\n"
    "  casebox backup --store S --out /backup/2026-03-01 --json"};

}  // namespace casebox::tools
