#include "analytics/conformance/tally_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

namespace casebox::analytics::conformance {
namespace {

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

template <typename T>
std::string number_text(T value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

template <typename T>
bool read_number(std::string_view text, T& value) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc() && end == text.data() + text.size();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string id_text(const std::string& id) {
  static const char* kHex = "0123456789abcdef";
  std::string out;
  for (char c : id) {
    if (plain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

/// What is not escaped as it should be comes out otherwise than it went in, and is refused so.
std::string read_id(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '%' && i + 2 < text.size();
    out +=
        escaped ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
    if (escaped) i += 2;
  }
  return out;
}

/// The parts between separators; of an empty text none.
std::vector<std::string_view> parts(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

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
