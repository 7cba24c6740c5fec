#include "proto/keyring/keyring.h"

namespace casebox::keyring {

Result<CaseKeys> Keyring::keys(const Opening& opening,
                               const std::vector<v1::EpochRecord>& epochs) const {
  return CaseKeys::open_epochs(*keystore_, opening, epochs);
}

Result<KeptKey> Keyring::kept_key(const Opening& opening) const {
  CASEBOX_TRY(const seal::Secret half, keystore_->private_half(opening.case_public_key()));
  return KeptKey::of(half);
}

}  // namespace casebox::keyring
