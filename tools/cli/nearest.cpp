#include "tools/cli/nearest.h"

#include <algorithm>
#include <utility>

namespace casebox::tools {
namespace {

constexpr size_t kMostLetters = 200;  // of a word that is looked at
constexpr size_t kLeastPrefix = 3;    // letters that may stand for a longer word
constexpr size_t kMostNames = 8;

std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '-' && c != '_' && c != '.' && c != ' ')
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

size_t distance(std::string_view a, std::string_view b) {
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

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > kMostLetters) return "";
  const std::string asked = plain(word);
  const size_t most = std::max<size_t>(1, asked.size() / 3);
  std::pair<size_t, size_t> least = {most + 1, 0};
  std::string out, longer;
  for (const std::string& one : known) {
    if (one.size() > kMostLetters) continue;
    const std::string candidate = plain(one);
    if (longer.empty() && asked.size() >= kLeastPrefix && candidate.starts_with(asked))
      longer = one;
    const size_t away = distance(asked, candidate);
    if (away > most || away > least.first) continue;
    const std::pair<size_t, size_t> here = {away, distance(word, one)};
    if (here >= least) continue;
    least = here;
    out = one;
  }
  return out.empty() ? longer : out;
}

std::string suggestion(std::string_view name, const std::set<std::string>& known) {
  if (known.empty()) return "; there is none to ask about";
  const std::string best = nearest(name, {known.begin(), known.end()});
  if (!best.empty()) return "; did you mean \"" + best + "\"?";
  std::string out = "; known are ";
  size_t shown = 0;
  for (const std::string& one : known) {
    if (shown == kMostNames) break;
    out += (shown == 0 ? "" : ", ") + one;
    ++shown;
  }
  return out +
         (known.size() > shown ? " and " + std::to_string(known.size() - shown) + " more" : "");
}

}  // namespace casebox::tools
