// A finding as somebody may have forged it: its documents and its chain down to the bytes are made
// of it as of any other, and are JSON.

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "analytics/finding/finding.h"
#include "tests/support/review_store.h"
#include "tools/cli/json.h"
#include "tools/documents/parts.h"
#include "tools/findings/chain.h"
#include "tools/report/tags.h"
#include "tools/web/case_json.h"

namespace {

using namespace casebox;

struct Site {
  Site() {
    testing::ReviewCase small;
    small.seconds = 2;
    small.preparation_s = 1;
    id = store.add(small);
    tools::StoreOptions options;
    options.store = store.dir();
    auto opened = tools::StoreAccess::open(options);
    if (!opened) std::abort();
    access = std::move(*opened);
  }
  testing::ReviewStore store;
  CaseId id;
  std::unique_ptr<tools::StoreAccess> access;
};

void check(const tools::Json& json) {
  if (!tools::Json::accept(tools::to_text(json))) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Site site;
  v1::Finding finding;
  if (!finding.ParseFromArray(data, static_cast<int>(size))) return 0;
  check(tools::finding_json(finding));
  check(tools::web::finding_json(finding));
  (void)tools::report::finding_tag(finding);
  v1::Finding again;
  if (!again.ParseFromString(analytics::finding::to_bytes(finding))) __builtin_trap();
  (void)analytics::finding::differences(finding, again);
  // Each source is hashed again: a few are enough.
  while (finding.sources_size() > 8) finding.mutable_sources()->RemoveLast();
  tools::StoredFinding stored;
  stored.case_id = site.id;
  stored.finding = finding;
  const auto chain = tools::chain_json(*site.access, stored);
  if (!chain) return 0;
  check(*chain);
  (void)tools::all_unchanged(*chain);
  return 0;
}
