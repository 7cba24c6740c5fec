#include "recorder/sources/internal/wfdb_annotations.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "recorder/sources/internal/even_samples.h"

namespace casebox::recorder::internal {
namespace {

constexpr size_t kMaxWfdbAnnotations = 1u << 20;
constexpr int kSkip = 59, kNumber = 60, kSubtype = 61, kChannel = 62, kAux = 63;
constexpr int kNote = 22;
constexpr std::string_view kResolution = "## time resolution: ";

// Codes 0 to 41 of ecgcodes.h.
constexpr std::array<const char*, 42> kCodes = {
    " ", "N",    "L", "R",    "a", "V", "F", "J", "A",  "S", "E", "j", "/", "Q",
    "~", "[15]", "|", "[17]", "s", "T", "*", "D", "\"", "=", "p", "B", "^", "t",
    "+", "u",    "?", "!",    "[", "]", "e", "n", "@",  "x", "f", "(", ")", "r"};

std::string code_of_type(int type) {
  if (type >= 0 && type < static_cast<int>(kCodes.size())) return kCodes[static_cast<size_t>(type)];
  return "[" + std::to_string(type) + "]";
}

}  // namespace

WfdbAnnotations read_wfdb_annotations(const Bytes& bytes) {
  WfdbAnnotations out;
  const auto word = [&](size_t at) { return static_cast<int>(load_le<uint16_t>(&bytes[at])); };
  int64_t time = 0;
  int channel = 0, number = 0;  // these two hold until they change
  bool ended = false;
  size_t at = 0;
  WfdbAnnotation* last = nullptr;
  while (at + 2 <= bytes.size()) {
    const int head = word(at);
    at += 2;
    const int type = head >> 10;
    const int value = head & 0x3ff;
    if (head == 0) {
      ended = true;
      break;
    }
    if (type == kSkip) {
      if (at + 4 > bytes.size()) break;
      // High word first (PDP-11).
      time += static_cast<int32_t>(static_cast<uint32_t>(word(at)) << 16 |
                                   static_cast<uint32_t>(word(at + 2)));
      at += 4;
      continue;
    }
    const int small = value >= 128 && value < 256 ? value - 256 : value;
    if (type == kNumber) {
      number = small;
      if (last != nullptr) last->number = number;
    } else if (type == kSubtype) {
      if (last != nullptr) last->subtype = small;
    } else if (type == kChannel) {
      channel = value;
      if (last != nullptr) last->channel = channel;
    } else if (type == kAux) {
      const auto size = static_cast<size_t>(value);
      if (at + size > bytes.size()) break;
      if (last != nullptr) last->text = bytes.substr(at, size);
      at += size + (size & 1);
    } else {
      time += value;
      if (out.all.size() >= kMaxWfdbAnnotations) break;
      last = &out.all.emplace_back();
      last->at = time;
      last->code = code_of_type(type);
      last->channel = channel;
      last->number = number;
    }
  }
  out.whole = ended;
  // Notes at the beginning that tell of the list itself.
  std::erase_if(out.all, [&](const WfdbAnnotation& one) {
    if (one.at != 0 || one.code != kCodes[kNote] || !one.text.starts_with("##")) return false;
    if (one.text.starts_with(kResolution))
      read_number(std::string_view(one.text).substr(kResolution.size()), out.hz);
    return true;
  });
  std::ranges::stable_sort(out.all, {}, &WfdbAnnotation::at);
  return out;
}

}  // namespace casebox::recorder::internal
