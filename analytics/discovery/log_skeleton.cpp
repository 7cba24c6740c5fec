#include "analytics/discovery/log_skeleton.h"

#include <algorithm>
#include <map>

#include "analytics/discovery/internal/case_relations.h"
#include "analytics/discovery/internal/pair_table.h"
#include "analytics/discovery/internal/trivial.h"

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
  size_t words = 0;                                   // of a row
  std::vector<uint64_t> rows[kRelations];             // by activity
  std::vector<const std::vector<uint32_t>*> allowed;  // by activity; null: unknown
  /// By activity: relations to what the log does not know. They do not hold, unless it is that both
  /// never occur together.
  std::vector<std::vector<std::pair<Relation, std::string>>> beyond;
  std::vector<std::string> missing;  // has to occur, and the log does not know it

  Model(const LogSkeleton& skeleton, const std::vector<std::string>& activities)
      : words((activities.size() + 63) / 64),
        allowed(activities.size()),
        beyond(activities.size()) {
    std::map<std::string_view, ActivityId> ids;
    for (ActivityId id = 0; id < activities.size(); ++id) ids[activities[id]] = id;
    for (const Occurrences& one : skeleton.occurrences) {
      if (const auto it = ids.find(one.activity); it != ids.end())
        allowed[it->second] = &one.allowed;
      else if (!one.allowed.empty() && one.allowed.front() > 0)
        missing.push_back(one.activity);
    }
    for (const Relation relation : kAll) {
      std::vector<uint64_t>& bits = rows[index(relation)];
      bits.resize(activities.size() * words);
      for (const Related& one : skeleton.relations[index(relation)]) {
        const auto from = ids.find(one.from), to = ids.find(one.to);
        if (from == ids.end()) continue;
        if (to == ids.end())
          beyond[from->second].emplace_back(relation, one.to);
        else
          bits[from->second * words + to->second / 64] |= uint64_t{1} << (to->second % 64);
      }
    }
  }
};

/// One sequence against the model.
class Judge {
 public:
  Judge(const Model& model, const std::vector<std::string>& activities)
      : model_(model), activities_(activities) {}

  std::vector<SkeletonDeparture> departures(const CaseRelations& relations) {
    found_.clear();
    judged_ = 0;
    for (size_t k = 0; k < relations.present().size(); ++k) {
      const ActivityId x = relations.present()[k];
      for (const Relation relation : kAll) look(relation, x, relations.row(relation, k));
      for (const auto& [relation, to] : model_.beyond[x]) {
        ++judged_;
        if (relation != Relation::kNeverTogether)
          found_.push_back({false, relation, activities_[x], to, 0});
      }
    }
    for (ActivityId id = 0; id < activities_.size(); ++id) count(id, relations.count(id));
    for (const std::string& name : model_.missing) depart(name, 0);
    judged_ += model_.missing.size();
    std::ranges::sort(found_, {}, [](const SkeletonDeparture& d) {
      return std::tie(d.occurrence, d.relation, d.from, d.to);
    });
    return found_;
  }
  uint64_t judged() const { return judged_; }

 private:
  void look(Relation relation, ActivityId x, internal::Bits holds) {
    const uint64_t* must = model_.rows[index(relation)].data() + x * model_.words;
    const bool never = relation == Relation::kNeverTogether;
    for (size_t w = 0; w < holds.size(); ++w) {
      judged_ += static_cast<uint64_t>(__builtin_popcountll(must[w]));
      internal::each_bit(must[w] & (never ? holds[w] : ~holds[w]), w * 64, [&](ActivityId y) {
        found_.push_back({false, relation, activities_[x], activities_[y], 0});
      });
    }
  }
  void count(ActivityId id, uint32_t times) {
    const std::vector<uint32_t>* allowed = model_.allowed[id];
    const bool must = allowed != nullptr && !allowed->empty() && allowed->front() > 0;
    if (times == 0 && !must) return;
    ++judged_;
    if (allowed == nullptr || !std::ranges::binary_search(*allowed, times))
      depart(activities_[id], times);
  }
  void depart(const std::string& name, uint32_t times) {
    found_.push_back({true, Relation::kEquivalence, name, "", times});
  }

  const Model& model_;
  const std::vector<std::string>& activities_;
  std::vector<SkeletonDeparture> found_;
  uint64_t judged_ = 0;
};

/// What the relations of one log are weighed by.
Weights weigh(const Sequences& sequences, const Variants& variants, size_t activities,
              Counting counting) {
  Weights out(activities);
  CaseRelations relations(activities, counting);
  for (const Variant& variant : variants.variants) {
    const auto steps = sequences.of(variant.example);
    relations.read(steps);
    for (const ActivityId id : relations.present()) {
      out.cases_with[id] += variant.count;
      out.occurrences[id] += relations.count(id) * variant.count;
      out.times[id][relations.count(id)] += variant.count;
    }
    counting == Counting::kCases ? add_by_cases(relations, variant.count, out)
                                 : add_as_pm4py(relations, steps, variant.count, out);
  }
  for (ActivityId id = 0; id < activities; ++id)
    if (out.cases_with[id] < sequences.cases())
      out.times[id][0] = sequences.cases() - out.cases_with[id];
  return out;
}

}  // namespace

const char* to_string(Trivial trivial) {
  switch (trivial) {
    case Trivial::kNot: return "";
    case Trivial::kFewCases: return "few_cases";
    case Trivial::kChance: return "chance";
    case Trivial::kImplied: return "implied";
  }
  return "";
}

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
  const Weights weights = weigh(sequences, variants, n, counting);
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
          out.relations[index(relation)].push_back({activities[x], activities[y], holds, of, {}});
      }
    }
    const size_t all = counting == Counting::kCases ? out.cases : sequences.steps.size();
    out.occurrences.push_back(
        {activities[x], allowed_times(weights.times[x], share * static_cast<double>(all))});
  }
  std::map<std::string_view, uint64_t> cases_with;
  for (ActivityId id = 0; id < n; ++id) cases_with[activities[id]] = weights.cases_with[id];
  internal::mark_trivial(cases_with, out);
  return out;
}

Result<SkeletonCheck> check_skeleton(const LogSkeleton& skeleton, const Sequences& sequences,
                                     const Variants& variants,
                                     const std::vector<std::string>& activities) {
  CASEBOX_CHECK(usable(activities.size()));
  const Model model(skeleton, activities);
  Judge judge(model, activities);
  CaseRelations relations(activities.size(), skeleton.counting);
  SkeletonCheck out;
  for (const Variant& variant : variants.variants) {
    relations.read(sequences.of(variant.example));
    out.of_variant.push_back(judge.departures(relations));
    out.judged += judge.judged() * variant.count;
    out.departures += out.of_variant.back().size() * variant.count;
    if (out.of_variant.back().empty()) out.fitting_cases += variant.count;
  }
  return out;
}

}  // namespace casebox::analytics::discovery
