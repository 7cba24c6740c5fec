#include "tools/report/departure_weights.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "tools/documents/suppression.h"
#include "tools/report/tags.h"

namespace casebox::tools::report {
namespace {

namespace conformance = analytics::conformance;

/// A row of the page's tables, and the value its departures touch.
using Row = std::tuple<std::string, std::string, std::string, std::string>;

Row weight_row(const CohortDeparture& departure) {
  return {departure.kind, departure.step, departure.certainty, departure.value};
}

bool small(size_t n) { return n > 0 && n < kMinimumGroup; }

/// Values from whose sums a withheld number could be computed.
std::set<std::string> telling_values(const std::vector<const CohortCase*>& cases,
                                     const std::function<bool(const CohortDeparture&)>& told) {
  std::map<Row, std::set<std::string>> cases_of;  // by value too: a row may hold several
  std::map<Row, std::set<std::string>> whole;     // without
  std::set<Row> shown;                            // without the value
  std::map<std::string, size_t> hidden;           // departures that no shown row counts
  for (const CohortCase* one : cases)
    for (const CohortDeparture& departure : one->departures) {
      Row row = weight_row(departure);
      std::get<3>(row).clear();
      whole[row].insert(one->case_id);
      if (told(departure)) shown.insert(row);
      if (!departure.scored) continue;  // counts in its row of the page, and weighs nothing
      cases_of[weight_row(departure)].insert(one->case_id);
      ++hidden[departure.value];
    }
  std::set<std::string> out;
  for (const auto& [row, of] : cases_of) {
    const auto& [kind, step, certainty, value] = row;
    const Row all{kind, step, certainty, ""};
    const bool counted = of.size() >= kMinimumGroup && !small(cases.size() - of.size());
    if (counted && shown.contains(all)) hidden[value] -= of.size();
    if (small(cases.size() - of.size()) || small(cases.size() - whole.at(all).size()))
      out.insert(value);
  }
  for (const auto& [value, departures] : hidden)
    if (small(departures)) out.insert(value);
  return out;
}

/// Without the values left out.
void project(const std::set<std::string>& left_out, WeighedTogether& group) {
  const conformance::Values all = group.values;
  group.values = {};
  for (size_t v = 0; v < all.ids.size(); ++v) {
    if (left_out.contains(all.ids[v])) continue;
    group.values.ids.push_back(all.ids[v]);
    group.values.weights.push_back(all.weights[v]);
  }
  for (conformance::Tally& tally : group.tallies)
    for (std::vector<uint32_t>& row : tally.counts) {
      std::vector<uint32_t> kept;
      for (size_t v = 0; v < row.size(); ++v)
        if (!left_out.contains(all.ids[v])) kept.push_back(row[v]);
      row = std::move(kept);
    }
}

bool has_any(const conformance::Tally& tally) {
  return std::ranges::any_of(tally.counts, [](const std::vector<uint32_t>& row) {
    return std::ranges::any_of(row, [](uint32_t n) { return n > 0; });
  });
}

}  // namespace

GroupWeights group_weights(
    const std::vector<const CohortCase*>& cases,
    const std::function<bool(const CohortDeparture&)>& told,
    const std::function<bool(const std::vector<const CohortCase*>&)>& countable) {
  GroupWeights out;
  out.compared = cases.size();
  std::vector<Compared> comparisons;
  for (const CohortCase* one : cases) comparisons.push_back(one->comparison);
  auto groups = weighed_together(comparisons);
  const auto largest = std::ranges::max_element(
      groups, {}, [](const WeighedTogether& one) { return one.tallies.size(); });
  if (largest == groups.end() || largest->tallies.empty()) {
    out.withheld =
        "The protocol declares no values, or the cases were compared before weights were kept";
    return out;
  }
  std::vector<const CohortCase*> weighed;
  for (size_t i = 0; i < largest->members.size(); ++i) {
    if (!largest->tallies[i].judged) continue;
    weighed.push_back(cases[largest->members[i]]);
    out.tags.push_back(finding_tag(weighed.back()->comparison.weights->finding));
  }
  std::erase_if(largest->tallies, [](const conformance::Tally& tally) { return !tally.judged; });
  out.weighed = weighed.size();
  if (!Suppression::enough(out.weighed) || !countable(weighed)) {
    out.withheld = "Too few cases could be weighed, or too few could not";
    return out;
  }
  const std::set<std::string> telling = telling_values(weighed, told);
  for (const std::string& id : largest->values.ids)
    if (telling.contains(id)) out.left_out.push_back(id);
  project(telling, *largest);
  if (static_cast<size_t>(std::ranges::count_if(largest->tallies, has_any)) < kMinimumGroup) {
    out.withheld = "Under 11 cases have departures that touch a value which may be shown";
    return out;
  }
  out.weighing = conformance::weigh(largest->values, largest->tallies, {});
  if (!out.weighing.reason.empty()) out.withheld = "Nothing is weighed: " + out.weighing.reason;
  return out;
}

}  // namespace casebox::tools::report
