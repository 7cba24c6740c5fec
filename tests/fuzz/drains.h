#pragma once

// Reads a source to its end: every item must be of a stream it registered, with as many values as
// it counts, and become messages that parse again.

#include <cstdlib>
#include <vector>

#include "tests/fuzz/parses_again.h"

namespace casebox::testing {

inline void must_fit(const recorder::Source& source, const recorder::Item& item) {
  if (item.stream >= source.streams().size()) __builtin_trap();
  const auto* samples = std::get_if<recorder::Samples>(&item.what);
  if (samples == nullptr) return;
  const v1::Stream& stream = source.streams()[item.stream];
  if (samples->columns.size() != static_cast<size_t>(stream.channels_size())) __builtin_trap();
  for (const recorder::Column& column : samples->columns) {
    const size_t n = column.ints.size() + column.reals.size();
    if (n != 0 && n != item.count) __builtin_trap();
    if (!column.missing.empty() && column.missing.size() != item.count) __builtin_trap();
  }
}

inline void drain(recorder::Source& source) {
  std::vector<recorder::Item> items;
  source.length();
  source.wall();
  while (true) {
    items.clear();
    auto more = source.next(items);
    for (const recorder::Item& item : items) must_fit(source, item);
    must_parse_again(source, items);
    if (!more || !*more) return;
  }
}

}  // namespace casebox::testing
