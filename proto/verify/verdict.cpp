#include <utility>

#include "proto/verify/verify.h"

namespace casebox::verify {

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kComplete: return "COMPLETE";
    case Verdict::kCompleteWithDeclaredGaps: return "COMPLETE_WITH_DECLARED_GAPS";
    case Verdict::kUnclosed: return "UNCLOSED";
    case Verdict::kNotSealed: return "NOT_SEALED";
    case Verdict::kDamaged: return "DAMAGED";
    case Verdict::kUntrustedKey: return "UNTRUSTED_KEY";
    case Verdict::kTampered: return "TAMPERED";
  }
  return "UNKNOWN";
}

void Report::blame(Problem problem, Weight weight) {
  const Verdict least = weight == Weight::kTamper      ? Verdict::kTampered
                        : weight == Weight::kUntrusted ? Verdict::kUntrustedKey
                        : weight == Weight::kDamage    ? Verdict::kDamaged
                                                       : Verdict::kUnclosed;
  verdict = worse(verdict, least);
  if (++problem_counts[problem.kind] <= kKept) problems.push_back(std::move(problem));
}

}  // namespace casebox::verify
