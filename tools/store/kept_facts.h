#pragma once

// Copies of the facts of closed cases, so that a question to thousands of them opens none anew
// (kept_packs.h says where they lie).
//
// A copy is a cache and never evidence. It is sealed under a key of the case's own private key
// (keyring/kept_key.h) and bound to the bytes of the case's row, to the verdict that the store
// keeps of it, to what the trust list says of the case's signers, and to the build that wrote it;
// it is written only where that verdict is a good one and holds, so that whatever is changed of
// them, or of the copy, leaves a copy that does not open. Its reading is an opening like any other,
// one audit record for all cases that a question opens so. Whatever adds to a case - marks,
// findings, a consent - changes its row, and the copy is made anew by the next question. Removing
// the folder loses nothing but time.
//
// Thread safety: as StoreAccess; copies are looked at and opened by several threads.
// Errors: those of the store and of the audit trail. A copy that does not open, or a store that
// cannot be written, costs a question time and no answer.

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "tools/store/kept_packs.h"
#include "tools/store/store_access.h"

namespace casebox::tools {

/// Copies that a question may read: the gate was asked, and the trail has it.
class OpenCopies {
 public:
  /// What the copies of the rows [from, from + n) answer; none where there is no copy to be used.
  std::vector<std::optional<analytics::facts::CaseFacts>> read(size_t from, size_t n) const;

 private:
  friend class KeptFacts;
  struct Copy {
    CaseId id;
    const KeptPacks::Entry* entry = nullptr;
    verify::Verdict verdict = verify::Verdict::kUnclosed;
    std::optional<keyring::Opening> opening;
  };
  std::optional<analytics::facts::CaseFacts> read_one(const Copy& copy) const;

  std::shared_ptr<const KeptPacks> packs_;
  const keyring::Keyring* keyring_ = nullptr;
  analytics::facts::Needs needs_;
  std::vector<std::optional<Copy>> rows_;
};

class KeptFacts {
 public:
  /// `access` must outlive it. For one question: what was found of cases before is read here.
  static Result<std::unique_ptr<KeptFacts>> of(StoreAccess& access);
  /// Writes what is not written yet.
  ~KeptFacts() { keep(); }
  KeptFacts(const KeptFacts&) = delete;
  KeptFacts& operator=(const KeptFacts&) = delete;

  /// A case's header and verdict, without opening it.
  Result<analytics::facts::CaseFacts> header(const storage::CaseRow& row);
  /// The same of those of `rows` whose kept verdicts say it, by several threads.
  std::vector<std::optional<analytics::facts::CaseFacts>> headers(
      std::span<const storage::CaseRow> rows) const;

  /// Opens the copies that there are of `rows`, for `needs`, which must need content.
  Result<OpenCopies> open(std::span<const storage::CaseRow> rows, keyring::Purpose purpose,
                          const analytics::facts::Needs& needs);

  /// Reads from the case itself what is needed, and makes a copy where one will be used.
  Result<analytics::facts::CaseFacts> read_case(const storage::CaseRow& row,
                                                keyring::Purpose purpose,
                                                const analytics::facts::Needs& needs);
  /// Writes the copies that were made.
  void keep();

  /// Removes the copy of a case, e.g. when its consent changes.
  static void forget(const StoreAccess& access, CaseId id);

 private:
  explicit KeptFacts(StoreAccess& access) : access_(access) {}
  /// The good verdict that is kept of a closed case, by what it says of itself; none: the case must
  /// be opened.
  std::optional<verify::Verdict> usable(const storage::CaseRow& row) const;
  Digest about(const storage::CaseRow& row) const;

  StoreAccess& access_;
  std::optional<trust::TrustList> list_;
  std::set<CaseId> found_;  // of which a reader found that they do not hold
  bool doubted_ = false;    // the store lost something
  Bytes build_;             // empty: unknown, nothing is kept
  std::map<CaseId, NewCopy> made_;
  size_t made_bytes_ = 0;
};

}  // namespace casebox::tools
