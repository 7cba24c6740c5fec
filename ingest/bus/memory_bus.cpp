#include "ingest/bus/memory_bus.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

namespace casebox::bus {

struct MemoryBus::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool available = true;
  std::map<std::string, std::vector<Message>> sources;
};

namespace {

Error away() { return {Code::kUnavailable, "memory bus: not available; try again later"}; }

class MemoryPublisher final : public Publisher {
 public:
  explicit MemoryPublisher(std::shared_ptr<MemoryBus::State> state) : state_(std::move(state)) {}

  Result<void> publish(const Message& message) override {
    {
      std::lock_guard lock(state_->mutex);
      if (!state_->available) return away();
      state_
          ->sources[std::string("memory/") + to_string(message.lane) + "/" +
                    std::to_string(message.partition)]
          .push_back(message);
    }
    state_->changed.notify_all();
    return ok();
  }

  Result<void> flush(Duration) override {
    std::lock_guard lock(state_->mutex);
    if (!state_->available) return away();
    return ok();
  }

 private:
  std::shared_ptr<MemoryBus::State> state_;
};

class MemorySubscriber final : public Subscriber {
 public:
  explicit MemorySubscriber(std::shared_ptr<MemoryBus::State> state) : state_(std::move(state)) {}

  Result<void> resume(const std::vector<Position>& positions) override {
    for (const Position& position : positions) next_[position.source] = position.next_offset;
    return ok();
  }

  Result<std::optional<Delivery>> poll(Duration timeout) override {
    std::unique_lock lock(state_->mutex);
    std::optional<Delivery> found;
    state_->changed.wait_for(lock, std::chrono::nanoseconds(timeout.ns),
                             [&] { return !state_->available || (found = take()).has_value(); });
    if (found) return found;
    if (!state_->available) return away();
    return std::optional<Delivery>{};
  }

 private:
  // The next message of the source after the one served last, so that no source waits behind
  // another.
  std::optional<Delivery> take() {
    auto& sources = state_->sources;
    auto it = sources.upper_bound(last_);
    for (size_t i = 0; i < sources.size(); ++i, ++it) {
      if (it == sources.end()) it = sources.begin();
      uint64_t& next = next_[it->first];
      if (next >= it->second.size()) continue;
      last_ = it->first;
      Delivery delivery{it->second[next], it->first, next, next + 1};
      ++next;
      return delivery;
    }
    return std::nullopt;
  }

  std::shared_ptr<MemoryBus::State> state_;
  std::map<std::string, uint64_t> next_;
  std::string last_;
};

}  // namespace

MemoryBus::MemoryBus() : state_(std::make_shared<State>()) {}
MemoryBus::~MemoryBus() = default;

std::unique_ptr<Publisher> MemoryBus::publisher() {
  return std::make_unique<MemoryPublisher>(state_);
}

std::unique_ptr<Subscriber> MemoryBus::subscriber() {
  return std::make_unique<MemorySubscriber>(state_);
}

void MemoryBus::set_available(bool available) {
  {
    std::lock_guard lock(state_->mutex);
    state_->available = available;
  }
  state_->changed.notify_all();
}

}  // namespace casebox::bus
