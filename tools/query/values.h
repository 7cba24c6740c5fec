#pragma once

// Values of terms, made in one way.
//
// Thread safety: pure functions.

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tools/query/value.h"

namespace casebox::tools::query {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline Value known(double number, std::vector<Place> places = {}) {
  Value out;
  out.state = Value::State::kKnown;
  out.number = out.low = out.high = number;
  out.places = std::move(places);
  return out;
}

inline Value known_text(std::string text) {
  Value out;
  out.state = Value::State::kKnown;
  out.texts.push_back(std::move(text));
  return out;
}

inline Value holding(bool holds, std::vector<Place> places) {
  Value out;
  out.state = Value::State::kKnown;
  out.holds = holds;
  out.places = std::move(places);
  return out;
}

inline Value not_asked(Why why, std::string reason) {
  Value out;
  out.state = Value::State::kNotAsked;
  out.why = why;
  out.reason = std::move(reason);
  return out;
}

}  // namespace casebox::tools::query
