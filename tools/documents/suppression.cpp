#include "tools/documents/suppression.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

using Bits = std::vector<uint64_t>;

size_t size_of(const Bits& set) {
  size_t out = 0;
  for (const uint64_t word : set) out += static_cast<size_t>(std::popcount(word));
  return out;
}

bool few(const Bits& set) {
  const size_t n = size_of(set);
  return n > 0 && n < kMinimumGroup;
}

bool inside(const Bits& part, const Bits& whole) {
  for (size_t i = 0; i < part.size(); ++i)
    if ((part[i] & ~whole[i]) != 0) return false;
  return true;
}

bool apart(const Bits& a, const Bits& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if ((a[i] & b[i]) != 0) return false;
  return true;
}

Bits without(const Bits& whole, const Bits& part) {
  Bits out(whole);
  for (size_t i = 0; i < out.size(); ++i) out[i] &= ~part[i];
  return out;
}

/// `a` and `b` together less `c` counts each case once or not at all, and 1 to 10 of them.
bool sum_is_few(const Bits& a, const Bits& b, const Bits& c) {
  for (size_t i = 0; i < a.size(); ++i)
    if ((c[i] & ~(a[i] | b[i])) != 0 || (a[i] & b[i] & ~c[i]) != 0) return false;
  const size_t plus = size_of(a) + size_of(b), minus = size_of(c);
  return plus > minus && plus - minus < kMinimumGroup;
}

Bits together(const Bits& a, const Bits& b) {
  Bits out(a);
  for (size_t i = 0; i < out.size(); ++i) out[i] |= b[i];
  return out;
}

}  // namespace

Bits Suppression::bits_of(const CaseSet& cases) const {
  Bits out(words_);
  for (const size_t i : cases)
    if (i / 64 < words_) out[i / 64] |= uint64_t{1} << (i % 64);
  return out;
}

bool Suppression::three_tell_few(const Bits& one) const {
  for (size_t i = 0; i < published_.size(); ++i)
    for (size_t k = 0; k < published_.size(); ++k) {
      if (sum_is_few(one, published_[i], published_[k])) return true;
      if (k > i && sum_is_few(published_[i], published_[k], one)) return true;
    }
  return false;
}

bool Suppression::show(const CaseSet& cases) {
  if (cases.empty()) return true;
  if (three_tell_few(bits_of(cases))) return false;
  std::set<Bits> all = derived_;
  std::vector<Bits> fresh = {bits_of(cases)};
  while (!fresh.empty()) {
    const Bits one = std::move(fresh.back());
    fresh.pop_back();
    if (size_of(one) == 0 || all.contains(one)) continue;
    if (few(one) || all.size() == kMostDerived) return false;
    for (const Bits& other : all) {
      if (inside(one, other)) {
        fresh.push_back(without(other, one));
      } else if (inside(other, one)) {
        fresh.push_back(without(one, other));
      } else if (apart(one, other)) {
        fresh.push_back(together(one, other));
      }
    }
    all.insert(one);
  }
  derived_ = std::move(all);
  published_.push_back(bits_of(cases));
  return true;
}

std::vector<bool> Suppression::show_each(const std::vector<CaseSet>& sets) {
  std::vector<size_t> order(sets.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, std::ranges::greater(), [&](size_t i) { return sets[i].size(); });
  std::vector<bool> shown(sets.size());
  for (const size_t i : order) shown[i] = show(sets[i]);
  return shown;
}

std::string count_text(size_t cases, bool shown) {
  return shown ? std::to_string(cases) : "withheld";
}

std::string percent_text(size_t cases, bool shown, size_t of, bool of_shown) {
  if (!shown || !of_shown || of == 0) return "";
  return fixed(100 * static_cast<double>(cases) / static_cast<double>(of), 0) + " %";
}

std::string share_text(size_t cases, bool shown, size_t of, bool of_shown) {
  if (!shown || !of_shown || of == 0) return "";
  const double z = 1.959963985, m = static_cast<double>(of), p = static_cast<double>(cases) / m;
  const double middle = (p + z * z / (2 * m)) / (1 + z * z / m);
  const double half = z / (1 + z * z / m) * std::sqrt(p * (1 - p) / m + z * z / (4 * m * m));
  const auto percent = [](double x) { return fixed(100 * std::fmax(0, std::fmin(1, x)), 0); };
  return percent(p) + " % (" + percent(middle - half) + " to " + percent(middle + half) + " %)";
}

}  // namespace casebox::tools
