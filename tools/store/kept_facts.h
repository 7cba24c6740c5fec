#pragma once

// Copies of the facts of closed cases, so that a question to thousands of them opens none anew.
//
//   <store>/kept/<case id>    sealed under the case's own keys
//
// A copy is a cache and never evidence. It is read only where the store keeps a good verdict of the
// very case record that it was made from (kept_verdicts.h), and by the very build that wrote it,
// and with the case's private key: an opening like any other, one audit record for all cases that a
// question opens so. Whatever adds to a case - marks, findings, a consent - changes its record, and
// the copy is made anew by the next question. Removing the folder loses nothing but time.
//
// Thread safety: as StoreAccess; the copies of one call are opened by several threads.
// Errors: those of the store and of the audit trail. A copy that does not open, or a store that
// cannot be written, costs a question time and no answer.

#include <optional>
#include <span>
#include <vector>

#include "analytics/facts/kept_form.h"
#include "tools/store/store_access.h"

namespace casebox::tools {

class KeptFacts {
 public:
  /// `access` must outlive it.
  static Result<KeptFacts> of(StoreAccess& access);

  /// A case's header and verdict, without opening it.
  Result<analytics::facts::CaseFacts> header(const v1::CaseRecord& record);

  /// What copies answer of `needs`, one for each of `records`; none where there is no copy to be
  /// used. `needs` must need content.
  Result<std::vector<std::optional<analytics::facts::CaseFacts>>> read(
      std::span<const v1::CaseRecord> records, keyring::Purpose purpose,
      const analytics::facts::Needs& needs);

  /// Reads from the case itself what is needed, and keeps a copy where one will be used.
  Result<analytics::facts::CaseFacts> read_case(const v1::CaseRecord& record,
                                                keyring::Purpose purpose,
                                                const analytics::facts::Needs& needs);

  /// Removes the copy of a case, e.g. when its consent changes.
  static void forget(const StoreAccess& access, CaseId id);

 private:
  explicit KeptFacts(StoreAccess& access) : access_(access) {}
  /// The verdict of a case whose copy may be read; none: it must be opened.
  Result<std::optional<verify::Verdict>> usable(const v1::CaseRecord& record);
  Bytes about(const v1::CaseRecord& record) const;
  struct Copy;
  /// The copy of a case, still sealed; none where there is none to be used.
  Result<std::optional<Copy>> copy_of(const v1::CaseRecord& record);

  StoreAccess& access_;
  std::optional<trust::TrustList> list_;
  Bytes build_;  // empty: unknown, nothing is kept
};

}  // namespace casebox::tools
