#include "tools/query/nearest.h"

#include <algorithm>

namespace casebox::tools::query {
namespace {

constexpr size_t kLongest = 128;  // of a name that is compared

std::string plain(std::string_view name) {
  std::string out;
  for (char c : name.substr(0, kLongest))
    if (c != '-' && c != '_' && c != '.' && c != ' ')
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// Optimal string alignment (Damerau): insertions, deletions, changes, swaps of neighbours.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  const std::string asked = plain(name);
  std::string best;
  const std::string written(name.substr(0, kLongest));
  const size_t most = std::max<size_t>(1, asked.size() / 3);
  std::pair<size_t, size_t> least = {most + 1, 0};  // of several the one that is spelt most alike
  for (const std::string& one : known) {
    const size_t away = distance(asked, plain(one));
    if (away > most || away > least.first) continue;
    const std::pair<size_t, size_t> here = {away, distance(written, one.substr(0, kLongest))};
    if (here >= least) continue;
    least = here;
    best = one;
  }
  return best;
}

std::string suggestion(std::string_view name, const std::set<std::string>& known) {
  if (known.empty()) return "; there is none to ask about";
  const std::string best = nearest(name, {known.begin(), known.end()});
  if (!best.empty()) return "; did you mean \"" + best + "\"?";
  std::string out = "; known are ";
  size_t shown = 0;
  for (const std::string& one : known) {
    if (shown == 8) break;
    out += (shown == 0 ? "" : ", ") + one;
    ++shown;
  }
  return out +
         (known.size() > shown ? " and " + std::to_string(known.size() - shown) + " more" : "");
}

}  // namespace casebox::tools::query
