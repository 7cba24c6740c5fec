#include "recorder/inbox.h"

#include <algorithm>
#include <chrono>

namespace casebox::recorder {
namespace {

constexpr size_t kEventRoom = 4;  // times the room

bool is_video(const Item& item) { return std::holds_alternative<Fragment>(item.what); }

}  // namespace

uint64_t numbers_of(const Item& item) {
  const auto* gap = std::get_if<v1::Gap>(&item.what);
  return gap == nullptr ? item.count : gap->missing();
}

Inbox::Inbox(size_t sources, size_t room) : queues_(sources), room_(std::max<size_t>(room, 16)) {}

bool Inbox::too_full(const Queue& queue, v1::StreamClass kept) const {
  const size_t n = queue.messages.size();
  switch (kept) {
    case v1::STREAM_CLASS_A: return n >= room_ * kEventRoom;
    case v1::STREAM_CLASS_C: return n >= room_ * 8 / 10;
    default: return n >= room_ * 9 / 10;
  }
}

void Inbox::lose(Queue& queue, const Message& message, bool video) {
  const Item& item = message.item;
  auto [at, fresh] = queue.lost.try_emplace(item.stream);
  Lost& lost = at->second;
  const CaseTime end = item.t + item.duration;
  if (fresh) {
    lost.gap.set_origin(v1::Gap::ORIGIN_QUEUE);
    lost.gap.set_reason("queue-full");
    lost.gap.set_t_begin_ns(item.t.ns);
  }
  lost.until_key = video;
  lost.gap.set_missing(lost.gap.missing() + numbers_of(item));
  lost.gap.set_t_end_ns(std::max(lost.gap.t_end_ns(), end.ns));
  if (video)
    lost.gap.set_bytes(lost.gap.bytes() + std::get<Fragment>(item.what).media.cmaf().size());
  queue.received[item.stream] += numbers_of(item);
}

void Inbox::tell_lost(Queue& queue, size_t source, size_t stream) {
  const auto at = queue.lost.find(stream);
  if (at == queue.lost.end()) return;
  Message message;
  message.source = source;
  message.item.stream = stream;
  message.item.t = CaseTime{at->second.gap.t_begin_ns()};
  message.item.arrival = CaseTime{at->second.gap.t_end_ns()};
  message.at = message.item.arrival;
  message.item.what = std::move(at->second.gap);
  queue.lost.erase(at);
  queue.messages.push_back(std::move(message));
}

bool Inbox::push(Message message, v1::StreamClass kept, bool wait) {
  std::unique_lock lock(mutex_);
  Queue& queue = queues_[message.source];
  const bool item = message.kind == Message::Kind::kItem;
  if (item && wait) emptied_.wait(lock, [&] { return closed_ || queue.messages.size() < room_; });
  if (closed_) {
    if (item) refused_ += numbers_of(message.item);
    return false;
  }
  if (item) {
    const bool video = is_video(message.item);
    const auto lost = queue.lost.find(message.item.stream);
    const bool in_group = video && lost != queue.lost.end() && lost->second.until_key &&
                          !std::get<Fragment>(message.item.what).sync;
    if (!wait && !message.item.is_gap() && (in_group || too_full(queue, kept))) {
      lose(queue, message, video);
      return true;
    }
    tell_lost(queue, message.source, message.item.stream);
    queue.received[message.item.stream] += numbers_of(message.item);
  } else if (message.kind == Message::Kind::kAway || message.kind == Message::Kind::kEnded) {
    while (!queue.lost.empty()) tell_lost(queue, message.source, queue.lost.begin()->first);
  }
  if (message.kind == Message::Kind::kEnded) queue.ended = true;
  queue.messages.push_back(std::move(message));
  filled_.notify_one();
  return true;
}

std::optional<Message> Inbox::pop(bool merge, Duration patience) {
  std::unique_lock lock(mutex_);
  const auto choose = [&]() -> Queue* {
    Queue* best = nullptr;
    for (size_t i = 0; i < queues_.size(); ++i) {
      Queue& queue = queues_[merge ? i : (next_ + i) % queues_.size()];
      if (queue.messages.empty()) {
        if (merge && !queue.ended && !closed_) return nullptr;  // it may yet say something earlier
        continue;
      }
      if (!merge) {
        next_ = (next_ + i + 1) % queues_.size();
        return &queue;
      }
      if (best == nullptr || queue.messages.front().at < best->messages.front().at) best = &queue;
    }
    return best;
  };
  Queue* queue = nullptr;
  filled_.wait_for(lock, std::chrono::nanoseconds(patience.ns), [&] {
    queue = choose();
    return queue != nullptr || closed_;
  });
  if (queue == nullptr) return std::nullopt;
  Message message = std::move(queue->messages.front());
  queue->messages.pop_front();
  emptied_.notify_all();
  return message;
}

bool Inbox::ended(size_t source) const {
  std::lock_guard lock(mutex_);
  return queues_[source].ended;
}

bool Inbox::finished() const {
  std::lock_guard lock(mutex_);
  return std::ranges::all_of(
      queues_, [&](const Queue& q) { return q.messages.empty() && (q.ended || closed_); });
}

void Inbox::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  // What was lost and not told yet is told now: nothing more will come.
  for (size_t i = 0; i < queues_.size(); ++i)
    while (!queues_[i].lost.empty()) tell_lost(queues_[i], i, queues_[i].lost.begin()->first);
  filled_.notify_all();
  emptied_.notify_all();
}

uint64_t Inbox::refused() const {
  std::lock_guard lock(mutex_);
  return refused_;
}

void Inbox::set_state(size_t source, SourceState state) {
  std::lock_guard lock(mutex_);
  queues_[source].state = std::move(state);
}

std::vector<SourceState> Inbox::states() const {
  std::lock_guard lock(mutex_);
  std::vector<SourceState> out;
  for (const Queue& queue : queues_) out.push_back(queue.state);
  return out;
}

uint64_t Inbox::received(size_t source, size_t stream) const {
  std::lock_guard lock(mutex_);
  const auto at = queues_[source].received.find(stream);
  return at == queues_[source].received.end() ? 0 : at->second;
}

size_t Inbox::waiting() const {
  std::lock_guard lock(mutex_);
  size_t n = 0;
  for (const Queue& queue : queues_) n += queue.messages.size();
  return n;
}

}  // namespace casebox::recorder
