#include "proto/keyring/keyring.h"

#include <utility>

#include "proto/base/parallel.h"

namespace casebox::keyring {

Result<CaseKeys> Keyring::keys(const Opening& opening,
                               const std::vector<v1::EpochRecord>& epochs) const {
  return CaseKeys::open_epochs(*keystore_, opening, epochs);
}

Result<std::vector<std::optional<CaseKeys>>> Keyring::open_cohort(
    const std::vector<CohortCase>& cases, Purpose purpose) {
  std::vector<Gate::Asked> asked;
  for (const CohortCase& one : cases) asked.push_back(one.asked);
  CASEBOX_TRY(const auto openings, gate_.open(asked, purpose));
  std::vector<std::optional<CaseKeys>> out(cases.size());
  for_each_index(cases.size(), [&](size_t i) {
    if (!openings[i]) return;
    auto opened = keys(*openings[i], cases[i].epochs);
    if (opened) out[i].emplace(std::move(*opened));
  });
  return out;
}

}  // namespace casebox::keyring
