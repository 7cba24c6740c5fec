#include "tools/documents/weights_document.h"

#include <fmt/format.h>

namespace casebox::tools {
namespace {

using analytics::conformance::Range;
using analytics::conformance::Spread;
using analytics::conformance::Weighed;
using analytics::conformance::WeighedCase;
using analytics::conformance::Weighing;
using analytics::conformance::WeightOptions;

constexpr const char* kUnit = "one scored departure that touches a value of average weight";

Json range_json(const Range& range) { return {{"least", range.least}, {"most", range.most}}; }

Json spread_json(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

Json weighed_json(const Weighed& weighed) {
  return {{"declared", range_json(weighed.declared)},
          {"equal", range_json(weighed.equal)},
          {"random", spread_json(weighed.random)}};
}

const char* side_name(int side) { return side > 0 ? "above" : side < 0 ? "below" : "at"; }

std::string range_text(const Range& range) {
  const std::string least = fmt::format("{:.4g}", range.least);
  const std::string most = fmt::format("{:.4g}", range.most);
  return least == most ? least : least + " to " + most;
}

}  // namespace

Json weighing_json(const Weighing& weighing, const WeightOptions& options) {
  Json out;
  out["unit"] = kUnit;
  out["reason"] = weighing.reason.empty() ? Json(nullptr) : Json(weighing.reason);
  out["values"] = Json::array();
  for (size_t v = 0; v < weighing.values.ids.size(); ++v)
    out["values"].push_back({{"value", weighing.values.ids[v]},
                             {"declared", weighing.values.weights[v]},
                             {"weight", weighing.declared[v]}});
  out["draws"] = options.draws;
  out["seed"] = std::to_string(options.seed);
  out["not_judged_cases"] = weighing.not_judged;
  const bool there = weighing.reason.empty();
  const Json total = there ? weighed_json(weighing.total) : Json();
  for (const char* key : {"declared", "equal", "random"}) out[key] = there ? total[key] : Json();
  out["pairs"] = there ? Json(weighing.pairs) : Json();
  out["reversed_equal"] = there ? Json(weighing.reversed_equal) : Json();
  out["reversed_share"] = there ? spread_json(weighing.reversed) : Json();
  out["order_kept"] = there ? Json(weighing.order_kept) : Json();
  return out;
}

Json weighed_case_json(const Weighing& weighing, size_t index) {
  if (!weighing.reason.empty() || !weighing.cases[index].judged) return nullptr;
  const WeighedCase& c = weighing.cases[index];
  Json out = weighed_json(c);
  out["scored"] = c.scored;
  out["without_value"] = c.without_value;
  out["all_explanations"] = c.listed;
  out["side"] = side_name(c.side);
  out["side_kept_equal"] = c.side_kept_equal;
  out["side_kept_share"] = c.side_kept;
  return out;
}

void print_weighing(std::FILE* out, const Weighing& weighing, const WeightOptions& options) {
  if (!weighing.reason.empty()) {
    fmt::print(out, "Departures are not weighed: {}.\n", weighing.reason);
    return;
  }
  fmt::print(out, "\nWhat departures weigh by the norm's values (unit: {}):\n", kUnit);
  fmt::print(out, "  declared weights          {}\n", range_text(weighing.total.declared));
  fmt::print(out, "  equal weights             {}\n", range_text(weighing.total.equal));
  fmt::print(out, "  {} random, same order   median {:.4g}, 95 % {:.4g} to {:.4g} (seed {})\n",
             options.draws, weighing.total.random.median, weighing.total.random.low,
             weighing.total.random.high, options.seed);
  if (weighing.not_judged > 0)
    fmt::print(out, "  {} cases are left out: their departures are not known for certain\n",
               weighing.not_judged);
  if (weighing.pairs == 0) {
    fmt::print(out, "  No two cases differ.\n");
  } else if (weighing.order_kept) {
    fmt::print(out, "  Which of two cases weighs more does not hang on the weights.\n");
  } else {
    fmt::print(
        out,
        "  Which of two cases weighs more hangs on the weights: the other way round in "
        "{:.2g} % of pairs under equal weights, in {:.2g} % (95 %: {:.2g} to {:.2g} %) under "
        "random ones.\n",
        100. * static_cast<double>(weighing.reversed_equal) / static_cast<double>(weighing.pairs),
        100 * weighing.reversed.median, 100 * weighing.reversed.low, 100 * weighing.reversed.high);
  }
}

void print_weighed_case(std::FILE* out, const Weighing& weighing, size_t index) {
  if (!weighing.reason.empty() || !weighing.cases[index].judged) return;
  const WeighedCase& c = weighing.cases[index];
  if (c.scored == 0) return;
  fmt::print(out, "  {:<10}  {} (equal weights {}, random {:.3g} to {:.3g})", "weighs",
             range_text(c.declared), range_text(c.equal), c.random.low, c.random.high);
  if (c.without_value > 0)
    fmt::print(out, "; {} of {} departures touch no value and are not weighed", c.without_value,
               c.scored);
  if (!c.listed) fmt::print(out, "; bounds, as not all explanations are listed");
  fmt::print(out, "\n");
}

}  // namespace casebox::tools
