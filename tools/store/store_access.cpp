#include "tools/store/store_access.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "ingest/bus/log_bus.h"
#include "ingest/ingest.h"
#include "proto/base/file.h"
#include "proto/keyring/kit.h"
#include "proto/producer/identity.h"
#include "proto/producer/recovery.h"
#include "storage/found.h"
#include "storage/verify/operations.h"
#include "tools/cli/json.h"
#include "tools/store/kept_verdicts.h"
#include "tools/store/resume.h"
#include "tools/store/trust_watch.h"

namespace casebox::tools {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMinPrefix = 4;

/// Lower-case hex digits without dashes; empty if `text` is anything else.
std::string hex_prefix(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '-') continue;
    if (!std::isxdigit(static_cast<unsigned char>(c))) return "";
    out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return out;
}

void say_note(const std::string& what) { std::fprintf(stderr, "note: %s\n", what.c_str()); }

}  // namespace

std::vector<Arg> with_store_args(std::vector<Arg> more) {
  std::vector<Arg> args = {
      {"--store", ArgKind::kText, "Folder of the store", "", true},
      {"--keys", ArgKind::kText, "Folder of the keystore (default: <store>/keys)"},
      {"--unproven", ArgKind::kFlag,
       "Show content of cases that are damaged, tampered with or a stranger's all the same; every "
       "output says so"},
      {"--purpose", ArgKind::kText,
       "Why you read, an HL7 ActReason code such as HQUALIMP; asked for where the site has an "
       "access.yaml"},
      {"--role", ArgKind::kText, "As what you read, of the roles that access.yaml gives you"},
  };
  args = with_trust_args(std::move(args));
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

std::vector<Arg> with_trust_args(std::vector<Arg> before) {
  before.push_back({"--trust", ArgKind::kText,
                    "Trust list of the site (casebox keys trust); default: the keystore's"});
  before.push_back({"--site-key", ArgKind::kText,
                    "Public key in hex with which the list of --trust must be signed"});
  return before;
}

Result<std::unique_ptr<keyring::Keystore>> open_keystore(const fs::path& dir, Clock& clock,
                                                         bool create, size_t stock) {
  CASEBOX_TRY(auto keystore, keyring::Keystore::open(dir, clock, create, stock));
  keystore->on_notice(say_note);
  return keystore;
}

Result<std::unique_ptr<keyring::ProducerKeys>> open_producer_keys(const fs::path& dir, Clock& clock,
                                                                  bool create) {
  if (keyring::Kit::is_kit(dir)) {
    CASEBOX_TRY(auto kit, keyring::Kit::open(dir));
    kit->on_notice(say_note);
    return std::unique_ptr<keyring::ProducerKeys>(std::move(kit));
  }
  CASEBOX_TRY(auto keystore, open_keystore(dir, clock, create));
  return std::unique_ptr<keyring::ProducerKeys>(std::move(keystore));
}

TrustOptions TrustOptions::from(const Args& args) {
  return {args.text("--trust"), args.text("--site-key")};
}

Result<LoadedTrust> load_trust(const TrustOptions& options, const keyring::Keystore* keystore) {
  std::optional<trust::PublicKey> pinned;
  if (!options.site_key.empty()) {
    auto raw = from_hex(options.site_key);
    auto key = raw ? to_digest(*raw) : Result<Digest>(raw.error());
    if (!key)
      return Error{Code::kInvalidArgument,
                   "--site-key: give the 64 hex digits that `casebox keys "
                   "trust` prints"};
    pinned = *key;
  }
  LoadedTrust out;
  if (options.file.empty()) {
    if (keystore == nullptr)
      return Error{Code::kNotFound,
                   "no keystore and no --trust, so nobody is enrolled; get the site's list with "
                   "`casebox keys trust --out FILE` and give it with --trust FILE"};
    CASEBOX_TRY(out.list, keystore->trust());
    out.vouched = true;
  } else {
    if (!pinned && keystore != nullptr) {
      CASEBOX_TRY(const auto own, keystore->trust());
      CASEBOX_TRY(pinned, to_digest(own.message().site_key()));
    }
    CASEBOX_TRY(const Bytes bytes, read_file(options.file, trust::kMaxListBytes));
    auto list = trust::TrustList::parse(bytes, pinned);
    if (!list) return annotate(std::move(list).error(), options.file.string());
    out.list = std::move(*list);
    out.vouched = pinned.has_value();
  }
  if (pinned && out.list.message().site_key() != view(*pinned))
    return Error{Code::kCorrupt, "trust list: it is signed by another site's key than --site-key"};
  return out;
}

StoreOptions StoreOptions::from(const Args& args, const std::string& subject) {
  StoreOptions options;
  options.store = args.text("--store");
  options.keys = args.text("--keys");
  options.trust = TrustOptions::from(args);
  options.subject = subject;
  options.claim.purpose = args.text("--purpose");
  options.claim.role = args.text("--role");
  options.show_unproven = args.flag("--unproven");
  return options;
}

int say_if_unproven(const StoreAccess& access, const storage::CaseReader& reader) {
  const verify::Report& report = reader.report();
  if (verify::may_be_shown(report.verdict)) return 0;
  access.keep_found(report);
  uint64_t frames = 0;
  if (const auto rows = report.problem_counts.find("row"); rows != report.problem_counts.end())
    frames = rows->second;
  std::fprintf(stderr, "casebox: the case is %s: %llu frames do not hold and are left out; %s\n",
               verify::to_string(report.verdict), static_cast<unsigned long long>(frames),
               "run `casebox verify` on the store");
  return 3;
}

void say_notices(const storage::Store& store) {
  for (const std::string& line : store.notices())
    std::fprintf(stderr, "casebox: %s\n", line.c_str());
  const auto skipped = store.shard(0).skipped();
  if (!skipped) std::fprintf(stderr, "casebox: %s\n", skipped.error().message.c_str());
  if (skipped)
    for (const storage::Skipped& one : *skipped)
      std::fprintf(stderr, "casebox: %s\n", skipped_text(one).c_str());
}

Result<std::unique_ptr<StoreAccess>> StoreAccess::open(const StoreOptions& options) {
  std::unique_ptr<StoreAccess> access(new StoreAccess);
  access->options_ = options;
  std::error_code ec;
  if (!options.create && !fs::exists(options.store, ec))
    return Error{Code::kNotFound, options.store.string() +
                                      ": no such folder; give the folder of a store with --store"};
  if (!options.create && !storage::is_store(options.store))
    return Error{Code::kNotFound,
                 options.store.string() + ": not a store; give the folder that holds store.json"};
  storage::Options how;
  how.create = options.create;
  how.read_only = !options.write;
  how.follow = options.follow;
  how.shards = options.shards;
  CASEBOX_TRY(access->store_, storage::Store::open(options.store, how));
  say_notices(*access->store_);

  if (access->options_.keys.empty()) access->options_.keys = options.store / "keys";
  const fs::path& keys = access->options_.keys;
  const bool make = options.create && options.create_keys;
  if (make || fs::exists(keys, ec)) {
    CASEBOX_TRY(access->keystore_, open_keystore(keys, access->clock_, make));
  } else if (!options.keys.empty()) {
    return Error{Code::kNotFound,
                 keys.string() + ": no such keystore; leave out --keys to go without"};
  }
  CASEBOX_TRY(auto who, WhoReads::open(keys, options.claim));
  access->keyring_ = std::make_unique<keyring::Keyring>(
      access->keystore_.get(), options.subject,
      keyring::Gate::Who([who = std::move(who)] { return who->now(); }));
  return access;
}

StoreAccess::~StoreAccess() = default;

Result<std::vector<CaseId>> StoreAccess::cases_with_prefix(const std::string& prefix) const {
  std::vector<CaseId> found;
  CASEBOX_TRY(auto cases, store_->cases());
  for (const v1::CaseRecord& record : cases) {
    CASEBOX_TRY(CaseId id, id_from_bytes<CaseId>(record.case_id()));
    if (to_hex(id.view()).starts_with(prefix)) found.push_back(id);
  }
  return found;
}

namespace {

Result<std::string> alias_in(const storage::CaseReader& reader) {
  CASEBOX_TRY(const auto events, reader.events(v1::STREAM_KIND_DETAILS));
  std::string alias;
  for (const storage::EventAt& at : events)
    if (at.event.has_details() && !at.event.details().alias().empty())
      alias = at.event.details().alias();
  return alias;
}

}  // namespace

Result<CaseId> StoreAccess::resolve_case(const std::string& text, bool studies) {
  const std::string prefix = hex_prefix(text);
  if (prefix.size() >= kMinPrefix && prefix.size() <= 32) {
    CASEBOX_TRY(auto found, cases_with_prefix(prefix));
    if (found.size() == 1) {
      CASEBOX_TRY(const auto record, store_->find_case(found.front()));
      bool study = false;
      if (!studies && record) {
        CASEBOX_TRY(study, storage::is_proven_study(*store_, *record));
      }
      if (!study) return found.front();
      return Error{
          Code::kInvalidArgument,
          text + ": is a study, not an operation; `casebox cases --studies` shows studies"};
    }
    if (found.size() > 1)
      return Error{Code::kInvalidArgument, text + ": " + std::to_string(found.size()) +
                                               " cases begin so; give more digits of the id"};
  }
  std::vector<CaseId> named;
  std::string unread;  // why some alias cannot be known
  if (keystore_ != nullptr) {
    CASEBOX_TRY(auto cases, storage::proven_operations(*store_));
    for (const v1::CaseRecord& record : cases) {
      CASEBOX_TRY(CaseId id, id_from_bytes<CaseId>(record.case_id()));
      CASEBOX_TRY(const auto reader, read_case(id, keyring::Purpose::kFind));
      const auto alias = alias_in(*reader);
      if (alias && *alias == text) named.push_back(id);
      if (!alias && unread.empty()) unread = alias.error().message;
    }
  }
  if (named.size() == 1) return named.front();
  if (named.size() > 1)
    return Error{Code::kInvalidArgument, "the alias given names " + std::to_string(named.size()) +
                                             " cases; give an id from `casebox cases`"};
  return Error{Code::kNotFound,
               options_.store.string() + ": no case with this id, id prefix" +
                   (!keystore_       ? " (and no keystore to look up aliases)"
                    : unread.empty() ? " or alias"
                                     : "; not all aliases can be read (" + unread + ")") +
                   "; `casebox cases` lists them"};
}

std::string StoreAccess::alias_of(CaseId id) {
  if (keystore_ == nullptr) return "";
  auto reader = read_case(id, keyring::Purpose::kIndex);
  return reader ? alias_in(**reader).value_or("") : "";
}

Result<std::optional<trust::TrustList>> StoreAccess::trust_if_any() const {
  auto loaded = trust();
  if (loaded) return std::optional<trust::TrustList>(std::move(loaded->list));
  if (loaded.error().code == Code::kNotFound && options_.trust.file.empty())
    return std::optional<trust::TrustList>();
  return loaded.error();
}

Result<std::unique_ptr<storage::CaseReader>> StoreAccess::read_case(CaseId id,
                                                                    keyring::Purpose purpose) {
  CASEBOX_TRY(const auto list, trust_if_any());
  storage::OpenOptions how;
  how.trust = list ? &*list : nullptr;
  how.show_unproven = options_.show_unproven;
  CASEBOX_TRY(auto reader, storage::CaseReader::open(*store_, id, *keyring_, purpose, how));
  const verify::Report& report = reader->report();
  keep_found(report);
  if (!verify::is_complete(report.verdict) && said_.insert(id).second)
    std::fprintf(stderr, "casebox: case %s is %s%s\n", to_string(id).c_str(),
                 verify::to_string(report.verdict),
                 report.problems.empty() ? ""
                                         : (": " + report.problems.front().where + ": " +
                                            report.problems.front().detail)
                                               .c_str());
  if (reader->readable()) say_reading(purpose, reader->consent().stated);
  return reader;
}

Result<std::unique_ptr<storage::CaseReader>> StoreAccess::read_accounting(CaseId id) {
  keyring::Keyring none(nullptr, options_.subject);
  CASEBOX_TRY(const auto list, trust_if_any());
  storage::OpenOptions how;
  how.trust = list ? &*list : nullptr;
  return storage::CaseReader::open(*store_, id, none, keyring::Purpose::kView, how);
}

Result<verify::Report> StoreAccess::verify(CaseId id, storage::Depth depth) const {
  CASEBOX_TRY(const auto list, trust_if_any());
  verify::Options how;
  how.trust = list ? &*list : nullptr;
  CASEBOX_TRY(auto verified, storage::verify_case(*store_, id, how, depth));
  return std::move(verified.report);
}

Result<verify::Report> StoreAccess::verify(const v1::CaseRecord& record,
                                           storage::Depth depth) const {
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
  return verify(id, depth);
}

void StoreAccess::keep_found(const verify::Report& report) const {
  if (storage::keep_found(options_.store, report.case_id, report.verdict)) return;
  std::fprintf(stderr,
               "casebox: %s: what was found of case %s could not be kept there; lists will not say "
               "so without --verify\n",
               options_.store.string().c_str(), to_string(report.case_id).c_str());
}

void StoreAccess::keep_whole(const verify::Report& report) const {
  storage::forget_found(options_.store, report.case_id);
  keep_found(report);
}

Result<std::unique_ptr<storage::CaseReader>> StoreAccess::open_case(const std::string& text,
                                                                    keyring::Purpose purpose) {
  CASEBOX_TRY(CaseId id, resolve_case(text));
  return read_content(id, purpose);
}

fs::path StoreAccess::log_dir(const std::string& name) const {
  return options_.store / "logs" / name;
}

std::vector<fs::path> StoreAccess::log_dirs() const {
  std::vector<fs::path> dirs;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(options_.store / "logs", ec))
    if (log::is_log(entry.path())) dirs.push_back(entry.path());
  std::sort(dirs.begin(), dirs.end());
  return dirs;
}

