#pragma once

// A store folder as commands use it: the store itself, its keystore, and the logs that feed it
// (docs/formats/store.md):
//
//   <store>/keys/          keystore, unless --keys names another
//   <store>/logs/<name>/   "import", "analysis", "custody": one log per producer of this machine
//
// Commands that write open it with `write`: they hold the store's lock, produce into one of the
// logs, and `drain` it into the store. Commands that read open it without; a writer may run beside
// them.
//
// Thread safety: one thread.
// Errors: kNotFound when there is no store, kUnavailable when another process (`casebox serve`)
// writes it. Lifetime: readers and producers made here must go before the StoreAccess.

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "proto/keyring/keyring.h"
#include "proto/producer/producer.h"
#include "proto/trust/trust.h"
#include "storage/reader/case_reader.h"
#include "storage/store.h"
#include "tools/cli/command.h"
#include "tools/store/who_reads.h"

namespace casebox::tools {

/// The options --store, --keys and those of `trust_args`, which `StoreOptions::from` reads, before
/// `more`.
std::vector<Arg> with_store_args(std::vector<Arg> more);
/// --trust and --site-key, after `before`: for commands that name their stores themselves.
std::vector<Arg> with_trust_args(std::vector<Arg> before);

/// Opens a keystore that says on standard error, as `note: ...`, what its people should know.
Result<std::unique_ptr<keyring::Keystore>> open_keystore(const std::filesystem::path& dir,
                                                         Clock& clock, bool create = false,
                                                         size_t stock = 100);

/// A keystore, or a recorder's kit (keyring/kit.h), whichever `dir` holds: for programs that only
/// make records. With `create`, a keystore where there is nothing.
Result<std::unique_ptr<keyring::ProducerKeys>> open_producer_keys(const std::filesystem::path& dir,
                                                                  Clock& clock,
                                                                  bool create = false);

/// Where the trust list comes from, if not from the keystore.
struct TrustOptions {
  std::filesystem::path file;  // as `casebox keys trust --out` writes it
  std::string site_key;        // hex: the list must be signed with it; empty: see load_trust

  static TrustOptions from(const Args& args);
};

/// A trust list, and who answers for it.
struct LoadedTrust {
  trust::TrustList list;
  /// Signed with a site key that the caller or the keystore named; false: by a key that only the
  /// file itself names, which whoever shows a verdict must say.
  bool vouched = false;
};

/// The list of `options.file`, or else of `keystore`. A file is held to `site_key`, without one to
/// the keystore's site key, without either it vouches for itself. kNotFound when there is neither.
Result<LoadedTrust> load_trust(const TrustOptions& options, const keyring::Keystore* keystore);

struct StoreOptions {
  std::filesystem::path store;
  std::filesystem::path keys;  // empty: <store>/keys
  TrustOptions trust;          // empty: the keystore's list
  bool write = false;          // take the store's lock
  bool produce =
      false;  // without `write`: logs may be written all the same, by a thread beside the writer's
  bool follow = false;         // without `write`: refreshed while a writer commits
  bool create = false;         // make store and keystore when absent (import, demo)
  bool create_keys = true;     // with `create`; false: the store alone (ingest goes without keys)
  uint32_t shards = 1;         // with `create`
  bool show_unproven = false;  // content of cases that do not hold, for who asked for it
  std::string subject =
      "casebox";  // who opens keys, for the audit trail: "casebox show", never a person
  Claim claim;    // as whom, and for what

  static StoreOptions from(const Args& args, const std::string& subject);
};

class StoreAccess;

/// What opening a store found, on standard error: commits it lost, what was moved aside.
void say_notices(const storage::Store& store);

/// After content was given on demand: says on standard error what of it did not hold when it was
/// read. The exit code: 3 for a case that is damaged, tampered with or a stranger's.
int say_if_unproven(const StoreAccess& access, const storage::CaseReader& reader);

/// What a drain brought into the store.
struct Drained {
  uint64_t frames = 0;
  uint64_t duplicates = 0;
  uint64_t quarantined = 0;
  std::vector<CaseId> closed;  // operations that ended with it
};

class StoreAccess {
 public:
  static Result<std::unique_ptr<StoreAccess>> open(const StoreOptions& options);
  ~StoreAccess();

  /// As opened, `keys` filled in.
  const StoreOptions& options() const { return options_; }
  storage::Store& store() { return *store_; }
  const storage::Store& store() const { return *store_; }
  /// Null when the store has no keystore: accounting and verification work all the same.
  keyring::Keystore* keystore() { return keystore_.get(); }
  keyring::Keyring& keyring() { return *keyring_; }
  /// The trust list as it stands now: ask again to see who was enrolled since. kNotFound without
  /// keystore and --trust.
  Result<LoadedTrust> trust() const { return load_trust(options_.trust, keystore_.get()); }
  /// Empty without keystore and --trust: signers are not compared then.
  Result<std::optional<trust::TrustList>> trust_if_any() const;
  Clock& clock() { return clock_; }

