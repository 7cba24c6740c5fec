#pragma once

// The words that texts kept in findings and logs are made of (tally_text.h, recorded_text.h): ids
// with everything but letters, digits, '-', '_' and '.' written as % and two hex digits, numbers as
// the shortest decimals that read back to the same, parts between separators.
//
// Thread safety: pure functions. Errors: a text that is not of this form comes out otherwise than
// it went in; whoever reads one writes it again and compares.

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

namespace casebox::analytics::conformance::internal {

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

std::string id_text(const std::string& id);
std::string read_id(std::string_view text);

/// The parts between separators; of an empty text none.
std::vector<std::string_view> parts(std::string_view text, char separator);

}  // namespace casebox::analytics::conformance::internal
