#include "recorder/internal/signals.h"

#include <algorithm>
#include <cmath>

namespace casebox::recorder::internal {

std::optional<double> last_value(const Column& column, const v1::Channel& channel) {
  if (!column.missing.empty() && column.missing.back()) return std::nullopt;
  if (!column.reals.empty())
    return std::isnan(column.reals.back()) ? std::nullopt : std::optional(column.reals.back());
  if (column.ints.empty()) return std::nullopt;
  const auto code = static_cast<double>(column.ints.back());
  return channel.gain() == 0 ? code / std::pow(10.0, channel.decimals())
                             : code * channel.gain() + channel.offset();
}

void Signals::hear(const Message& message, RoomTime now) {
  std::vector<v1::Stream>& streams = streams_[message.source];
  switch (message.kind) {
    case Message::Kind::kOpened: streams = message.streams; return;
    case Message::Kind::kAway:
    case Message::Kind::kEnded:
      for (const v1::Stream& stream : streams) machine_.lose(stream.name());
      return;
    case Message::Kind::kClocks: return;
    case Message::Kind::kItem: break;
  }
  const Item& item = message.item;
  if (item.is_gap() || item.stream >= streams.size()) return;
  const v1::Stream& stream = streams[item.stream];
  if (!machine_.wants(stream.name())) return;
  machine_.hear(stream.name(), now);
  if (const auto* samples = std::get_if<Samples>(&item.what)) {
    const size_t channels =
        std::min(samples->columns.size(), static_cast<size_t>(stream.channels_size()));
    for (size_t c = 0; c < channels; ++c) {
      const v1::Channel& channel = stream.channels(static_cast<int>(c));
      if (const auto value = last_value(samples->columns[c], channel))
        machine_.value(stream.name(), channel.name(), *value, now);
    }
  } else if (const auto* event = std::get_if<v1::Event>(&item.what)) {
    const v1::DeviceEvent& device = event->device();
    if (!event->has_device() || device.has_text()) return;
    const double value = device.has_number() ? device.number() : device.on() ? 1 : 0;
    machine_.value(stream.name(), device.code(), value, now, true);
  }
}

}  // namespace casebox::recorder::internal
