#pragma once

// The simulator's own random numbers. The engine is fixed by the C++ standard; the distributions
// are written here because the standard library's differ between implementations, and one seed must
// give the same bytes everywhere.
//
// Thread safety: one thread owns a Random.

#include <cstdint>
#include <random>
#include <string_view>

namespace casebox::recorder::sim {

class Random {
 public:
  /// A generator for one purpose of one seed: two purposes never share numbers, so that switching
  /// one feature off leaves every other stream as it was.
  Random(uint64_t seed, std::string_view purpose);

  uint64_t bits() { return engine_(); }
  /// Uniform in [0, 1).
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// True with probability `p`.
  bool chance(double p) { return uniform() < p; }
  /// Integer in [0, n); n > 0.
  uint64_t below(uint64_t n) { return static_cast<uint64_t>(uniform() * static_cast<double>(n)); }
  double normal(double mean = 0, double sd = 1);
  double exponential(double mean);
  /// exp(normal(mu, sigma)).
  double log_normal(double mu, double sigma);

 private:
  std::mt19937_64 engine_;
};

}  // namespace casebox::recorder::sim
