#include "tools/web/keys.h"

#include "proto/vocabulary/vocabulary.h"

namespace casebox::tools::web {

std::string key_of(const v1::Stream& stream) {
  return vocabulary::is_stream_name(stream.name()) ? stream.name()
                                                   : "stream-" + std::to_string(stream.stream_id());
}

std::string key_of(const v1::Channel& channel) {
  return vocabulary::is_channel_name(channel.name()) ? channel.name()
                                                     : "channel-" + std::to_string(channel.id());
}

std::optional<v1::Stream> stream_by_key(const storage::CaseReader& reader, const std::string& key) {
  if (auto named = reader.find_stream(key)) return named;
  for (const v1::Stream& stream : reader.streams())
    if (key_of(stream) == key) return stream;
  return std::nullopt;
}

const v1::Channel* channel_by_key(const v1::Stream& stream, const std::string& key) {
  for (const v1::Channel& channel : stream.channels())
    if (channel.name() == key) return &channel;
  for (const v1::Channel& channel : stream.channels())
    if (key_of(channel) == key) return &channel;
  return nullptr;
}

}  // namespace casebox::tools::web
