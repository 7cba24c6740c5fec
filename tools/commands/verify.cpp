#include "proto/verify/verify.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "proto/log/log.h"
#include "storage/found.h"
#include "storage/verify/verified_case.h"
#include "tools/cli/names.h"
#include "tools/cli/progress.h"
#include "tools/commands/commands.h"
#include "tools/config/yaml.h"
#include "tools/documents/parts.h"
#include "tools/store/quarantined.h"
#include "tools/store/resume.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

/// An Ed25519 public key as 64 hex digits, or a file that holds them.
Result<trust::PublicKey> log_key(const std::string& text) {
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

/// What was looked at, and what no case can tell of itself.
struct Looked {
  std::string kind;
  std::vector<verify::Report> reports;
  // What the bus brought and no case took: quarantined_json. Information, no part of any verdict;
  // null: it cannot be read.
  Json quarantined = Json::array();
  std::map<CaseId, Json> quarantined_of;  // what names a case
};

/// quarantined[{reason frames not_kept}], over all sources; not_kept are counted in frames too.
Json quarantined_json(const std::vector<storage::QuarantineCount>& counts) {
  std::map<std::string, std::pair<uint64_t, uint64_t>> reasons;
  for (const storage::QuarantineCount& count : counts) {
    auto& [frames, not_kept] = reasons[count.reason];
    frames += count.rows + count.beyond;
    not_kept += count.beyond;
  }
  Json out = Json::array();
  for (const auto& [reason, sum] : reasons)
    if (sum.first > 0)
      out.push_back({{"reason", reason}, {"frames", sum.first}, {"not_kept", sum.second}});
  return out;
}

/// A damaged quarantine damages no case.
Json quarantined_in(const storage::Store& store, std::optional<CaseId> id) {
  const auto counts = quarantine_counts(store, id);
  if (counts) return quarantined_json(*counts);
  std::fprintf(stderr, "casebox: the quarantine cannot be read: %s\n",
               counts.error().message.c_str());
  return nullptr;
}

void print_quarantined(const Json& quarantined, const char* before, const char* behind) {
  if (quarantined.empty()) return;
  std::string text;
  for (const Json& one : quarantined)
    text += (text.empty() ? "" : ", ") + std::to_string(one["frames"].get<uint64_t>()) + " " +
            one["reason"].get<std::string>();
  std::printf("%sin quarantine: %s%s\n", before, text.c_str(), behind);
}

/// A report about the place, not about a case in it.
verify::Report about(const std::string& path, verify::Verdict verdict, const std::string& what,
                     const std::string& not_proven) {
  verify::Report report;
  report.verdict = verdict;
  report.not_proven.push_back(not_proven);
  report.problems.push_back({"store", path, what});
  ++report.problem_counts["store"];
  return report;
}

verify::Report incomplete(const std::string& path, const std::string& what) {
  return about(path, verify::Verdict::kDamaged, what,
               "that every case that was recorded is here: " + what);
}

verify::Report empty(const std::string& path) {
  return about(path, verify::Verdict::kUnclosed, "it holds no case",
               "that every case that was recorded is here");
}

void print_verify(const verify::Report& report) {
  const bool place = report.case_id.is_nil();  // about the place, not about a case in it
  std::printf("%s  %s\n", place ? "(no case)" : to_string(report.case_id).c_str(),
              verify::to_string(report.verdict));
  for (const std::string& line : report.proven) std::printf("  proven: %s\n", line.c_str());
  for (const std::string& line : report.not_proven) std::printf("  not proven: %s\n", line.c_str());
  for (const verify::StreamReport& stream : report.streams)
    if (stream.gap_frames > 0)
      std::printf("  missing: %s: %llu items, and %llu times nobody knows how many\n",
                  stream.name.c_str(), static_cast<unsigned long long>(stream.missing),
                  static_cast<unsigned long long>(stream.unknown_gaps));
  for (const verify::Signer& one : report.signers)
    std::printf("  signer: %s  %s%s  %u epoch%s%s\n", to_hex(Digest(one.key)).c_str(),
                name_of(one.role).c_str(), one.name.empty() ? "" : (" " + one.name).c_str(),
                one.epochs, one.epochs == 1 ? "" : "s",
                !one.listed   ? ""
                : *one.listed ? ", listed"
                              : ", NOT listed");
  for (const verify::Problem& p : report.problems)
    std::printf("  problem: %s: %s: %s\n", p.kind.c_str(), p.where.c_str(), p.detail.c_str());
  for (const auto& [kind, count] : report.problem_counts)
    if (count > verify::Report::kKept)
      std::printf("  and %llu more of kind %s\n",
                  static_cast<unsigned long long>(count - verify::Report::kKept), kind.c_str());
  std::fflush(stdout);
}

Result<void> look_at_store(const std::string& path, const verify::Options& options, bool people,
                           Looked& looked) {
  looked.kind = "store";
  storage::Options how;
  how.read_only = true;
  const auto unreadable = [&](const Error& error) -> Result<void> {
    if (error.code != Code::kCorrupt) return error;
    looked.reports.push_back(about(path, verify::Verdict::kDamaged, error.message,
                                   "that the store holds what was recorded: it cannot be read"));
    if (people) print_verify(looked.reports.back());
    return ok();
  };
  auto store = storage::Store::open(path, how);
  if (!store) return unreadable(store.error());
  say_notices(**store);
  const auto listed = (*store)->cases();
  if (!listed) return unreadable(listed.error());
  const auto& records = *listed;
  if (people && !records.empty()) {
    // Chains and signatures take moments, every byte may take minutes: what is known is said first.
    CASEBOX_TRY(const CaseId first, id_from_bytes<CaseId>(records.front().case_id()));
    auto quick = storage::verify_case(**store, first, options, storage::Depth::kLeaves);
    if (quick)
      std::printf("%s  %s by its signatures and chains; reading every byte\n",
                  to_string(first).c_str(), verify::to_string(quick->report.verdict));
    std::fflush(stdout);
  }
  Progress progress("verify", records.size(), "cases");
  auto reports = storage::verify_store(**store, options, storage::Depth::kBytes,
                                       [&](const verify::Report& report, size_t done, size_t) {
                                         Json& aside = looked.quarantined_of[report.case_id];
                                         aside = quarantined_in(**store, report.case_id);
                                         if (people) {
                                           print_verify(report);
                                           print_quarantined(aside, "  ", "; no part of the case");
                                         }
                                         progress.update(done);
                                       });
  if (!reports) return unreadable(reports.error());
  looked.reports = std::move(*reports);
  looked.quarantined = quarantined_in(**store, {});
  const size_t cases = looked.reports.size();
  for (uint32_t i = 0; i < (*store)->shards(); ++i) {
    const storage::Shard& shard = (*store)->shard(i);
    if (const auto found = shard.recovered(); found.torn_tail)
      looked.reports.push_back(incomplete(path, found.notices.empty()
                                                    ? "commits of shard " + std::to_string(i)
                                                    : found.notices.front()));
    const auto ledger = shard.for_each_ledger([](const storage::LedgerEntry&) { return ok(); });
    if (!ledger) looked.reports.push_back(incomplete(path, ledger.error().message));
  }
  const auto skipped = (*store)->shard(0).skipped();
  if (!skipped) looked.reports.push_back(incomplete(path, skipped.error().message));
  if (skipped)
    for (const storage::Skipped& one : *skipped)
      looked.reports.push_back(incomplete(path, skipped_text(one)));
  if (looked.reports.empty()) looked.reports.push_back(empty(path));
  if (people)
    for (size_t i = cases; i < looked.reports.size(); ++i) print_verify(looked.reports[i]);
  return ok();
}

Result<Looked> look_at(const std::string& path, const verify::Options& options, bool people) {
  Looked looked;
  if (storage::is_store(path)) {
    CASEBOX_CHECK(look_at_store(path, options, people, looked));
    return looked;
  }
  if (!log::is_log(path))
    return Error{Code::kNotFound,
                 path +
                     ": neither a store nor a log; give a folder with store.json or with "
                     ".cblog files"};
  looked.kind = "log";
  CASEBOX_TRY(looked.reports, verify::verify_log(path, options));
  if (looked.reports.empty()) looked.reports.push_back(empty(path));
  if (people)
    for (const verify::Report& report : looked.reports) print_verify(report);
  return looked;
}

Json to_json(const Looked& looked, verify::Verdict verdict, double seconds) {
  Json json = document("verify");
  json["kind"] = looked.kind;
  json["verdict"] = verify::to_string(verdict);
  json["partial"] = nullptr;
  for (const char* key : {"proven", "not_proven", "problems", "signers", "streams"})
    json[key] = Json::array();
  json["cases"] = Json::array();
  uint64_t frames = 0, bytes = 0, caches = 0;
  for (const verify::Report& report : looked.reports) {
    frames += report.frames;
    bytes += report.bytes;
    Json one = report_json(report);
    caches += one["caches_differ"].get<uint64_t>();
    const auto aside = looked.quarantined_of.find(report.case_id);
    one["quarantined"] = aside == looked.quarantined_of.end() ? Json::array() : aside->second;
    for (const char* key : {"proven", "not_proven", "problems", "signers", "streams"})
      for (const Json& item : one[key]) json[key].push_back(item);
    json["cases"].push_back(std::move(one));
  }
  json["caches_differ"] = caches;
  json["quarantined"] = looked.quarantined;
  json["frames"] = frames;
  json["bytes"] = bytes;
  json["seconds"] = seconds;
  return json;
}

/// The list that was given, else the one that the store's ingest kept beside it, which answers for
/// itself only.
Result<std::optional<LoadedTrust>> trust_of(const Args& args, const std::string& path) {
  TrustOptions how = TrustOptions::from(args);
  std::error_code ec;
  const auto beside = std::filesystem::path(path) / "trust.list";
  if (how.file.empty() && storage::is_store(path) && std::filesystem::exists(beside, ec))
    how.file = beside;
  if (how.file.empty()) return std::optional<LoadedTrust>();
  CASEBOX_TRY(LoadedTrust loaded, load_trust(how, nullptr));
  return std::optional<LoadedTrust>(std::move(loaded));
}

Result<int> run_verify(const Args& args) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string path = args.text("PATH");
  verify::Options options;
  for (const std::string& text : args.list("--log-key")) {
    CASEBOX_TRY(const auto key, log_key(text));
    options.log_keys.push_back(key);
  }
  CASEBOX_TRY(const auto trust, trust_of(args, path));
  if (trust) options.trust = &trust->list;
  CASEBOX_TRY(Looked looked, look_at(path, options, !args.json()));
  if (trust && !trust->vouched) {
    const std::string doubt = "that the trust list is the site's: it is signed by " +
                              to_hex(trust->list.message().site_key()) +
                              "; compare it with the site's key (--site-key)";
    for (verify::Report& report : looked.reports) report.not_proven.push_back(doubt);
    if (!args.json()) std::printf("not proven: %s\n", doubt.c_str());
  }
  verify::Verdict verdict = verify::Verdict::kComplete;
  uint64_t frames = 0, bytes = 0;
  for (const verify::Report& report : looked.reports) {
    verdict = verify::worse(verdict, report.verdict);
    frames += report.frames;
    bytes += report.bytes;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (storage::is_store(path))  // what readers found of a case counts until all of it was read
    for (const verify::Report& report : looked.reports)
      if (verify::may_be_shown(report.verdict) && !report.case_id.is_nil())
        storage::forget_found(path, report.case_id);
  if (args.json()) {
    print(to_json(looked, verdict, seconds));
  } else {
    print_quarantined(looked.quarantined, "", "; in no case (casebox quarantine lists them)");
    const auto cases = static_cast<size_t>(std::ranges::count_if(
        looked.reports, [](const verify::Report& report) { return !report.case_id.is_nil(); }));
    std::printf("%s: %zu case%s, %llu frames, %.1f MiB in %.2f s\n", verify::to_string(verdict),
                cases, cases == 1 ? "" : "s", static_cast<unsigned long long>(frames),
                static_cast<double>(bytes) / (1 << 20), seconds);
  }
  return verify::is_complete(verdict) ? 0 : 3;
}

}  // namespace

const Command kVerifyCommand{
    "verify", "Verify a log or a store, without any key",
    with_trust_args(
        {{"PATH", ArgKind::kText, "Folder of a log or of a store", "", true},
         {"--log-key", ArgKind::kList,
          "A recorder's Ed25519 public key that may sign the record, 64 hex digits or a file; may "
          "be given several times: another signer is UNTRUSTED_KEY"}}),
    run_verify,
    "Verdicts: COMPLETE, COMPLETE_WITH_DECLARED_GAPS (exit code 0); UNCLOSED (valid up to a time,\n"
    "nobody said that it ended), NOT_SEALED (content stands in the clear), DAMAGED (something is\n"
    "missing or unreadable), UNTRUSTED_KEY (a signer that nobody vouches for), TAMPERED "
    "(something\n"
    "signed contradicts something stored) (exit code 3). Of several cases the worst counts.\n"
    "Examples:\n"
    "  casebox verify /var/lib/casebox/spool\n"
    "  casebox verify S --trust site.trust --site-key 5f2c... --json\n"
    "  casebox verify S --log-key recorder.pub"};

}  // namespace casebox::tools
