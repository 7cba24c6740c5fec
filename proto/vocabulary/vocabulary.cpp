#include "proto/vocabulary/vocabulary.h"

#include <algorithm>
#include <unordered_set>

#include "proto/vocabulary/internal/words.h"

namespace casebox::vocabulary {
namespace {

using namespace internal;  // NOLINT: the tables

constexpr size_t kLongestCode = 64;

/// The words of one table, split once.
class Words {
 public:
  explicit Words(std::string_view table) {
    while (!table.empty()) {
      const size_t end = std::min(table.find(' '), table.size());
      words_.insert(table.substr(0, end));
      table.remove_prefix(std::min(end + 1, table.size()));
    }
  }
  bool has(std::string_view word) const { return words_.contains(word); }

 private:
  std::unordered_set<std::string_view> words_;
};

template <const std::string_view& table>
const Words& words() {
  static const Words kWords(table);
  return kWords;
}

template <const std::string_view& table>
bool in(std::string_view word) {
  return words<table>().has(word);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/// `word` without the counter that tells apart streams or channels of one name: "video2", "ART_3".
std::string_view without_counter(std::string_view word) {
  size_t digits = 0;
  while (digits < word.size() && is_digit(word[word.size() - 1 - digits])) ++digits;
  if (digits == 0 || digits > 2) return word;
  std::string_view counter = word.substr(word.size() - digits);
  if (counter[0] == '0' || counter == "1") return word;
  word.remove_suffix(digits);
  if (!word.empty() && word.back() == '_') word.remove_suffix(1);
  return word;
}

template <const std::string_view& table>
bool counted(std::string_view word) {
  return in<table>(word) || in<table>(without_counter(word));
}

}  // namespace

bool is_stream_name(std::string_view name) {
  const size_t first = name.find('.');
  if (first == std::string_view::npos || !in<kSources>(name.substr(0, first))) return false;
  std::string_view rest = name.substr(first + 1);
  if (const size_t dot = rest.find('.'); dot != std::string_view::npos) {
    if (!in<kDevices>(rest.substr(0, dot))) return false;
    rest.remove_prefix(dot + 1);
  }
  return counted<kStreamWords>(rest) || counted<kChannels>(rest);
}

bool is_channel_name(std::string_view name) { return counted<kChannels>(name); }
bool is_unit(std::string_view unit) { return unit.empty() || in<kUnits>(unit); }
bool is_device(std::string_view device) { return device.empty() || in<kDevices>(device); }
bool is_reason(std::string_view reason) { return in<kReasons>(reason); }
bool is_role(std::string_view role) { return role.empty() || in<kRoles>(role); }
bool is_nomenclature(std::string_view code) { return code.empty() || in<kNomenclature>(code); }
bool is_codec(std::string_view codec) { return codec.empty() || in<kCodecs>(codec); }
bool is_source_type(std::string_view type) { return in<kSourceTypes>(type); }
bool is_missing_text(std::string_view text) { return text.empty() || in<kMissing>(text); }

bool is_codec_string(std::string_view codec) {
  if (codec.empty()) return true;
  const size_t dot = std::min(codec.find('.'), codec.size());
  if (!in<kCodecStrings>(codec.substr(0, dot)) || codec.size() > kLongestCode) return false;
  return std::ranges::all_of(codec.substr(dot), [](char c) {
    return c == '.' || is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == 'L';
  });
}

bool is_time_unit(std::string_view unit) {
  if (unit.empty() || in<kTimeUnits>(unit)) return true;
  const size_t slash = unit.find('/');
  const auto number = [](std::string_view text) {
    return !text.empty() && text.size() <= 10 && std::ranges::all_of(text, is_digit);
  };
  return slash != std::string_view::npos && number(unit.substr(0, slash)) &&
         number(unit.substr(slash + 1));
}

bool is_code(std::string_view text) {
  const auto inner = [](char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kLongestCode &&
         (is_letter(text[0]) || is_digit(text[0])) && std::ranges::all_of(text, inner);
}

bool is_software(std::string_view text) {
  const auto inner = [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view(" ._+-:~/()").find(c) < 10;
  };
  return !text.empty() && text.size() <= kLongestCode && is_letter(text[0]) &&
         std::ranges::all_of(text, inner);
}

}  // namespace casebox::vocabulary
