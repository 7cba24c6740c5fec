#pragma once

// Random numbers that are the same with every standard library: the engine's bits are prescribed by
// the C++ standard, those of its distributions are not.
//
// Thread safety: that of the engine.

#include <cstdint>
#include <random>

namespace casebox::analytics::spc::internal {

/// Uniform in the open interval (0, 1).
inline double unit_draw(std::mt19937_64& random) {
  return (static_cast<double>(random() >> 12) + .5) * 0x1p-52;
}

}  // namespace casebox::analytics::spc::internal
