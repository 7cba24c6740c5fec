#include "recorder/sim/random.h"

#include <cmath>
#include <numbers>

namespace casebox::recorder::sim {
namespace {

// FNV-1a, then the finaliser of SplitMix64: nearby seeds give unrelated generators.
uint64_t mix(uint64_t seed, std::string_view purpose) {
  uint64_t h = 0xcbf29ce484222325u;
  for (char c : purpose) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  h ^= seed * 0x9e3779b97f4a7c15u;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
  return h ^ (h >> 31);
}

}  // namespace

Random::Random(uint64_t seed, std::string_view purpose) : engine_(mix(seed, purpose)) {}

double Random::uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

double Random::normal(double mean, double sd) {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return mean + sd * radius * std::cos(2 * std::numbers::pi * uniform());
}

double Random::exponential(double mean) { return -mean * std::log(1 - uniform()); }

double Random::log_normal(double mu, double sigma) { return std::exp(normal(mu, sigma)); }

}  // namespace casebox::recorder::sim
