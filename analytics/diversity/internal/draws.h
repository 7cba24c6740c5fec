#pragma once

// Random numbers that are the same with every standard library: the engine's bits are prescribed by
// the C++ standard, those of its distributions are not.
//
// Thread safety: that of the engine.

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace casebox::analytics::diversity::internal {

/// Uniform in the open interval (0, 1).
inline double unit_draw(std::mt19937_64& random) {
  return (static_cast<double>(random() >> 12) + .5) * 0x1p-52;
}

/// Uniform over 0 .. below - 1; `below` far under 2^52.
inline size_t index_draw(std::mt19937_64& random, size_t below) {
  return static_cast<size_t>(unit_draw(random) * static_cast<double>(below));
}

template <typename T>
void shuffle(std::vector<T>& values, std::mt19937_64& random) {
  for (size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[index_draw(random, i)]);
}

}  // namespace casebox::analytics::diversity::internal
