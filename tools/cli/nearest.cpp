#include "tools/cli/nearest.h"

#include <algorithm>

namespace casebox::tools {
namespace {

constexpr size_t kMostLetters = 200;  // of a word that is looked at
constexpr size_t kLeastPrefix = 3;    // letters that may stand for a longer word

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t k = 0; k <= b.size(); ++k) d[0][k] = k;
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t k = 1; k <= b.size(); ++k) {
      d[i][k] =
          std::min({d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + (a[i - 1] != b[k - 1])});
      if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
        d[i][k] = std::min(d[i][k], d[i - 2][k - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > kMostLetters) return "";
  const std::string asked = lower(word);
  size_t least = std::max<size_t>(1, asked.size() / 3) + 1;
  std::string out, longer;
  for (const std::string& one : known) {
    if (one.size() > kMostLetters) continue;
    const std::string candidate = lower(one);
    if (const size_t d = distance(asked, candidate); d < least) {
      least = d;
      out = one;
    }
    if (longer.empty() && asked.size() >= kLeastPrefix && candidate.starts_with(asked))
      longer = one;
  }
  return out.empty() ? longer : out;
}

}  // namespace casebox::tools
