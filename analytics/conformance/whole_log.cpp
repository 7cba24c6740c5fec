#include "analytics/conformance/whole_log.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <new>
#include <thread>

#include "analytics/conformance/internal/case_view.h"

namespace casebox::analytics::conformance {
namespace {

using internal::CaseView;
using internal::NormIndex;
using internal::Sequence;

/// Cases by the sequence of steps that is aligned, in the order in which the log first has them.
std::vector<std::vector<size_t>> by_sequence(const protocol::Norm& norm, const EventLog& log,
                                             OrderBasis order) {
  const NormIndex index(norm);
  std::map<Sequence, size_t> ids;
  std::vector<std::vector<size_t>> out;
  for (size_t i = 0; i < log.traces.size(); ++i) {
    CaseView view(index, log, log.traces[i], {}, order);
    const auto [it, added] = ids.try_emplace(std::move(view.sequence), out.size());
    if (added) out.emplace_back();
    out[it->second].push_back(i);
  }
  return out;
}

}  // namespace

double LogResult::fitness_mean() const {
  return cases.empty() ? 1 : totals.fitness_sum / static_cast<double>(cases.size());
}

double LogResult::fitness_pooled() const {
  return totals.fitness_den == 0
             ? 1
             : 1 - static_cast<double>(totals.cost) / static_cast<double>(totals.fitness_den);
}

Result<LogResult> conform_log(const protocol::Norm& norm, const EventLog& log,
                              const Options& options, unsigned threads,
                              const std::function<void(size_t done)>& progress,
                              std::span<const Observability> seen) {
  LogResult out;
  const std::vector<std::vector<size_t>> groups = by_sequence(norm, log, options.order);
  out.variants = groups.size();
  out.cases.resize(log.traces.size());
  threads =
      std::clamp(threads, 1u, static_cast<unsigned>(std::clamp<size_t>(groups.size(), 1, 256)));
  std::vector<std::unique_ptr<Conformer>> conformers;
  for (unsigned i = 0; i < threads; ++i) {
    CASEBOX_TRY(auto conformer, Conformer::create(norm, options));
    conformers.push_back(std::move(conformer));
  }
  out.shortest_model_cost = conformers[0]->shortest_model_cost();

  std::atomic<size_t> next = 0, done = 0;
  std::atomic<bool> out_of_memory = false, failed = false;
  const auto work = [&](Conformer& conformer, bool reports) {
    try {
      for (size_t group = next++; group < groups.size() && !out_of_memory; group = next++) {
        for (const size_t i : groups[group])
          out.cases[i] =
              conformer.conform(log, log.traces[i], seen.empty() ? Observability() : seen[i]);
        done += groups[group].size();
        if (reports && progress) progress(done);
      }
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    } catch (...) {  // out of a thread it would end the program
      failed = true;
      out_of_memory = true;
    }
  };
  {
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < threads; ++i)
      others.emplace_back([&, i] { work(*conformers[i], false); });
    work(*conformers[0], true);
  }
  if (failed)
    return Error{Code::kInternal,
                 "conformance: stopped by a defect of this program; please report it"};
  if (out_of_memory)
    return Error{Code::kInternal,
                 "conformance: more memory is needed than there is; give a smaller budget or fewer "
                 "threads"};
  if (progress) progress(done);

  std::vector<double> fitness;
  for (const CaseResult& r : out.cases) {
    out.totals.cost += r.cost;
    out.totals.fitness_den += r.fitness_den;
    fitness.push_back(r.fitness());
    out.totals.fitting += r.exact && r.cost == 0;
    out.totals.inexact += !r.exact;
    out.totals.ignored_events += r.ignored_events;
  }
  // Sorted, so that rounding does not depend on the order of the cases.
  std::ranges::sort(fitness);
  for (const double f : fitness) out.totals.fitness_sum += f;
  return out;
}

}  // namespace casebox::analytics::conformance
