#pragma once

// Small inputs that the tests of sources make for themselves.

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "proto/base/bytes.h"
#include "recorder/sources/source.h"

namespace casebox::testing {

inline recorder::Context context_of(const std::string& name, const std::string& url) {
  recorder::Context context;
  context.config.set_name(name);
  context.config.set_url(url);
  return context;
}

/// Everything a source yields.
inline Result<std::vector<recorder::Item>> all_items(recorder::Source& source) {
  std::vector<recorder::Item> out;
  while (true) {
    CASEBOX_TRY(const bool more, source.next(out));
    if (!more) return out;
  }
}

inline std::filesystem::path real_data() {
  const char* set = std::getenv("CASEBOX_TEST_DATA");
  return set != nullptr
             ? std::filesystem::path(set)
             : std::filesystem::path(CASEBOX_SOURCE_DIR).parent_path() / "shared" / "data";
}

template <typename T>
void put(Bytes& out, T value) {
  char field[sizeof(T)];
  store_le(field, value);
  out.append(field, sizeof field);
}
inline void put_text(Bytes& out, const std::string& text) {
  put(out, static_cast<uint32_t>(text.size()));
  out += text;
}

/// Makes .vital files packet by packet.
class VitalMaker {
 public:
  VitalMaker() {
    body_ = "VITA";
    put<uint32_t>(body_, 3);
    put<uint16_t>(body_, 10);
    body_.append(10, '\0');
  }
  void packet(uint8_t type, const Bytes& content) {
    body_.push_back(static_cast<char>(type));
    put(body_, static_cast<uint32_t>(content.size()));
    body_ += content;
  }
  void track(uint16_t id, uint8_t type, uint8_t format, const std::string& name,
             const std::string& unit, float rate, double gain = 1, double offset = 0) {
    Bytes p;
    put(p, id);
    put(p, type);
    put(p, format);
    put_text(p, name);
    put_text(p, unit);
    put<float>(p, 0);
    put<float>(p, 0);
    put<uint32_t>(p, 0);
    put(p, rate);
    put(p, gain);
    put(p, offset);
    packet(0, p);
  }
  Bytes record(uint16_t track, double time) const {
    Bytes p;
    put<uint16_t>(p, 10);
    put(p, time);
    put(p, track);
    return p;
  }
  void wave(uint16_t track, double time, const std::vector<uint16_t>& codes) {
    Bytes p = record(track, time);
    put(p, static_cast<uint32_t>(codes.size()));
    for (uint16_t code : codes) put(p, code);
    packet(1, p);
  }
  void number(uint16_t track, double time, float value) {
    Bytes p = record(track, time);
    put(p, value);
    packet(1, p);
  }
  void text(uint16_t track, double time, const std::string& what) {
    Bytes p = record(track, time);
    put<uint32_t>(p, 0);
    put_text(p, what);
    packet(1, p);
  }
  const Bytes& plain() const { return body_; }
  Bytes gzip() const {
    z_stream z{};
    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    Bytes out(deflateBound(&z, static_cast<uLong>(body_.size())) + 64, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body_.data()));
    z.avail_in = static_cast<uInt>(body_.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
  }

 private:
  Bytes body_;
};

}  // namespace casebox::testing
