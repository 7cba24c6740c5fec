// analyze skeleton: what always, or nearly always, holds between steps, and the cases in which it
// does not.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "analytics/discovery/log_skeleton.h"
#include "tools/analyses/discovery_parts.h"

namespace casebox::tools {
namespace {

namespace discovery = analytics::discovery;
using analytics::EventLog;
using discovery::Counting;
using discovery::Relation;
using discovery::Trivial;

constexpr Relation kAll[] = {Relation::kEquivalence, Relation::kAlwaysAfter,
                             Relation::kAlwaysBefore, Relation::kNeverTogether,
                             Relation::kDirectlyFollows};

const char* sentence(Relation relation) {
  switch (relation) {
    case Relation::kEquivalence: return "occurs as often as";
    case Relation::kAlwaysAfter: return "is always followed by";
    case Relation::kAlwaysBefore: return "is always preceded by";
    case Relation::kNeverTogether: return "never occurs together with";
    case Relation::kDirectlyFollows: return "is always directly followed by";
  }
  return "";
}

struct Learned {
  discovery::Sequences sequences;
  discovery::Variants variants;
  Learned(const EventLog& log, analytics::OrderBasis order)
      : sequences(discovery::sequences_of(log, order)),
        variants(discovery::variants_of(sequences, log.activities)) {}
};

Json relations_json(const discovery::LogSkeleton& skeleton) {
  Json out;
  for (const Relation relation : kAll) {
    Json& list = out[to_string(relation)] = Json::array();
    for (const discovery::Related& one : skeleton.relations[static_cast<size_t>(relation)])
      list.push_back({{"from", one.from},
                      {"to", one.to},
                      {"holds", one.holds},
                      {"of", one.of},
                      {"trivial", one.trivial == Trivial::kNot ? Json(nullptr)
                                                               : Json(to_string(one.trivial))}});
  }
  return out;
}

Json occurrences_json(const discovery::LogSkeleton& skeleton) {
  Json out = Json::array();
  for (const discovery::Occurrences& one : skeleton.occurrences)
    out.push_back({{"activity", one.activity}, {"allowed", one.allowed}});
  return out;
}

Json departures_json(const EventLog& log, const discovery::Variants& variants,
                     const discovery::SkeletonCheck& check) {
  Json out = Json::array();
  for (size_t c = 0; c < log.traces.size(); ++c)
    for (const discovery::SkeletonDeparture& one : check.of_variant[variants.of_case[c]])
      out.push_back({{"case_id", log.traces[c].case_key},
                     {"relation", one.occurrence ? "occurrence" : to_string(one.relation)},
                     {"from", one.from},
                     {"to", one.occurrence ? Json(nullptr) : Json(one.to)},
                     {"times", one.occurrence ? Json(one.times) : Json(nullptr)}});
  return out;
}

/// What people read: relations that say something, those that most cases bear out first; one that
/// holds both ways once.
std::vector<const discovery::Related*> for_people(const std::vector<discovery::Related>& list,
                                                  bool both_ways) {
  std::set<std::pair<std::string_view, std::string_view>> shown;
  std::vector<const discovery::Related*> out;
  for (const discovery::Related& one : list) {
    if (one.trivial != Trivial::kNot) continue;
    if (both_ways && shown.contains({one.to, one.from})) continue;
    shown.emplace(one.from, one.to);
    out.push_back(&one);
  }
  std::ranges::stable_sort(out, std::ranges::greater{}, &discovery::Related::holds);
  return out;
}

/// "12 more hold and say little (few cases 3, chance 9)".
std::string trivial_text(const std::vector<discovery::Related>& list) {
  std::string why;
  size_t all = 0;
  for (const auto& [trivial, name] :
       {std::pair{Trivial::kFewCases, "few cases"}, std::pair{Trivial::kChance, "chance"},
        std::pair{Trivial::kImplied, "implied by others"}}) {
    const auto n =
        static_cast<size_t>(std::ranges::count(list, trivial, &discovery::Related::trivial));
    all += n;
    if (n > 0) why += fmt::format("{}{} {}", why.empty() ? "" : ", ", name, n);
  }
  return all == 0 ? "" : fmt::format("  {} more hold and say little ({})\n", all, why);
}

std::string relations_text(const discovery::LogSkeleton& skeleton, size_t most) {
  std::string out;
  auto line = std::back_inserter(out);
  for (const Relation relation : kAll) {
    const auto& all = skeleton.relations[static_cast<size_t>(relation)];
    const bool both_ways =
        relation == Relation::kNeverTogether || relation == Relation::kEquivalence;
    const auto list = for_people(all, both_ways);
    fmt::format_to(line, "\n{}: {}{}\n", to_string(relation), all.size(),
                   both_ways && !all.empty() ? ", what holds both ways shown once" : "");
    for (size_t i = 0; i < list.size() && i < most; ++i)
      fmt::format_to(line, "  {} {} {} ({} of {})\n", list[i]->from, sentence(relation),
                     list[i]->to, list[i]->holds, list[i]->of);
    if (list.size() > most) fmt::format_to(line, "  {} more\n", list.size() - most);
    out += trivial_text(all);
  }
  out += "\noccurrences in a case\n";
  for (const discovery::Occurrences& one : skeleton.occurrences) {
    fmt::format_to(line, "  {}:", one.activity);
    for (size_t i = 0; i < one.allowed.size(); ++i)
      fmt::format_to(line, "{} {}", i == 0 ? "" : ",", one.allowed[i]);
    out += "\n";
  }
  return out;
}

std::string departures_text(const EventLog& log, const discovery::Variants& variants,
                            const discovery::SkeletonCheck& check, size_t most) {
  std::string out = fmt::format("\n{} of {} cases hold to all of it; the others depart {} times.\n",
                                check.fitting_cases, log.traces.size(), check.departures);
  auto line = std::back_inserter(out);
  size_t shown = 0;
  for (size_t c = 0; c < log.traces.size(); ++c)
    for (const discovery::SkeletonDeparture& one : check.of_variant[variants.of_case[c]]) {
      if (shown++ == most)
        return out +
               fmt::format("  {} more; --top or --json shows them\n", check.departures - most);
      if (one.occurrence)
        fmt::format_to(line, "  {}: {} occurs {} times\n", log.traces[c].case_key, one.from,
                       one.times);
      else
        fmt::format_to(line, "  {}: not \"{} {} {}\"\n", log.traces[c].case_key, one.from,
                       sentence(one.relation), one.to);
    }
  return out;
}

std::vector<analytics::finding::Draft> drafts(const discovery::LogSkeleton& skeleton) {
  std::vector<analytics::finding::Draft> out;
  for (const Relation relation : kAll)
    for (const discovery::Related& one : skeleton.relations[static_cast<size_t>(relation)]) {
      if (one.trivial != Trivial::kNot) continue;
      analytics::finding::Draft& draft = out.emplace_back();
      draft.kind = "cohort-relation";
      draft.place = std::string("relation/") + to_string(relation) + "/" + one.from + "/" + one.to;
      draft.step = one.from;
      draft.labels = {{"relation", to_string(relation)}, {"from", one.from}, {"to", one.to}};
      draft.values = {{"holds", static_cast<double>(one.holds)},
                      {"of", static_cast<double>(one.of)}};
      draft.text = fmt::format("{} {} {}: in {} of {}.", one.from, sentence(relation), one.to,
                               one.holds, one.of);
    }
  return out;
}

Result<Counting> counting_of(const Args& args) {
  const std::string text = args.text("--counting");
  if (text == "cases") return Counting::kCases;
  if (text == "pm4py") return Counting::kPm4py;
  return Error{Code::kInvalidArgument, "--counting " + text + ": is cases or pm4py"};
}

Result<CohortResult> run_skeleton(const Args& args, const Cohort& cohort) {
  CASEBOX_TRY(const analytics::OrderBasis order, order_of(args));
  CASEBOX_TRY(const Counting counting, counting_of(args));
  CASEBOX_TRY(const auto reference, reference_of(args));
  const Readable readable(cohort);
  const EventLog& log = readable.log();
  const Learned own(log, order);
  const auto skeleton_of = [&](const EventLog& from, const Learned& learned) {
    return discovery::discover_skeleton(learned.sequences, learned.variants, from.activities,
                                        args.number("--noise"), counting);
  };
  CASEBOX_TRY(const discovery::LogSkeleton skeleton,
              reference ? skeleton_of(reference->log, Learned(reference->log, order))
                        : skeleton_of(log, own));
  CASEBOX_TRY(const discovery::SkeletonCheck check,
              discovery::check_skeleton(skeleton, own.sequences, own.variants, log.activities));

  CohortResult out;
  out.json["order"] = to_string(order);
  out.json["counting"] = args.text("--counting");
  out.json["noise"] = skeleton.noise;
  out.json["reference"] = reference ? Json(args.text("--reference")) : Json(nullptr);
  out.json["skeleton_cases"] = skeleton.cases;
  out.json["relations"] = relations_json(skeleton);
  out.json["occurrences"] = occurrences_json(skeleton);
  out.json["read_cases"] = log.traces.size();
  out.json["judged"] = check.judged;
  out.json["departing"] = check.departures;
  out.json["fitting_cases"] = check.fitting_cases;
  out.json["departures"] = departures_json(log, own.variants, check);
  out.json["excluded"] = excluded_json(readable.unread(), {});
  const size_t rows = rows_shown(args, SIZE_MAX);
  out.text =
      fmt::format("Learned from {} cases; {} (noise {:g}).\n", skeleton.cases,
                  counting == Counting::kCases ? "numbers are cases in which the first step occurs"
                                               : "weighed as pm4py does",
                  skeleton.noise) +
      relations_text(skeleton, rows) + departures_text(log, own.variants, check, rows) +
      excluded_text(readable.unread(), {}, rows);
  out.run.set_order_basis(to_string(order));
  out.run.set_job_version("2");  // 1 kept relations that say little as well
  out.findings = drafts(skeleton);
  return out;
}

}  // namespace

const CohortAnalysis& skeleton_analysis() {
  static const CohortAnalysis kAnalysis{
      "skeleton",
      "what always holds between steps, and where it does not",
      {{"--noise", ArgKind::kNumber,
        "skeleton: share of cases, from 0 to below 1, in which a relation need not hold", "0"},
       {"--counting", ArgKind::kText,
        "skeleton: by cases, or weighed as pm4py does, to compare with it: cases, pm4py", "cases"},
       order_arg(),
       reference_arg(),
       top_arg()},
      run_skeleton,
      {"--top"}};
  return kAnalysis;
}

}  // namespace casebox::tools
