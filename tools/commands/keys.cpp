// casebox keys: the site's keystore. Who may say what (enrol, disable, list, trust), what recorders
// get (stock, kit), and who opened what (audit).

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "proto/base/file.h"
#include "proto/keyring/keystore.h"
#include "proto/keyring/kit.h"
#include "proto/keyring/roles.h"
#include "tools/cli/json.h"
#include "tools/cli/names.h"
#include "tools/commands/commands.h"
#include "tools/store/store_access.h"

namespace casebox::tools {
namespace {

namespace fs = std::filesystem;
using keyring::Keystore;

constexpr int64_t kMostAtOnce = 100'000;

size_t count_files(const fs::path& dir, const std::string& ending) {
  std::error_code ec;
  size_t n = 0;
  for (const auto& entry : fs::directory_iterator(dir, ec)) n += entry.path().extension() == ending;
  return n;
}

Result<size_t> count_of(const Args& args, const std::string& option) {
  const int64_t count = args.integer(option);
  if (count < 0 || count > kMostAtOnce)
    return Error{Code::kInvalidArgument, option + ": give a number from 0 to 100000"};
  return static_cast<size_t>(count);
}

Result<std::string> needed(const Args& args, const std::string& action, const std::string& option) {
  if (!args.text(option).empty()) return args.text(option);
  return Error{Code::kInvalidArgument, "keys " + action + ": " + option +
                                           " is missing; `casebox keys --help` shows an example"};
}

/// An Ed25519 public key as 64 hex digits, or a file that holds them.
Result<Bytes> public_key(const std::string& text) {
  std::string hex = text;
  if (hex.size() != 64) {
    auto file = read_file(text, 4096);
    if (!file && file.error().code != Code::kNotFound) return std::move(file).error();
    hex = file ? *file : "";
    hex.erase(hex.find_last_not_of(" \r\n\t") + 1);
  }
  auto raw = from_hex(hex);
  if (!raw || raw->size() != 32)
    return Error{Code::kInvalidArgument,
                 "--key: not a public key; give 64 hex digits or a file with them"};
  return *raw;
}

/// 0 for an empty text: no limit.
Result<uint64_t> time_of(const Args& args, const std::string& option) {
  if (args.text(option).empty()) return uint64_t{0};
  auto t = utc_from(args.text(option));
  if (!t) return annotate(std::move(t).error(), option);
  return static_cast<uint64_t>(t->ns);
}

Json time_json(uint64_t utc_ns) {
  if (utc_ns == 0) return nullptr;
  return rfc3339(UtcTime{static_cast<int64_t>(utc_ns)});
}

Json producer_json(const v1::TrustedProducer& one) {
  return {{"key", to_hex(one.key())},
          {"role", name_of(one.role())},
          {"name", one.name()},
          {"room", one.room()},
          {"from", time_json(one.from_utc_ns())},
          {"until", time_json(one.until_utc_ns())}};
}

Json audit_json(const v1::AuditRecord& record) {
  Json out;
  out["number"] = record.sequence();
  out["at"] = rfc3339(UtcTime{static_cast<int64_t>(record.utc_ns())});
  out["purpose"] = record.purpose();
  out["subject"] = record.subject();
  out["uid"] = record.has_uid() ? Json(record.uid()) : Json(nullptr);
  out["account"] = record.account();
  out["allowed"] = record.allowed();
  out["reason"] = record.reason();
  out["role"] = record.role();
  out["purpose_of_use"] = record.purpose_of_use();
  out["level"] = record.level();
  out["classes"] = Json::array();
  for (const std::string& one : record.classes()) out["classes"].push_back(one);
  out["cases"] = Json::array();
  for (const std::string& id : record.case_ids()) {
    auto parsed = id_from_bytes<CaseId>(id);
    out["cases"].push_back(parsed ? to_string(*parsed) : to_hex(id));
  }
  return out;
}

/// What every document of this command tells of the keystore.
Result<void> add_counts(Json& json, const Keystore& keystore) {
  json["stock"] = count_files(keystore.dir() / "stock", ".pub");
  json["case_keys"] = count_files(keystore.dir() / "cases", ".key");
  return ok();
}

void print_audit(const Json& json) {
  for (const Json& record : json["audit"]) {
    const Json& uid = record["uid"];
    fmt::print("{:>6}  {}  {:<14} {:<20} {:<16} {}{}\n", record["number"].get<uint64_t>(),
               record["at"].get<std::string>(), record["purpose"].get<std::string>(),
               record["subject"].get<std::string>(),
               uid.is_null() ? "" : record["account"].get<std::string>() + "(" + to_text(uid) + ")",
               record["allowed"].get<bool>() ? "" : "refused ",
               record["reason"].get<std::string>());
  }
}

Result<Json> list(Keystore& keystore, const Args&) {
  CASEBOX_TRY(const auto trust, keystore.trust());
  Json json;
  json["site_key"] = to_hex(trust.message().site_key());
  json["serial"] = trust.message().serial();
  json["keys"] = Json::array();
  for (const v1::TrustedProducer& one : trust.message().producers())
    json["keys"].push_back(producer_json(one));
  return json;
}

Result<Json> stock(Keystore& keystore, const Args& args) {
  CASEBOX_TRY(const size_t add, count_of(args, "--add"));
  CASEBOX_CHECK(keystore.add_stock(add));
  return Json{{"added", add}};
}

Result<Json> audit(Keystore& keystore, const Args& args) {
  Json json;
  if (args.flag("--accept-damage")) {
    CASEBOX_TRY(json["accepted_damage"], keystore.accept_damaged_audit("casebox keys"));
  }
  CASEBOX_TRY(const auto trail, keystore.read_audit());
  json["audit_records"] = trail.size();
  json["audit"] = Json::array();
  for (const v1::AuditRecord& record : trail) json["audit"].push_back(audit_json(record));
  return json;
}

Result<Json> enrol(Keystore& keystore, const Args& args) {
  v1::TrustedProducer one;
  CASEBOX_TRY(*one.mutable_name(), needed(args, "enrol", "--name"));
  CASEBOX_TRY(const std::string role, needed(args, "enrol", "--role"));
  CASEBOX_TRY(const std::string key, needed(args, "enrol", "--key"));
  one.set_role(keyring::role_named(role));
  if (one.role() == v1::PRODUCER_ROLE_UNSPECIFIED)
    return Error{Code::kInvalidArgument,
                 "--role: '" + role + "' is none; write recorder, import, analysis or custody"};
  CASEBOX_TRY(*one.mutable_key(), public_key(key));
  one.set_room(args.text("--room"));
  CASEBOX_TRY(const uint64_t from, time_of(args, "--from"));
  CASEBOX_TRY(const uint64_t until, time_of(args, "--until"));
  if (until != 0 && until <= from)
    return Error{Code::kInvalidArgument, "--until: is not after --from; leave one out"};
  one.set_from_utc_ns(from);
  one.set_until_utc_ns(until);
  CASEBOX_CHECK(keystore.enrol(one, args.flag("--change-role")));
  return Json{{"enrolled", producer_json(one)}};
}

Result<Json> disable(Keystore& keystore, const Args& args) {
  CASEBOX_TRY(const std::string name, needed(args, "disable", "NAME"));
  CASEBOX_TRY(uint64_t until, time_of(args, "--until"));
  if (until == 0) until = static_cast<uint64_t>(SystemClock().utc().ns);
  CASEBOX_CHECK(keystore.end_enrolment(name, UtcTime{static_cast<int64_t>(until)}));
  return Json{{"disabled", name}, {"until", time_json(until)}};
}

Result<Json> trust(Keystore& keystore, const Args& args) {
  CASEBOX_TRY(const std::string out, needed(args, "trust", "--out"));
  CASEBOX_TRY(const Bytes bytes, keystore.signed_trust());
  CASEBOX_TRY(const auto read, trust::TrustList::parse(bytes));
  CASEBOX_CHECK(write_file_atomic(out, bytes));  // it is public
  return Json{{"out", out},
              {"site_key", to_hex(read.message().site_key())},
              {"serial", read.message().serial()},
              {"producers", read.message().producers_size()}};
}

Result<Json> kit(Keystore& keystore, const Args& args) {
  keyring::KitOptions options;
  CASEBOX_TRY(options.recorder, needed(args, "kit", "--recorder"));
  CASEBOX_TRY(const std::string out, needed(args, "kit", "--out"));
  CASEBOX_TRY(options.stock, count_of(args, "--stock"));
  options.room = args.text("--room");
  CASEBOX_CHECK(keyring::Kit::make(keystore, out, options));
  CASEBOX_TRY(const auto made, keyring::Kit::open(out));
  return Json{{"out", out},
              {"recorder", made->recorder()},
              {"room", made->room()},
              {"key", to_hex(made->public_key())},
              {"site_key", to_hex(made->site_key())},
              {"kit_stock", count_files(fs::path(out) / "stock", ".pub")}};
}

void print_for_people(const std::string& action, const Json& json) {
  const auto text = [&](const char* key) { return json[key].get<std::string>(); };
  if (action == "list") {
    fmt::print("{:<20} {:<9} {:<12} {:<64} {}\n", "name", "role", "room", "key", "until");
    for (const Json& one : json["keys"])
      fmt::print("{:<20} {:<9} {:<12} {:<64} {}\n", one["name"].get<std::string>(),
                 one["role"].get<std::string>(), one["room"].get<std::string>(),
                 one["key"].get<std::string>(),
                 one["until"].is_null() ? "" : one["until"].get<std::string>());
    fmt::print("trust list {}, signed with the site's key {}\n", json["serial"].get<uint64_t>(),
               text("site_key"));
  } else if (action == "audit") {
    print_audit(json);
    if (json.contains("accepted_damage"))
      fmt::print("The damaged trail was set aside ({}); this is a new one.\n",
                 text("accepted_damage"));
    fmt::print("{} audited acts; the trail is whole\n", json["audit_records"].get<size_t>());
  } else if (action == "enrol") {
    const Json& one = json["enrolled"];
    fmt::print("enrolled '{}' as {}\n", one["name"].get<std::string>(),
               one["role"].get<std::string>());
  } else if (action == "disable") {
    fmt::print("what '{}' begins from {} on is not taken\n", text("disabled"), text("until"));
  } else if (action == "trust") {
    fmt::print("{}: list {} of {} producers; check it with the site's public key\n{}\n",
               text("out"), json["serial"].get<uint64_t>(), json["producers"].get<int>(),
               text("site_key"));
  } else if (action == "kit") {
    fmt::print(
        "{}: kit of recorder '{}' with {} case keys; move it to the recorder and name it as "
        "keystore_dir\n"
        "its public key    {}\nsite's public key {}\n",
        text("out"), text("recorder"), json["kit_stock"].get<size_t>(), text("key"),
        text("site_key"));
  }
  fmt::print("{} unused one-time keys, {} private keys\n", json["stock"].get<size_t>(),
             json["case_keys"].get<size_t>());
}

constexpr struct {
  const char* name;
  Result<Json> (*run)(Keystore& keystore, const Args& args);
} kActions[] = {{"list", list},       {"stock", stock}, {"audit", audit}, {"enrol", enrol},
                {"disable", disable}, {"trust", trust}, {"kit", kit}};

Result<int> run_keys(const Args& args) {
  const std::string action = args.text("ACTION");
  const auto found =
      std::ranges::find_if(kActions, [&](const auto& one) { return one.name == action; });
  if (found == std::end(kActions))
    return Error{Code::kInvalidArgument,
                 "keys: '" + action +
                     "' is unknown; write list, enrol, disable, trust, kit, stock or audit"};
  SystemClock clock;
  CASEBOX_TRY(auto keystore, open_keystore(args.text("--keys"), clock, action == "stock", 0));
  Json json = document("keys");
  json["action"] = action;
  auto more = found->run(*keystore, args);
  if (!more && more.error().code == Code::kAlreadyExists)
    more.error().code = Code::kInvalidArgument;  // a name or folder that is taken: bad input
  if (!more) return std::move(more).error();
  json.update(*more);
  CASEBOX_CHECK(add_counts(json, *keystore));
  if (args.json())
    print(json);
  else
    print_for_people(action, json);
  return 0;
}

}  // namespace

const Command kKeysCommand{
    "keys",
    "Look after the site's keystore: who may say what, what recorders get, who opened what",
    {{"ACTION", ArgKind::kText, "list, enrol, disable, trust, kit, stock or audit", "", true},
     {"NAME", ArgKind::kText, "disable: whose enrolment ends"},
     {"--keys", ArgKind::kText, "Folder of the keystore", "", true},
     {"--name", ArgKind::kText, "enrol: a name of a-z, 0-9 and '-', never a person's"},
     {"--role", ArgKind::kText, "enrol: recorder, import, analysis or custody"},
     {"--key", ArgKind::kText, "enrol: Ed25519 public key, 64 hex digits or a file with them"},
     {"--change-role", ArgKind::kFlag,
      "enrol: correct the role of a key that is enrolled under this name; what it signed in the "
      "other role no longer counts"},
     {"--room", ArgKind::kText, "enrol, kit: code of the one room a recorder may speak for"},
     {"--from", ArgKind::kText, "enrol: nothing begun earlier is taken, e.g. 2026-11-30T06:00:00Z"},
     {"--until", ArgKind::kText, "enrol, disable: nothing begun from then on is taken"},
     {"--recorder", ArgKind::kText, "kit: the recorder's name"},
     {"--out", ArgKind::kText, "trust: the file; kit: the folder, or a kit to refill"},
     {"--stock", ArgKind::kInteger, "kit: how many one-time case keys", "100"},
     {"--add", ArgKind::kInteger, "stock: how many one-time keys to add", "100"},
     {"--accept-damage", ArgKind::kFlag,
      "audit: set a damaged trail aside and begin another that says so"}},
    run_keys,
    "stock makes the keystore if there is none. A recorder gets a kit: its signing seed and "
    "public\n"
    "case keys, with which it can record and never read; carry it over on a way you trust. trust\n"
    "writes the signed list of producers for those who verify without this keystore.\n"
    "A trail that was edited, cut or taken away lets nothing be opened (exit code 3) until the\n"
    "keystore is restored or the damage accepted; nothing is deleted.\n"
    "Examples:\n"
    "  casebox keys stock --keys K --add 200\n"
    "  casebox keys kit --recorder or-3 --room or-3 --keys K --out kit-or-3\n"
    "  casebox keys enrol --name lab --role analysis --key lab.pub --keys K\n"
    "  casebox keys disable or-3 --keys K\n"
    "  casebox keys trust --out site.trust --keys K\n"
    "  casebox keys audit --keys K --json"};

}  // namespace casebox::tools
