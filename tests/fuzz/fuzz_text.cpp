// Bytes of any encoding: the text made of them is UTF-8, and where it is not certain, the bytes
// come back out of it.

#include <cstdint>
#include <string_view>

#include "proto/text/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace text = casebox::text;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static constexpr const char* kDeclared[] = {"", "windows-949", "UTF-16LE", "windows-1252"};
  const std::string_view kept = bytes.substr(bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0);
  for (const char* declared : kDeclared) {
    const text::Text told = text::to_utf8(bytes, declared);
    if (!text::is_utf8(told.utf8)) __builtin_trap();
    if (!told.certain && text::unescape(told.utf8) != kept) __builtin_trap();
  }
  if (text::unescape(text::escape(bytes)) != bytes) __builtin_trap();
  text::Reader reader;
  reader.see(bytes.substr(0, size / 2));
  reader.see(bytes.substr(size / 2));
  if (!text::is_utf8(reader.read(bytes.substr(0, size / 2)).utf8)) __builtin_trap();
  if (!text::is_utf8(text::cut(reader.read(bytes.substr(size / 2)).utf8, size / 4)))
    __builtin_trap();
  return 0;
}
