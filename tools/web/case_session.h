#pragma once

// The cases that the page has open: one reader each, opened for the purpose `view` and audited
// once, then shared by the requests that follow until it is idle or pushed out.
//
// Thread safety: safe; a Lease holds its case's lock, so requests for one case take turns.
// Lifetime: the store and the keyring outlive it.

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "proto/base/time.h"
#include "proto/keyring/keyring.h"
#include "storage/reader/case_reader.h"
#include "tools/report/case_view.h"
#include "tools/web/overview.h"

namespace casebox::tools::web {

/// A media fragment as the list shows it, from frame headers alone: no key is needed.
struct FragmentInfo {
  double t_s = 0, duration_s = 0;
  bool sync = false;
  uint64_t bytes = 0;
  int64_t t_ns = 0;
};

/// Case time (s) of the i-th sample of a run.
double time_of(const storage::SampleRun& run, size_t i);

class OpenCase {
 public:
  OpenCase(const storage::Store& store, std::unique_ptr<storage::CaseReader> reader)
      : store_(store), reader_(std::move(reader)) {}

  const storage::CaseReader& reader() const { return *reader_; }
  const storage::Store& store() const { return store_; }
  /// Gathered once, kept.
  Result<const CaseView*> view();
  Result<const std::vector<FragmentInfo>*> fragments(const std::string& stream);
  /// The channel's overview over the whole case; reads all its samples the first time.
  Result<const Overview*> overview(const std::string& stream, const std::string& channel);

 private:
  const storage::Store& store_;
  std::unique_ptr<storage::CaseReader> reader_;
  std::unique_ptr<CaseView> view_;
  std::map<std::string, std::vector<FragmentInfo>> fragments_;
  std::map<std::string, Overview> overviews_;
};

/// Why no content of it is given: refused where consent or access says so.
Error unreadable(const OpenCase& open, const CaseView& view);

class CaseSessions {
 public:
  struct Options {
    size_t max_open = 8;
    Duration renew_open_case = seconds(15);  // a case that is still recording is read anew
    Duration renew_closed_case = seconds(600);
  };
  /// A case and its lock.
  struct Lease {
    std::shared_ptr<void> keep;
    std::unique_lock<std::mutex> lock;
    OpenCase* open = nullptr;
    OpenCase* operator->() const { return open; }
  };

  /// `trust` gives the trust list in force, asked at every opening; empty: signers are not
  /// compared.
  using Trust = std::function<Result<std::optional<trust::TrustList>>()>;
  CaseSessions(const storage::Store& store, keyring::Keyring& keyring, Clock& clock,
               Options options, Trust trust = {})
      : store_(store),
        keyring_(keyring),
        clock_(clock),
        options_(options),
        trust_(std::move(trust)) {}

  /// By full id or by a unique prefix of at least 4 hex digits.
  /// `unproven`: with the content of a case that does not hold.
  Result<Lease> open(const std::string& id, bool unproven = false);
  /// Reads the case anew, as when a person opens it: a new audit record.
  Result<Lease> reopen(const std::string& id, bool unproven = false);
  /// The verdict by signatures and chains; kept as long as the store's row stays as it is.
  Result<verify::Verdict> verdict(const v1::CaseRecord& record);

 private:
  struct Entry {
    CaseId id;
    bool unproven = false;
    MonoTime opened;
    keyring::Gate::Verdict allowed;  // when it was opened
    std::mutex mutex;
    std::unique_ptr<OpenCase> open;
  };
  Result<Lease> lease(const std::string& id, bool anew, bool unproven);
  Result<std::optional<trust::TrustList>> trusted() const;

  const storage::Store& store_;
  keyring::Keyring& keyring_;
  Clock& clock_;
  Options options_;
  std::mutex mutex_;
  std::list<std::shared_ptr<Entry>> entries_;  // most recent first
  Trust trust_;
  std::map<CaseId, std::pair<Digest, verify::Verdict>> verdicts_;  // by digest of the row
};

/// The case that `text` names: a full id, or a unique prefix of at least 4 hex digits.
Result<CaseId> resolve_case(const storage::Store& store, const std::string& text);

}  // namespace casebox::tools::web
