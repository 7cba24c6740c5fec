#include "tools/query/facts.h"

#include "tools/store/kept_facts.h"

namespace casebox::tools::query {

Result<CaseFacts> read_facts(StoreAccess& access, const v1::CaseRecord& record,
                             keyring::Purpose purpose, const Needs& needs) {
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
  if (!needs.content()) {
    CASEBOX_TRY(const auto copies, KeptFacts::of(access));
    CASEBOX_TRY(const auto row, access.store().find_row(id));
    return copies->header(row ? *row : storage::CaseRow{record, {}, {}});
  }
  CASEBOX_TRY(const auto reader, access.read_case(id, purpose));
  return read_facts(*reader, needs);
}

Result<CaseFacts> read_facts(StoreAccess& access, const v1::CaseRecord& record,
                             keyring::Purpose purpose, bool phases, bool departures) {
  Needs needs;
  needs.phases = phases;
  needs.departures = departures;
  return read_facts(access, record, purpose, needs);
}

}  // namespace casebox::tools::query