Result<std::unique_ptr<log::Writer>> StoreAccess::open_log(const std::string& name) {
  if (!options_.write && !options_.produce)
    return Error{Code::kInternal, "a log of a store opened for reading cannot be written"};
  if (keystore_ == nullptr)
    return Error{Code::kNotFound,
                 options_.keys.string() +
                     ": no keystore, so nothing can be signed or sealed; name it with "
                     "--keys"};
  const fs::path dir = log_dir(name);
  if (log::is_log(dir)) {
    CASEBOX_TRY(auto key, keystore_->signing_key(name));
    CASEBOX_CHECK(producer::recover(dir, key, clock_));
  } else {
    std::error_code ec;
    fs::create_directories(dir, ec);
    if (ec)
      return Error{Code::kIo, dir.string() + ": " + ec.message() + "; check the folder's rights"};
  }
  return log::Writer::open(dir, clock_);
}

Result<std::unique_ptr<producer::Producer>> StoreAccess::begin_derived(log::Writer& log,
                                                                       const std::string& name,
                                                                       CaseId id,
                                                                       v1::ProducerRole role) {
  CASEBOX_TRY(auto record, store_->find_case(id));
  if (!record) return Error{Code::kNotFound, to_string(id) + ": not in this store"};
  if (record->case_public_key().size() != 32)
    return Error{Code::kCorrupt, to_string(id) +
                                     ": the case's public key is not there; ingest its "
                                     "recorder's log first"};
  CASEBOX_TRY(auto key, keystore_->signing_key(name));
  producer::Options options;
  options.case_id = id;
  options.producer_id = producer::producer_id_of(key);
  options.role = role;
  std::copy_n(reinterpret_cast<const uint8_t*>(record->case_public_key().data()), 32,
              options.case_public_key.begin());
  options.details.set_procedure(record->procedure());
  options.details.set_partition(record->partition());
  options.details.set_room(record->room());
  options.details.set_start_utc_ns(record->start_utc_ns());
  options.details.set_start_utc_u95_ns(record->start_utc_u95_ns());
  options.details.set_software("casebox " + program_version());
  return producer::Producer::open(std::move(options), std::move(key), log, clock_);
}

