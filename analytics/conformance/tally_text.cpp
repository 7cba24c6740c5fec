#include "analytics/conformance/tally_text.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "analytics/conformance/internal/words_text.h"

namespace casebox::analytics::conformance {
namespace {

using internal::id_text;
using internal::number_text;
using internal::parts;
using internal::read_id;
using internal::read_number;

Error strange(const char* what) {
  return {Code::kInvalidArgument,
          std::string("a finding's ") + what +
              " are in a form that this program does not know; use the one that wrote them"};
}

}  // namespace

std::string values_text(const Values& values) {
  std::string out;
  for (size_t v = 0; v < values.ids.size(); ++v)
    out += (v == 0 ? "" : " ") + id_text(values.ids[v]) + "=" + number_text(values.weights[v]);
  return out;
}

Result<Values> parse_values(std::string_view text) {
  Values out;
  for (std::string_view part : parts(text, ' ')) {
    const size_t equals = std::min(part.find('='), part.size() - 1);
    double weight = -1;
    if (!read_number(part.substr(equals + 1), weight) || !std::isfinite(weight) || weight < 0)
      return strange("values");
    out.ids.push_back(read_id(part.substr(0, equals)));
    out.weights.push_back(weight);
  }
  if (values_text(out) != text) return strange("values");
  return out;
}

std::string tally_text(const Tally& tally) {
  if (!tally.judged) return "unknown";
  std::string out = std::string(tally.listed ? "listed " : "bounds ") + number_text(tally.scored) +
                    " " + number_text(tally.without_value) + " ";
  for (size_t row = 0; row < tally.counts.size(); ++row) {
    if (row > 0) out += ';';
    for (size_t v = 0; v < tally.counts[row].size(); ++v)
      out += (v == 0 ? "" : ",") + number_text(tally.counts[row][v]);
  }
  return out;
}

Result<Tally> parse_tally(std::string_view text, size_t values) {
  Tally out;
  if (text == "unknown") {
    out.judged = false;
    return out;
  }
  const auto fields = parts(text, ' ');
  if (fields.size() != 4 || values == 0 || !read_number(fields[1], out.scored) ||
      !read_number(fields[2], out.without_value))
    return strange("tallies");
  out.listed = fields[0] == "listed";
  for (std::string_view row : parts(fields[3], ';')) {
    std::vector<uint32_t>& counts = out.counts.emplace_back();
    for (std::string_view count : parts(row, ','))
      if (!read_number(count, counts.emplace_back())) return strange("tallies");
    if (counts.size() != values) return strange("tallies");
  }
  const bool sorted =
      std::ranges::adjacent_find(out.counts, std::greater_equal()) == out.counts.end();
  if (!sorted || tally_text(out) != text) return strange("tallies");
  return out;
}

}  // namespace casebox::analytics::conformance
