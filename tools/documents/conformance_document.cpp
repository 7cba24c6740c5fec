#include "tools/documents/conformance_document.h"
#include "tools/cli/names.h"

#include <fmt/format.h>

#include <map>
#include <numeric>

namespace casebox::tools {
namespace {

using analytics::conformance::CaseResult;
using analytics::conformance::Departure;
using analytics::conformance::Kind;
using analytics::conformance::Move;

constexpr size_t kMaxPrinted = 100;    // departures of a case, for people
constexpr size_t kMaxListed = 10'000;  // departures of a case in JSON

const char* judgement_name(v1::Certainty certainty) {
  switch (certainty) {
    case v1::CERTAINTY_CERTAIN: return "certain";
    case v1::CERTAINTY_AMBIGUOUS: return "ambiguous";
    case v1::CERTAINTY_UNOBSERVED: return "unobserved";
    case v1::CERTAINTY_JUSTIFIED: return "justified";
    default: return "not_judged";
  }
}

const char* latitude_name(v1::ProtocolLatitude latitude) {
  if (latitude == v1::PROTOCOL_LATITUDE_PREFERRED) return "preferred";
  return latitude == v1::PROTOCOL_LATITUDE_FREE ? "free" : "required";
}

std::string exact_fraction(int64_t num, int64_t den) {
  if (den == 0) return "1/1";
  const int64_t divisor = std::gcd(num, den);
  return fmt::format("{}/{}", num / divisor, den / divisor);
}

Json departure_json(const Departure& d, uint32_t unit) {
  Json out;
  out["kind"] = to_string(d.kind);
  out["deviation"] = to_string(d.deviation);
  out["step"] = d.step;
  out["title"] = d.title;
  out["activity"] = d.activity.empty() ? Json(nullptr) : Json(d.activity);
  out["index"] = d.event ? Json(*d.event) : Json(nullptr);
  out["t_s"] = d.timed ? Json(seconds_of(d.t0_ns)) : Json(nullptr);
  out["t1_s"] = d.timed ? Json(seconds_of(d.t1_ns)) : Json(nullptr);
  out["certainty"] = judgement_name(d.certainty);
  out["margin"] = d.margin ? cost_json(*d.margin, unit) : Json(nullptr);
  out["margin_exact"] = d.margin_exact;
  out["order_sensitive"] = d.order_sensitive;
  out["severity"] = d.severity;
  out["value"] = d.value.empty() ? Json(nullptr) : Json(d.value);
  out["latitude"] = latitude_name(d.latitude);
  out["check"] = d.check.empty() ? Json(nullptr) : Json(d.check);
  out["reason"] = d.reason.empty() ? Json(nullptr) : Json(d.reason);
  out["excess_s"] = d.deviation == Kind::kTime ? Json(seconds_of(d.excess_ns)) : Json(nullptr);
  out["explanations"] = d.explanations;
  out["text"] = d.text;
  return out;
}

}  // namespace

Json cost_json(int64_t cost, uint32_t unit) {
  if (cost % unit == 0) return cost / unit;
  return static_cast<double>(cost) / unit;
}

Json case_result_json(const CaseResult& result, const analytics::protocol::Norm& norm,
                      uint32_t unit, bool alignment) {
  Json out;
  out["case"] = result.case_key;
  out["cost"] = cost_json(result.cost, unit);
  out["lower_bound"] = cost_json(result.lower_bound, unit);
  out["exact"] = result.exact;
  out["fitness"] = result.fitness();
  out["fitness_exact"] = exact_fraction(result.fitness_num, result.fitness_den);
  out["scored_cost"] = cost_json(result.scored_cost, unit);
  out["certain"] = result.count(v1::CERTAINTY_CERTAIN);
  out["ambiguous"] = result.count(v1::CERTAINTY_AMBIGUOUS);
  out["unobserved"] = result.count(v1::CERTAINTY_UNOBSERVED);
  out["justified"] = result.count(v1::CERTAINTY_JUSTIFIED);
  out["explanations"] = result.explanations;
  out["explanations_complete"] = result.explanations_complete;
  out["departures"] = Json::array();
  for (const Departure& d : result.departures) {
    if (out["departures"].size() == kMaxListed) break;
    out["departures"].push_back(departure_json(d, unit));
  }
  if (alignment) {
    out["alignment"] = Json::array();
    for (const Move& move : result.alignment) {
      Json column;
      column["index"] = move.event ? Json(*move.event) : Json(nullptr);
      column["step"] = move.step ? Json(norm.step(*move.step).id()) : Json(nullptr);
      out["alignment"].push_back(std::move(column));
    }
  }
  out["notices"] = result.notices;
  if (result.departures.size() > kMaxListed)
    out["notices"].push_back(fmt::format("the first {} of {} departures are listed", kMaxListed,
                                         result.departures.size()));
  return out;
}

void print_case_result(std::FILE* out, const CaseResult& result, uint32_t unit) {
  fmt::print(out, "{}: fitness {:.3f}", result.case_key, result.fitness());
  if (!result.exact)
    fmt::print(out, ", cost between {:g} and {:g} (the search's budget ended)",
               static_cast<double>(result.lower_bound) / unit,
               static_cast<double>(result.cost) / unit);
  if (result.departures.empty())
    fmt::print(out, "{}\n", result.exact ? ", follows the norm throughout" : "");
  else
    fmt::print(out, "\n");
  const auto notes = [&](const Departure& d) {
    std::string text;
    if (d.order_sensitive) text += " Its clock cannot rule out another order.";
    if (d.latitude == v1::PROTOCOL_LATITUDE_PREFERRED) text += " (A preference.)";
    if (!d.check.empty()) text += fmt::format(" [{}]", d.check);
    return text;
  };
  size_t listed = 0;
  for (const Departure& d : result.departures) {
    if (d.certainty == v1::CERTAINTY_AMBIGUOUS) continue;
    if (++listed > kMaxPrinted) continue;
    fmt::print(out, "  {:<10}  {}{}\n", judgement_name(d.certainty), d.text, notes(d));
    if (d.certainty == v1::CERTAINTY_CERTAIN && d.deviation != Kind::kTime && d.check.empty())
      fmt::print(out, "  {:<10}  {}\n", "",
                 d.margin
                     ? fmt::format("The best explanation without it has {}{:g} more departures "
                                   "to explain.",
                                   d.margin_exact ? "" : "at least ",
                                   static_cast<double>(*d.margin) / unit)
                     : "No explanation is without it.");
  }
  if (listed > kMaxPrinted)
    fmt::print(out, "  ... and {} more; --json lists them\n", listed - kMaxPrinted);
  // Alternatives: what each explanation has beyond the certain departures.
  std::map<uint32_t, std::string> alternatives;
  for (const Departure& d : result.departures)
    if (d.certainty == v1::CERTAINTY_AMBIGUOUS)
      for (uint32_t e : d.explanations) alternatives[e] += " " + d.text + notes(d);
  bool first = true;
  size_t shown = 0;
  for (const auto& [e, text] : alternatives) {
    if (++shown > 6) break;
    fmt::print(out, "  {:<10} {}\n", first ? fmt::format("1 of {}", result.explanations) : "  or",
               text);
    first = false;
  }
  if (alternatives.size() > 6 || (!result.explanations_complete && !alternatives.empty()))
    fmt::print(out, "  {:<10}  more explanations are as good; --json lists them\n", "  or");
  if (alternatives.empty())
    for (const Departure& d : result.departures)
      if (d.certainty == v1::CERTAINTY_AMBIGUOUS)
        fmt::print(out, "  {:<10}  {}{}\n", "possibly", d.text, notes(d));
  for (const std::string& notice : result.notices) fmt::print(out, "  note: {}\n", notice);
}

}  // namespace casebox::tools
