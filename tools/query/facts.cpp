#include "tools/query/facts.h"

#include "tools/store/kept_facts.h"

namespace casebox::tools::query {

Result<CaseFacts> read_facts(StoreAccess& access, const v1::CaseRecord& record,
                             keyring::Purpose purpose, const Needs& needs) {
  if (!needs.content()) {
    CASEBOX_TRY(KeptFacts copies, KeptFacts::of(access));
    return copies.header(record);
  }
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
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
