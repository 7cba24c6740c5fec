#include "proto/base/bytes.h"

namespace casebox {

Result<Digest> to_digest(BytesView bytes) {
  Digest digest;
  if (bytes.size() != digest.size())
    return Error{Code::kCorrupt,
                 "digest has " + std::to_string(bytes.size()) + " bytes, 32 are needed"};
  std::memcpy(digest.data(), bytes.data(), digest.size());
  return digest;
}

std::string to_hex(BytesView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<Bytes> from_hex(std::string_view hex) {
  const Error bad{Code::kInvalidArgument, "not hexadecimal: give an even number of digits 0-9a-f"};
  if (hex.size() % 2 != 0) return bad;
  Bytes out;
  out.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_value(hex[i]), low = hex_value(hex[i + 1]);
    if (high < 0 || low < 0) return bad;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

}  // namespace casebox
