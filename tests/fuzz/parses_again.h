#pragma once

// What a source says becomes messages: each must parse again, which one with text that is not UTF-8
// does not.

#include <vector>

#include "recorder/sources/source.h"

namespace casebox::testing {

template <typename Message>
void must_parse_again(const Message& message) {
  Message again;
  if (!again.ParseFromString(message.SerializeAsString())) __builtin_trap();
}

inline void must_parse_again(const recorder::Source& source,
                             const std::vector<recorder::Item>& items) {
  for (const v1::Stream& stream : source.streams()) must_parse_again(stream);
  for (const recorder::Item& item : items) {
    if (const auto* event = std::get_if<v1::Event>(&item.what)) must_parse_again(*event);
    if (const auto* gap = std::get_if<v1::Gap>(&item.what)) must_parse_again(*gap);
  }
}

}  // namespace casebox::testing