Result<void> StoreAccess::keep_trust_list() const {
  Bytes list;
  if (!options_.trust.file.empty()) {
    CASEBOX_TRY(list, read_file(options_.trust.file, trust::kMaxListBytes));
  } else if (keystore_ != nullptr) {
    CASEBOX_TRY(list, keystore_->signed_trust());
  } else {
    return ok();
  }
  const fs::path file = options_.store / "trust.list";
  const auto there = read_file(file, trust::kMaxListBytes);
  if (there && *there == list) return ok();
  return write_file_atomic(file, list, 0600);
}

Result<Drained> StoreAccess::drain(const std::vector<fs::path>& more) {
  if (!options_.write)
    return Error{Code::kInternal, "a store opened for reading cannot take records"};
  std::vector<fs::path> dirs = log_dirs();
  dirs.insert(dirs.end(), more.begin(), more.end());
  CASEBOX_TRY(auto subscriber, bus::LogSubscriber::open(dirs));
  CASEBOX_TRY(const LoadedTrust trusted, trust());
  CASEBOX_TRY(auto loop, ingest::Ingest::open(*subscriber, *store_, trusted.list, clock_));
  CASEBOX_TRY(const bool changed, trust_changed(*this));
  if (changed) CASEBOX_CHECK(loop->enrol(trusted.list));
  CASEBOX_CHECK(loop->drain(milliseconds(10)));
  for (const std::string& line : subscriber->take_notices())
    std::fprintf(stderr, "note: %s\n", line.c_str());
  const ingest::Progress& done = loop->progress();
  Drained drained{done.frames, done.duplicates, done.quarantined, loop->take_closed()};
  CASEBOX_CHECK(tools::keep_trust_list(*this, trusted.list));
  CASEBOX_CHECK(keep_verdicts(*this, loop->touched()));
  return drained;
}

}  // namespace casebox::tools
