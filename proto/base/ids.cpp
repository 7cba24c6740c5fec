#include "proto/base/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace casebox {
namespace {

void fill_random(void* out, size_t size) {
  // getrandom cannot fail for requests of at most 256 bytes once the pool is ready; a machine where
  // it does has no safe way to go on.
  if (getrandom(out, size, 0) != static_cast<ssize_t>(size)) std::abort();
}

}  // namespace

namespace internal {

std::array<uint8_t, 16> random_uuid_bytes() {
  std::array<uint8_t, 16> bytes;
  fill_random(bytes.data(), bytes.size());
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);  // RFC 9562: version 4
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);  // variant 10
  return bytes;
}

std::string uuid_text(const std::array<uint8_t, 16>& bytes) {
  std::string hex = to_hex(BytesView{reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  for (size_t at : {8, 13, 18, 23}) hex.insert(at, 1, '-');
  return hex;
}

Result<std::array<uint8_t, 16>> parse_uuid(std::string_view text) {
  std::string hex;
  if (text.size() == 36) {
    for (size_t i = 0; i < text.size(); ++i) {
      const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
      if (dash != (text[i] == '-')) hex = "x";  // refused below
      if (!dash) hex.push_back(text[i]);
    }
  } else {
    hex = text;
  }
  auto raw = from_hex(hex);
  if (!raw || raw->size() != 16)
    return Error{Code::kInvalidArgument, "not an id: give 8-4-4-4-12 hexadecimal digits"};
  return uuid_from_bytes(*raw);
}

Result<std::array<uint8_t, 16>> uuid_from_bytes(BytesView bytes) {
  if (bytes.size() != 16)
    return Error{Code::kCorrupt,
                 "id has " + std::to_string(bytes.size()) + " bytes, 16 are needed"};
  std::array<uint8_t, 16> out;
  std::copy_n(bytes.begin(), 16, reinterpret_cast<char*>(out.data()));
  return out;
}

}  // namespace internal

Epoch random_epoch() {
  Epoch epoch;
  while (epoch.value == 0) fill_random(&epoch.value, sizeof epoch.value);
  return epoch;
}

std::string to_string(Epoch epoch) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(epoch.value));
  return text;
}

}  // namespace casebox
