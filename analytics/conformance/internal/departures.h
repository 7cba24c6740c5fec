#pragma once

// The departures of one case: from the alignment, the rules and the limits; then what was not
// observed, what was justified, and what depends on the order of events that clocks cannot tell
// apart.
//
// Thread safety: one thread. Lifetime: what the constructor gets must outlive the builder.

#include <vector>

#include "analytics/conformance/internal/rules.h"
#include "analytics/conformance/internal/sentences.h"
#include "analytics/conformance/internal/variant.h"

namespace casebox::analytics::conformance::internal {

class DepartureBuilder {
 public:
  DepartureBuilder(const protocol::Norm& norm, const Options& options, const CaseView& view,
                   const Observability& observability)
      : norm_(norm), options_(options), view_(view), observability_(observability) {}

  void build(const Variant& variant, VariantAligner& aligner, CaseResult& out);

 private:
  struct Draft {
    Departure departure;
    Details details;
    std::optional<Item> item;                    // from the flow
    std::optional<Broken> broken;                // from a rule
    int64_t before_ns = 0, after_ns = 0;         // how far its time may reach beyond t0 and t1
    bool open_before = true, open_after = true;  // nothing of the norm stands before, after it
  };

  Draft make(Kind kind, int32_t step, std::optional<uint32_t> event) const;
  void from_flow(const Variant& variant);
  void from_rules();
  void from_limits(CaseResult& out);
  void place(Draft& draft, const std::pair<uint32_t, uint32_t>& span) const;
  void use_check(Departure& departure, int check) const;
  void mark_order_sensitive(const Variant& variant, VariantAligner& aligner, CaseResult& out);
  bool mark_against(VariantAligner& aligner, const std::vector<uint32_t>& order, bool listed);
  void classify();
  void watch(Draft& draft, const v1::ProtocolStep& step) const;
  std::string unwatched(const Draft& draft, const std::vector<const Observer*>& observers) const;
  const Reason* reason_for(const Departure& departure) const;
  const Unfound* unfound_for(const Departure& departure) const;
  bool names(const std::string& name, const Departure& departure) const;
  int64_t excused(const Variant& variant) const;

  const protocol::Norm& norm_;
  const Options& options_;
  const CaseView& view_;
  const Observability& observability_;
  std::vector<Draft> drafts_;
};

}  // namespace casebox::analytics::conformance::internal
