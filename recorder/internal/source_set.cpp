#include "recorder/internal/source_set.h"

#include <algorithm>

namespace casebox::recorder::internal {
namespace {

constexpr uint32_t kQueueItems = 4096;

}  // namespace

bool is_fast(const v1::SourceConfig& source) {
  if (source.type() == "simulator")
    return source.as_fast_as_possible() || source.simulator().speed() == 0;
  return source.as_fast_as_possible();
}

SourceSet::SourceSet(const v1::RecorderConfig& config, Pace pace, bool fast, Clock& clock)
    : inbox_(static_cast<size_t>(config.sources_size()),
             config.queue_items() > 0 ? config.queue_items() : kQueueItems) {
  for (int i = 0; i < config.sources_size(); ++i) {
    const auto index = static_cast<size_t>(i);
    Context context;
    context.config = config.sources(i);
    context.procedure = config.procedure();
    context.clock = &clock;
    context.case_zero = pace.zero;
    if (config.frame_max_ms() > 0) context.fragment = milliseconds(config.frame_max_ms());
    Pace own = pace;
    if (is_fast(context.config)) own.speed = 0;
    inbox_.set_state(index, {context.config.name(), "opening", ""});
    threads_.push_back(
        std::make_unique<SourceThread>(index, std::move(context), own, fast, inbox_, clock));
  }
}

void SourceSet::start() {
  for (auto& thread : threads_) thread->start();
}

void SourceSet::stop(RoomTime end) {
  for (auto& thread : threads_) thread->stop(end);
}

void SourceSet::join() {
  for (size_t i = 0; i < threads_.size(); ++i)
    if (inbox_.ended(i)) threads_[i]->join();
}

bool SourceSet::hangs() const {
  for (size_t i = 0; i < threads_.size(); ++i)
    if (!inbox_.ended(i)) return true;
  return false;
}

Duration SourceSet::length() const {
  Duration longest;
  for (const auto& thread : threads_) longest = std::max(longest, thread->length());
  return longest;
}

}  // namespace casebox::recorder::internal