  /// The case a person means: full id, unique id prefix of at least 4 hex digits, or alias (needs
  /// keys). An operation; with `studies`, a study by its id as well. kNotFound if none,
  /// kInvalidArgument if several or if it is a study that was not asked for.
  Result<CaseId> resolve_case(const std::string& text, bool studies = false);
  /// The alias in a case's sealed details; empty without one or without keys.
  std::string alias_of(CaseId id);
  /// Opens a case for reading, verified, under the trust list as it stands. Says
  /// on standard error, once a case, if it is not complete. A case that the gate refuses is one
  /// without content (CaseReader::readable).
  Result<std::unique_ptr<storage::CaseReader>> read_case(CaseId id, keyring::Purpose purpose);
  /// The same for who needs content: kRefused where the gate refuses.
  Result<std::unique_ptr<storage::CaseReader>> read_content(CaseId id, keyring::Purpose purpose);
  /// Whether a case that was opened with this consent may be read yet: looks at the store anew.
  Result<void> still_open(CaseId id, keyring::Purpose purpose, const access::Consent& then);
  /// Whether the keystore's audit trail is as it was written; kCorrupt says what is not. Ok without
  /// a keystore.
  Result<void> trail_holds() const;
  /// Why each of these cases may not be read for `purpose`; empty: it may. Those that may not are
  /// audited as left out, under one record.
  Result<std::vector<std::string>> refusals(std::span<const v1::CaseRecord> records,
                                            keyring::Purpose purpose);
  Result<std::vector<std::string>> refusals(std::span<const storage::CaseRow> rows,
                                            keyring::Purpose purpose);
  /// The same of those of these that are in the store.
  Result<std::vector<std::string>> refusals(const std::vector<CaseId>& cases,
                                            keyring::Purpose purpose);
  /// The same without a key: streams, gaps, clocks, and which frames a number stands in.
  Result<std::unique_ptr<storage::CaseReader>> read_accounting(CaseId id);
  /// The verdict of a stored case and what it rests on.
  Result<verify::Report> verify(CaseId id, storage::Depth depth) const;
  Result<verify::Report> verify(const v1::CaseRecord& record, storage::Depth depth) const;
  /// Lists say from now on what was found of a case (storage/found.h); says so on standard error if
  /// it could not be kept.
  void keep_found(const verify::Report& report) const;
  /// Every byte was read: `report` is what lists say from now on.
  void keep_whole(const verify::Report& report) const;
  /// resolve_case and read_content.
  Result<std::unique_ptr<storage::CaseReader>> open_case(const std::string& text,
                                                         keyring::Purpose purpose);

  /// <store>/logs/<name>
  std::filesystem::path log_dir(const std::string& name) const;
  /// All log folders below <store>/logs.
  std::vector<std::filesystem::path> log_dirs() const;
  /// Opens a log of this store for appending, finishing first what a crash left. `name` is also the
  /// name of its signing key. Needs a keystore, and `write` or `produce`.
  Result<std::unique_ptr<log::Writer>> open_log(const std::string& name);
  /// Begins an epoch of derived records of a stored case in a log from open_log(name). Call
  /// producer->close() at its end, then drain().
  Result<std::unique_ptr<producer::Producer>> begin_derived(log::Writer& log,
                                                            const std::string& name, CaseId id,
                                                            v1::ProducerRole role);
  /// Keeps a copy of the signed trust list as <store>/trust.list, for a verification that is given
  /// none. It answers for itself only, and whoever verifies with it is told so.
  Result<void> keep_trust_list() const;
  /// Runs the ingest loop over all log_dirs() and `more` until nothing is left. Needs `write`.
  Result<Drained> drain(const std::vector<std::filesystem::path>& more = {});

 private:
  StoreAccess() = default;
  Result<std::vector<std::string>> refusals_of(const std::vector<const v1::CaseRecord*>& records,
                                               keyring::Purpose purpose);
  Result<std::vector<CaseId>> cases_with_prefix(const std::string& prefix) const;

  StoreOptions options_;
  SystemClock clock_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<keyring::Keystore> keystore_;
  std::unique_ptr<keyring::Keyring> keyring_;
  /// Says once as whom this run reads, and that it does so without a recorded consent.
  void say_reading(keyring::Purpose purpose, bool consent_stated);
  std::set<CaseId> said_;  // whose verdict was said
  bool said_owner_ = false, said_basis_ = false;
};

}  // namespace casebox::tools
