#include "proto/verify/verify.h"

#include <chrono>
#include <cstdio>

#include "proto/log/log.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"
#include "tools/config/yaml.h"
#include "tools/documents/parts.h"
#include "tools/store/verify_store.h"

namespace casebox::tools {
namespace {

/// An Ed25519 public key as 64 hex digits, or a file that holds them.
Result<std::array<uint8_t, 32>> trusted_key(const std::string& text) {
  std::string hex = text;
  if (hex.size() != 64) {
    CASEBOX_TRY(hex, read_text_file(text, 4096));
    hex.erase(hex.find_last_not_of(" \r\n\t") + 1);
  }
  const auto raw = from_hex(hex);
  if (!raw || raw->size() != 32)
    return Error{Code::kInvalidArgument,
                 text + ": not a key; give 64 hex digits or a file with them"};
  CASEBOX_TRY(const Digest key, to_digest(*raw));
  return key;
}

/// What no case can tell of itself: that the place holds none, or lost the end of what it held.
verify::Report incomplete(const std::string& path, const std::string& what) {
  verify::Report report;
  report.verdict = verify::Verdict::kUnclosed;
  report.not_proven.push_back("that every case that was recorded is here: " + what);
  report.problems.push_back({"store", path, what});
  return report;
}

/// A store that RocksDB itself refuses: damage, reported as such rather than as a failure to look.
verify::Report damaged(const std::string& path, const Error& error) {
  verify::Report report;
  report.verdict = verify::Verdict::kTampered;
  report.not_proven.push_back("that the store holds what was recorded: it cannot be read");
  report.problems.push_back({"store", path, error.message});
  return report;
}

Result<std::vector<verify::Report>> verify_path(const std::string& path,
                                                const verify::Options& options, std::string& kind) {
  if (storage::is_store(path)) {
    kind = "store";
    storage::Options how;
    how.read_only = true;
    auto store = storage::Store::open(path, how);
    if (!store && store.error().code == Code::kCorrupt)
      return std::vector<verify::Report>{damaged(path, store.error())};
    if (!store) return std::move(store).error();
    Progress progress("verify", 0, "cases");
    auto reports = verify_store(**store, options, [&](size_t done, size_t all) {
      progress.total(all);
      progress.update(done);
    });
    if (!reports && reports.error().code == Code::kCorrupt)
      return std::vector<verify::Report>{damaged(path, reports.error())};
    if (!reports) return std::move(reports).error();
    for (uint32_t i = 0; i < (*store)->shards(); ++i)
      if ((*store)->shard(i).recovered().torn_tail)
        reports->push_back(incomplete(path, "the database's log is torn or damaged in shard " +
                                                std::to_string(i) +
                                                "; what was written behind the place is not seen"));
    if (reports->empty()) reports->push_back(incomplete(path, "it holds no case"));
    return reports;
  }
  if (log::is_log(path)) {
    kind = "log";
    CASEBOX_TRY(auto reports, verify::verify_log(path, options));
    if (reports.empty()) reports.push_back(incomplete(path, "it holds no case"));
    return reports;
  }
  return Error{Code::kNotFound,
               path +
                   ": neither a store nor a log; give a folder with store.json or with "
                   ".cblog files"};
}

void print_people(const verify::Report& report) {
  std::printf("%s  %s\n", to_string(report.case_id).c_str(), verify::to_string(report.verdict));
  for (const std::string& line : report.proven) std::printf("  proven: %s\n", line.c_str());
  for (const std::string& line : report.not_proven) std::printf("  not proven: %s\n", line.c_str());
  for (const verify::Problem& p : report.problems)
    std::printf("  problem: %s: %s: %s\n", p.kind.c_str(), p.where.c_str(), p.detail.c_str());
}

Result<int> run(const Args& args) {
  const auto begin = std::chrono::steady_clock::now();
  verify::Options options;
  if (args.has("--log-key")) {
    CASEBOX_TRY(options.trusted_key, trusted_key(args.text("--log-key")));
  }
  std::string kind;
  CASEBOX_TRY(const auto reports, verify_path(args.text("PATH"), options, kind));
  verify::Verdict verdict = verify::Verdict::kComplete;
  uint64_t frames = 0, bytes = 0;
  for (const verify::Report& report : reports) {
    verdict = worse(verdict, report.verdict);
    frames += report.frames;
    bytes += report.bytes;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (args.json()) {
    Json json = document("verify");
    json["kind"] = kind;
    json["verdict"] = verify::to_string(verdict);
    json["partial"] = nullptr;
    for (const char* key : {"proven", "not_proven", "problems", "streams"})
      json[key] = Json::array();
    json["cases"] = Json::array();
    for (const verify::Report& report : reports) {
      Json one = report_json(report);
      for (const char* key : {"proven", "not_proven", "problems", "streams"})
        for (const Json& item : one[key]) json[key].push_back(item);
      json["cases"].push_back(std::move(one));
    }
    json["frames"] = frames;
    json["bytes"] = bytes;
    json["seconds"] = seconds;
    print(json);
  } else {
    for (const verify::Report& report : reports) print_people(report);
    std::printf("%s: %zu cases, %llu frames, %.1f MiB in %.2f s\n", verify::to_string(verdict),
                reports.size(), static_cast<unsigned long long>(frames),
                static_cast<double>(bytes) / (1 << 20), seconds);
  }
  const bool good = verdict == verify::Verdict::kComplete ||
                    verdict == verify::Verdict::kCompleteWithDeclaredGaps;
  return good ? 0 : 3;
}

}  // namespace

const Command kVerifyCommand{"verify",
                             "Verify a log or a store, without any key",
                             {{"PATH", ArgKind::kText, "Folder of a log or of a store", "", true},
                              {"--log-key", ArgKind::kText,
                               "The recorder's Ed25519 public key, 64 hex digits or a file: "
                               "another signer is UNTRUSTED_KEY"}},
                             run,
                             "Verdicts: COMPLETE, COMPLETE_WITH_DECLARED_GAPS (exit code 0); "
                             "UNCLOSED (valid up to a time, nobody\n"
                             "said that it ended), TAMPERED, UNTRUSTED_KEY (exit code 3). Of "
                             "several cases the worst counts.\n"
                             "Examples:\n"
                             "  casebox verify /var/lib/casebox/spool\n"
                             "  casebox verify S --log-key recorder.pub --json"};

}  // namespace casebox::tools
