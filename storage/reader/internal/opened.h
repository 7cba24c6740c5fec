#pragma once

// What a reader was given of its case: keys, of which classes of streams, and the consent that it
// was decided by.
//
// Thread safety: the reader's. Errors: the gate's (keyring/gate.h).

#include <functional>
#include <optional>
#include <vector>

#include "proto/keyring/keyring.h"

namespace casebox::storage::internal {

struct Opened {
  std::optional<keyring::CaseKeys> keys;
  access::StreamClasses classes;
  access::Consent consent;

  /// Consent as the record tells it, and what sealed streams of before say later than that, as
  /// `older` reads them with keys for just that.
  Result<void> learn(keyring::Keyring& keyring, const v1::CaseRecord& record, CaseId id,
                     const std::function<Result<std::vector<v1::Consent>>()>& older);
  /// Asks the gate, and takes the keys.
  Result<void> open(keyring::Keyring& keyring, const v1::CaseRecord& record, CaseId id,
                    keyring::Purpose purpose);
  /// Whether streams of this class were opened; of consent they always are.
  Result<void> may_read(CaseId id, const v1::Stream& entry) const;
};

}  // namespace casebox::storage::internal
