#include <chrono>
#include <cstdio>

#include "storage/backup.h"
#include "tools/cli/json.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"

namespace casebox::tools {
namespace {

Result<int> run_restore(const Args& args) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string store = args.text("--store");
  Progress progress("restoring", 0, "MiB");
  CASEBOX_TRY(const auto done, storage::restore_store(args.text("DIR"), store, [&](uint64_t bytes) {
                progress.update(bytes >> 20);
              }));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (args.json()) {
    Json json = document("restore");
    json["store"] = store;
    json["files"] = done.files;
    json["bytes"] = done.bytes;
    json["cases"] = done.cases;
    json["commits"] = done.commits;
    json["seconds"] = seconds;
    json["keystore"] = false;
    print(json);
    return 0;
  }
  std::printf("%s: %llu cases, %llu files, %.1f MiB in %.2f s\n", store.c_str(),
              static_cast<unsigned long long>(done.cases),
              static_cast<unsigned long long>(done.files),
              static_cast<double>(done.bytes) / (1 << 20), seconds);
  std::fprintf(stderr,
               "casebox: a backup holds no keystore; name it with --keys, or copy it to %s/keys\n",
               store.c_str());
  return 0;
}

}  // namespace

const Command kRestoreCommand{
    "restore",
    "Make a store from a backup",
    {{"DIR", ArgKind::kText, "Folder that casebox backup wrote", "", true},
     {"--store", ArgKind::kText, "New folder for the store", "", true}},
    run_restore,
    "Each file is checked against the SHA-256 that the backup names. The store resumes from the\n"
    "offsets in it: the next `casebox ingest` reads what came since from logs or bus.\n"
    "Example:\n"
    "  casebox restore /backup/2026-03-01 --store S2 --json"};

}  // namespace casebox::tools
