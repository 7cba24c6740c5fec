#include "analytics/discovery/log_skeleton.h"

#include <algorithm>
#include <map>

#include "analytics/discovery/internal/case_relations.h"
#include "analytics/discovery/internal/pair_table.h"

namespace casebox::analytics::discovery {
namespace {

using internal::CaseRelations;
using internal::PairTable;

constexpr Relation kAll[] = {Relation::kEquivalence, Relation::kAlwaysAfter,
                             Relation::kAlwaysBefore, Relation::kNeverTogether,
                             Relation::kDirectlyFollows};

size_t index(Relation relation) { return static_cast<size_t>(relation); }

/// Weights that the relations of a log are judged by.
struct Weights {
  explicit Weights(size_t activities)
      : holds(kRelations, PairTable<uint64_t>(activities)),
        cases_with(activities),
        occurrences(activities),
        pairs_after(activities),
        pairs_before(activities),
        times(activities) {}

  std::vector<PairTable<uint64_t>> holds;
  std::vector<uint64_t> cases_with, occurrences;    // by activity
  std::vector<uint64_t> pairs_after, pairs_before;  // pairs of positions that begin with it
  std::vector<std::map<uint32_t, uint64_t>> times;  // cases by how often it occurs
};

void add_by_cases(const CaseRelations& relations, uint64_t cases, Weights& weights) {
  for (size_t k = 0; k < relations.present().size(); ++k)
    for (const Relation relation : kAll)
      internal::each_bit(relations.row(relation, k), [&](ActivityId y) {
        weights.holds[index(relation)].at(relations.present()[k], y) += cases;
      });
}

void add_as_pm4py(const CaseRelations& relations, std::span<const ActivityId> steps, uint64_t cases,
                  Weights& weights) {
  for (size_t k = 0; k < relations.present().size(); ++k) {
    const ActivityId x = relations.present()[k];
    internal::each_bit(relations.row(Relation::kEquivalence, k), [&](ActivityId y) {
      weights.holds[index(Relation::kEquivalence)].at(x, y) += relations.count(x) * cases;
    });
    internal::each_bit(relations.row(Relation::kNeverTogether, k), [&](ActivityId y) {
      weights.holds[index(Relation::kNeverTogether)].at(x, y) += cases;
    });
  }
  // Pairs of positions i < j, counted by walking j: so many of each x came before.
  std::vector<uint64_t> before(weights.occurrences.size(), 0);
  for (size_t j = 0; j < steps.size(); ++j) {
    const ActivityId y = steps[j];
    if (j > 0) weights.holds[index(Relation::kDirectlyFollows)].at(steps[j - 1], y) += cases;
    for (const ActivityId x : relations.present()) {
      const uint64_t pairs = before[x] * cases;
      if (pairs == 0) continue;
      weights.holds[index(Relation::kAlwaysAfter)].at(x, y) += pairs;
      weights.holds[index(Relation::kAlwaysBefore)].at(y, x) += pairs;
      weights.pairs_after[x] += pairs;
      weights.pairs_before[y] += pairs;
    }
    ++before[y];
  }
}

uint64_t base_of(const Weights& weights, Relation relation, ActivityId x, Counting counting) {
  if (counting == Counting::kCases) return weights.cases_with[x];
  if (relation == Relation::kAlwaysAfter) return weights.pairs_after[x];
  if (relation == Relation::kAlwaysBefore) return weights.pairs_before[x];
  return weights.occurrences[x];
}

std::vector<uint32_t> allowed_times(const std::map<uint32_t, uint64_t>& times, double enough) {
  std::vector<std::pair<uint32_t, uint64_t>> by_use(times.begin(), times.end());
  std::ranges::stable_sort(by_use, std::ranges::greater{}, [](const auto& t) { return t.second; });
  std::vector<uint32_t> out;
  uint64_t covered = 0;
  for (const auto& [n, cases] : by_use) {
    out.push_back(n);
    covered += cases;
    if (static_cast<double>(covered) >= enough) break;
  }
  std::ranges::sort(out);
  return out;
}

Result<void> usable(size_t activities) {
  if (activities > kMaxActivities)
    return Error{Code::kInvalidArgument,
                 "a log skeleton of " + std::to_string(activities) + " activities, more than " +
                     std::to_string(kMaxActivities) + "; choose a coarser activity"};
  return ok();
}

/// The skeleton in terms of the log that is checked.
struct Model {
  std::vector<uint64_t> rows[kRelations];             // by activity
  std::vector<const std::vector<uint32_t>*> allowed;  // by activity; null: unknown
  std::vector<std::string> missing;                   // has to occur, and the log does not know it
};

Model model_of(const LogSkeleton& skeleton, const std::vector<std::string>& activities) {
  std::map<std::string_view, ActivityId> ids;
  for (ActivityId id = 0; id < activities.size(); ++id) ids[activities[id]] = id;
  const size_t words = (activities.size() + 63) / 64;
  Model out;
  out.allowed.resize(activities.size());
  for (const Occurrences& one : skeleton.occurrences) {
    if (const auto it = ids.find(one.activity); it != ids.end())
      out.allowed[it->second] = &one.allowed;
    else if (!one.allowed.empty() && one.allowed.front() > 0)
      out.missing.push_back(one.activity);
  }
  for (size_t r = 0; r < kRelations; ++r) {
    out.rows[r].resize(activities.size() * words);
    for (const Related& one : skeleton.relations[r]) {
      const auto from = ids.find(one.from), to = ids.find(one.to);
      if (from != ids.end() && to != ids.end())
        out.rows[r][from->second * words + to->second / 64] |= uint64_t{1} << (to->second % 64);
    }
  }
  return out;
}

/// Relations to activities that the checked log does not know hold never (never_together: always).
std::map<std::string, std::vector<std::pair<Relation, std::string>>> beyond(
    const LogSkeleton& skeleton, const std::vector<std::string>& activities) {
  std::map<std::string_view, ActivityId> ids;
  for (ActivityId id = 0; id < activities.size(); ++id) ids[activities[id]] = id;
  std::map<std::string, std::vector<std::pair<Relation, std::string>>> out;
  for (const Relation relation : kAll)
    for (const Related& one : skeleton.relations[index(relation)])
      if (!ids.contains(one.to)) out[one.from].emplace_back(relation, one.to);
  return out;
}

}  // namespace

const char* to_string(Relation relation) {
  switch (relation) {
    case Relation::kEquivalence: return "equivalence";
    case Relation::kAlwaysAfter: return "always_after";
    case Relation::kAlwaysBefore: return "always_before";
    case Relation::kNeverTogether: return "never_together";
    case Relation::kDirectlyFollows: return "directly_follows";
  }
  return "equivalence";
}

Result<LogSkeleton> discover_skeleton(const Sequences& sequences, const Variants& variants,
                                      const std::vector<std::string>& activities, double noise,
                                      Counting counting) {
  const size_t n = activities.size();
  CASEBOX_CHECK(usable(n));
  if (!(noise >= 0 && noise < 1))
    return Error{Code::kInvalidArgument, "noise: must be at least 0 and below 1"};
  Weights weights(n);
  CaseRelations relations(n, counting);
  for (const Variant& variant : variants.variants) {
    const auto steps = sequences.of(variant.example);
    relations.read(steps);
    for (const ActivityId id : relations.present()) {
      weights.cases_with[id] += variant.count;
      weights.occurrences[id] += relations.count(id) * variant.count;
      weights.times[id][relations.count(id)] += variant.count;
    }
    counting == Counting::kCases ? add_by_cases(relations, variant.count, weights)
                                 : add_as_pm4py(relations, steps, variant.count, weights);
  }

  LogSkeleton out;
  out.counting = counting;
  out.noise = noise;
  out.cases = sequences.cases();
  std::vector<ActivityId> by_name(n);
  const std::vector<uint32_t> rank = name_ranks(activities);
  for (ActivityId id = 0; id < n; ++id) by_name[rank[id]] = id;
  const double share = 1.0 - noise;
  for (const ActivityId x : by_name) {
    if (weights.cases_with[x] == 0) continue;
    for (const ActivityId y : by_name) {
      if (weights.cases_with[y] == 0) continue;
      for (const Relation relation : kAll) {
        if (relation == Relation::kNeverTogether && x == y) continue;
        const uint64_t of = base_of(weights, relation, x, counting);
        const uint64_t found = weights.holds[index(relation)].get(x, y);
        const uint64_t holds = relation == Relation::kNeverTogether ? of - found : found;
        if (holds > 0 && static_cast<double>(holds) >= static_cast<double>(of) * share)
          out.relations[index(relation)].push_back({activities[x], activities[y], holds, of});
      }
    }
    if (weights.cases_with[x] < out.cases) weights.times[x][0] = out.cases - weights.cases_with[x];
    const size_t all = counting == Counting::kCases ? out.cases : sequences.steps.size();
    out.occurrences.push_back(
        {activities[x], allowed_times(weights.times[x], share * static_cast<double>(all))});
  }
  return out;
}

Result<SkeletonCheck> check_skeleton(const LogSkeleton& skeleton, const Sequences& sequences,
                                     const Variants& variants,
                                     const std::vector<std::string>& activities) {
  CASEBOX_CHECK(usable(activities.size()));
  const Model model = model_of(skeleton, activities);
  const auto unknown = beyond(skeleton, activities);
  CaseRelations relations(activities.size(), skeleton.counting);
  SkeletonCheck out;
  for (const Variant& variant : variants.variants) {
    relations.read(sequences.of(variant.example));
    std::vector<SkeletonDeparture> found;
    uint64_t judged = 0;
    for (const Relation relation : kAll) {
      for (size_t k = 0; k < relations.present().size(); ++k) {
        const ActivityId x = relations.present()[k];
        const uint64_t* must = model.rows[index(relation)].data() + x * relations.words();
        const internal::Bits is = relations.row(relation, k);
        const bool never = relation == Relation::kNeverTogether;
        for (size_t w = 0; w < is.size(); ++w) {
          judged += static_cast<uint64_t>(__builtin_popcountll(must[w]));
          internal::each_bit(must[w] & (never ? is[w] : ~is[w]), w * 64, [&](ActivityId y) {
            found.push_back({false, relation, activities[x], activities[y], 0});
          });
        }
        if (const auto it = unknown.find(activities[x]); it != unknown.end())
          for (const auto& [which, to] : it->second) {
            if (which != relation) continue;
            ++judged;
            if (!never) found.push_back({false, relation, activities[x], to, 0});
          }
      }
    }
    for (ActivityId id = 0; id < activities.size(); ++id) {
      const uint32_t times = relations.count(id);
      const std::vector<uint32_t>* allowed = model.allowed[id];
      const bool must = allowed != nullptr && !allowed->empty() && allowed->front() > 0;
      if (times == 0 && !must) continue;
      ++judged;
      if (allowed == nullptr || !std::ranges::binary_search(*allowed, times))
        found.push_back({true, Relation::kEquivalence, activities[id], "", times});
    }
    for (const std::string& name : model.missing) {
      ++judged;
      found.push_back({true, Relation::kEquivalence, name, "", 0});
    }
    std::ranges::sort(found, {}, [](const SkeletonDeparture& d) {
      return std::tie(d.occurrence, d.relation, d.from, d.to);
    });
    out.judged += judged * variant.count;
    out.departures += found.size() * variant.count;
    if (found.empty()) out.fitting_cases += variant.count;
    out.of_variant.push_back(std::move(found));
  }
  return out;
}

}  // namespace casebox::analytics::discovery
