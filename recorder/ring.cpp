#include "recorder/ring.h"

#include <algorithm>

namespace casebox::recorder {

uint64_t size_of(const Message& message) {
  uint64_t bytes = sizeof(Message);
  if (message.kind == Message::Kind::kOpened) {
    for (const v1::Stream& stream : message.streams) bytes += stream.SpaceUsedLong();
  } else if (const auto* samples = std::get_if<Samples>(&message.item.what)) {
    for (const Column& column : samples->columns)
      bytes += sizeof column + 8 * (column.ints.size() + column.reals.size());
  } else if (const auto* fragment = std::get_if<Fragment>(&message.item.what)) {
    bytes += fragment->media.SpaceUsedLong();
  } else if (const auto* event = std::get_if<v1::Event>(&message.item.what)) {
    bytes += event->SpaceUsedLong();
  }
  return bytes;
}

Ring::Ring(size_t sources, Duration length, uint64_t bytes)
    : length_(length), limit_(bytes), before_(sources) {}

void Ring::push(Message message) {
  if (message.kind == Message::Kind::kItem) {
    const auto* fragment = std::get_if<Fragment>(&message.item.what);
    if (fragment != nullptr && fragment->sync)
      keys_[{message.source, message.item.stream}].push_back(message.at);
  }
  bytes_ += size_of(message);
  messages_.push_back(std::move(message));
  while (bytes_ > limit_ && messages_.size() > 1) {
    if (messages_.front().kind == Message::Kind::kItem) cut_until_ = messages_.front().at;
    drop_oldest();
  }
}

void Ring::remember(Message message) {
  Before& before = before_[message.source];
  switch (message.kind) {
    case Message::Kind::kOpened:
      before.opened = std::move(message);
      before.away.reset();
      before.ended = false;
      break;
    case Message::Kind::kAway: before.away = std::move(message); break;
    case Message::Kind::kClocks: before.clocks = std::move(message.clocks); break;
    case Message::Kind::kEnded: before.ended = true; break;
    case Message::Kind::kItem: break;
  }
}

void Ring::drop_oldest() {
  Message message = std::move(messages_.front());
  messages_.pop_front();
  bytes_ -= std::min(bytes_, size_of(message));
  if (message.kind == Message::Kind::kItem) {
    const auto keys = keys_.find({message.source, message.item.stream});
    if (keys != keys_.end() && !keys->second.empty() && keys->second.front() <= message.at)
      keys->second.pop_front();
  }
  remember(std::move(message));
}

void Ring::trim(RoomTime now) {
  RoomTime cut = now - length_;
  if (cut_until_ && *cut_until_ < cut) cut_until_.reset();
  // A camera that has been away brought no newer one: what it showed is let go with the rest.
  for (auto& [stream, keys] : keys_) {
    const auto after = std::ranges::upper_bound(keys, now - length_);
    if (after != keys.begin() && after != keys.end()) cut = std::min(cut, *std::prev(after));
  }
  while (!messages_.empty() && messages_.front().at < cut) drop_oldest();
}

std::optional<RoomTime> Ring::begin() const {
  if (messages_.empty()) return std::nullopt;
  return messages_.front().at;
}

std::optional<RoomTime> Ring::earliest() const {
  std::optional<RoomTime> out;
  for (const Message& message : messages_)
    if (message.kind == Message::Kind::kItem)
      out = std::min(out.value_or(message.item.t), message.item.t);
  return out;
}

std::vector<Message> Ring::take() {
  std::vector<Message> out;
  out.reserve(messages_.size());
  for (Message& message : messages_) {
    // What a source is stays known for the case after this one.
    if (message.kind != Message::Kind::kItem) remember(message);
    out.push_back(std::move(message));
  }
  messages_.clear();
  keys_.clear();
  bytes_ = 0;
  cut_until_.reset();
  return out;
}

}  // namespace casebox::recorder
