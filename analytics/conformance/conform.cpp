#include "analytics/conformance/conform.h"

#include <algorithm>

#include "analytics/conformance/internal/departures.h"
#include "analytics/conformance/internal/variant.h"

namespace casebox::analytics::conformance {
namespace {

using internal::CaseView;
using internal::NormIndex;
using internal::NormStates;
using internal::Variant;
using internal::VariantAligner;

class ConformerImpl final : public Conformer {
 public:
  ConformerImpl(const protocol::Norm& norm, const Options& options)
      : norm_(norm),
        options_(options),
        index_(norm),
        states_(norm.net, options.max_markings, options.silent_cost == 0),
        aligner_(states_, {options.unit, options.silent_cost},
                 {options.budget, options.max_explanations, options.ambiguity},
                 static_cast<uint32_t>(norm.source.steps_size())) {}

  Result<void> begin() { return aligner_.measure_shortest(); }

  CaseResult conform(const EventLog& log, const Trace& trace,
                     const Observability& observability) override {
    const CaseView view(index_, log, trace, observability, options_.order);
    const Variant& variant = aligner_.align(view.sequence);
    CaseResult out;
    out.case_key = trace.case_key;
    out.ignored_events = view.ignored;
    out.cost = variant.found.cost;
    out.lower_bound = variant.found.lower;
    out.exact = variant.found.exact;
    out.explanations = variant.explanations;
    out.explanations_complete = variant.explanations_complete;
    out.fitness_den =
        int64_t{options_.unit} * static_cast<int64_t>(view.sequence.size()) + aligner_.shortest();
    out.fitness_num = out.fitness_den - out.cost;
    if (!out.exact)
      out.notices.push_back("the search's budget ended: the cost lies between " +
                            std::to_string(out.lower_bound) + " and " + std::to_string(out.cost));
    for (const internal::PathMove& move : variant.found.path) {
      if (move.kind == internal::MoveKind::kSilent) continue;
      Move column;
      if (move.kind != internal::MoveKind::kModel) column.event = view.events[move.position];
      if (move.kind != internal::MoveKind::kLog) column.step = static_cast<uint32_t>(move.step);
      out.alignment.push_back(column);
    }
    internal::DepartureBuilder(norm_, options_, view, observability).build(variant, aligner_, out);
    return out;
  }

  int64_t shortest_model_cost() const override { return aligner_.shortest(); }
  uint64_t variants() const override { return aligner_.size(); }

 private:
  const protocol::Norm& norm_;
  Options options_;
  NormIndex index_;
  NormStates states_;
  VariantAligner aligner_;
};

}  // namespace

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::kMissing: return "missing";
    case Kind::kExtra: return "extra";
    case Kind::kOrder: return "order";
    case Kind::kTime: return "time";
    case Kind::kUnobserved: return "unobserved";
    case Kind::kJustified: return "justified";
  }
  return "missing";
}

const char* to_string(ShownBy shown_by) {
  switch (shown_by) {
    case ShownBy::kLog: return "log";
    case ShownBy::kPeople: return "people";
    case ShownBy::kDevices: return "devices";
    case ShownBy::kBoth: return "both";
  }
  return "log";
}

uint32_t CaseResult::count(v1::Certainty certainty) const {
  return static_cast<uint32_t>(std::ranges::count(departures, certainty, &Departure::certainty));
}

Result<std::unique_ptr<Conformer>> Conformer::create(const protocol::Norm& norm,
                                                     const Options& options) {
  if (options.unit == 0)
    return Error{Code::kInvalidArgument, "conformance: the unit of cost is 0; give 1 or more"};
  auto conformer = std::make_unique<ConformerImpl>(norm, options);
  CASEBOX_CHECK(conformer->begin());
  return std::unique_ptr<Conformer>(std::move(conformer));
}

Result<CaseResult> conform(const protocol::Norm& norm, const EventLog& log, const Trace& trace,
                           const Observability& observability, const Options& options) {
  CASEBOX_TRY(const auto conformer, Conformer::create(norm, options));
  return conformer->conform(log, trace, observability);
}

}  // namespace casebox::analytics::conformance
