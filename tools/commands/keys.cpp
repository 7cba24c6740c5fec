#include <algorithm>
#include <cstdio>

#include "proto/keyring/keystore.h"
#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/commands/commands.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

namespace fs = std::filesystem;

size_t count_files(const fs::path& dir, const std::string& ending) {
  std::error_code ec;
  size_t n = 0;
  for (const auto& entry : fs::directory_iterator(dir, ec)) n += entry.path().extension() == ending;
  return n;
}

Json audit_json(const v1::AuditRecord& record) {
  Json out;
  out["at"] = rfc3339(UtcTime{static_cast<int64_t>(record.utc_ns())});
  out["purpose"] = record.purpose();
  out["subject"] = record.subject();
  out["allowed"] = record.allowed();
  out["reason"] = record.reason();
  out["cases"] = Json::array();
  for (const std::string& id : record.case_ids()) {
    auto parsed = id_from_bytes<CaseId>(id);
    out["cases"].push_back(parsed ? to_string(*parsed) : to_hex(id));
  }
  return out;
}

Result<int> run(const Args& args) {
  const std::string action = args.text("ACTION");
  if (action != "list" && action != "stock" && action != "audit")
    return Error{Code::kInvalidArgument,
                 "keys: '" + action + "' is unknown; write list, stock or audit"};
  const fs::path dir = args.text("--keys");
  const bool create = action == "stock";
  SystemClock clock;
  CASEBOX_TRY(auto keystore, open_keystore(dir, clock, create, 0));
  Json json = document("keys");
  json["action"] = action;
  if (action == "stock") {
    const int64_t add = args.integer("--add");
    if (add < 0 || add > 100'000)
      return Error{Code::kInvalidArgument, "--add: give a number from 0 to 100000"};
    CASEBOX_CHECK(keystore->add_stock(static_cast<size_t>(add)));
    json["added"] = add;
  }
  CASEBOX_TRY(const auto trail, keystore->read_audit());
  json["stock"] = count_files(dir / "stock", ".pub");
  json["case_keys"] = count_files(dir / "cases", ".key");
  json["audit_records"] = trail.size();
  if (action == "audit") {
    json["audit"] = Json::array();
    for (const v1::AuditRecord& record : trail) json["audit"].push_back(audit_json(record));
  }
  if (args.json()) {
    print(json);
    return 0;
  }
  std::printf(
      "%zu unused one-time keys, %zu private keys, %zu audited openings; the trail is whole\n",
      json["stock"].get<size_t>(), json["case_keys"].get<size_t>(), trail.size());
  if (action == "audit")
    for (const Json& record : json["audit"])
      std::printf("%s  %-9s %-20s %s\n", record["at"].get<std::string>().c_str(),
                  record["purpose"].get<std::string>().c_str(),
                  record["subject"].get<std::string>().c_str(),
                  record["allowed"].get<bool>() ? "" : "refused");
  return 0;
}

}  // namespace

const Command kKeysCommand{
    "keys",
    "Look after the site's keystore",
    {{"ACTION", ArgKind::kText, "list, stock (add one-time keys; makes the keystore) or audit", "",
      true},
     {"--keys", ArgKind::kText, "Folder of the keystore", "", true},
     {"--add", ArgKind::kInteger, "stock: how many one-time keys to add", "100"}},
    run,
    "Examples:\n"
    "  casebox keys stock --keys /var/lib/casebox/store/keys --add 200\n"
    "  casebox keys audit --keys /var/lib/casebox/store/keys --json"};

}  // namespace casebox::tools
