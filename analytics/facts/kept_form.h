#pragma once

// Facts of a case as bytes, for copies that the program which made them keeps and reads back. The
// form is nobody else's: a copy goes with the build that wrote it (tools/query/kept_facts.h), so it
// has no versions and no page under docs/formats. Each part is read without the others, since a
// question rarely needs every moment of a case.
//
// Thread safety: pure functions. Errors: kCorrupt for bytes that are no such part; nothing beyond
// their end is read, and no more memory taken than they could fill.

#include "analytics/facts/case_facts.h"

namespace casebox::analytics::facts {

enum class KeptPart : uint8_t {
  kSummary,  // all but the two others
  kMoments,  // moments and coverage
  kVitals,
};
constexpr size_t kKeptParts = 3;

/// What a copy of all parts answers: every need there is.
Needs every_need();
/// The parts that hold what is needed.
bool needed(KeptPart part, const Needs& needs);

/// `facts` as read_facts gives them for every_need().
Bytes to_kept(const CaseFacts& facts, KeptPart part);
Result<void> from_kept(BytesView bytes, KeptPart part, CaseFacts& facts);

/// Takes out what was not asked for, so that facts are those that read_facts would give for
/// `needs`.
void restrict_to(const Needs& needs, CaseFacts& facts);

}  // namespace casebox::analytics::facts
