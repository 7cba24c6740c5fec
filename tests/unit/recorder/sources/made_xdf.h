#pragma once

// Makes XDF files chunk by chunk.

#include <optional>
#include <string>
#include <vector>

#include "tests/unit/recorder/sources/source_support.h"

namespace casebox::testing {

class XdfMaker {
 public:
  XdfMaker() { chunk(1, "<?xml version=\"1.0\"?><info><version>1.0</version></info>"); }

  void chunk(uint16_t tag, const Bytes& content) {
    body_.push_back(4);
    put(body_, static_cast<uint32_t>(content.size() + 2));
    put(body_, tag);
    body_ += content;
  }
  void stream(uint32_t id, const std::string& name, int channels, const std::string& rate,
              const std::string& format, const std::string& desc = "") {
    chunk(2, id_of(id) + "<?xml version=\"1.0\"?><info><name>" + name +
                 "</name><type>EEG</type><channel_count>" + std::to_string(channels) +
                 "</channel_count><nominal_srate>" + rate + "</nominal_srate><channel_format>" +
                 format + "</channel_format><desc>" + desc + "</desc></info>");
  }
  /// Samples of one channel; a stamp for each, or none where it follows the one before.
  template <typename T>
  void samples(uint32_t id, const std::vector<std::optional<double>>& stamps,
               const std::vector<T>& values) {
    Bytes content = id_of(id);
    content.push_back(4);
    put(content, static_cast<uint32_t>(stamps.size()));
    for (size_t i = 0; i < stamps.size(); ++i) {
      content.push_back(stamps[i] ? 8 : 0);
      if (stamps[i]) put(content, *stamps[i]);
      if constexpr (std::is_same_v<T, std::string>) {
        content.push_back(1);
        content.push_back(static_cast<char>(values[i].size()));
        content += values[i];
      } else {
        put(content, values[i]);
      }
    }
    chunk(3, content);
  }
  void clock(uint32_t id, double at, double offset) {
    Bytes content = id_of(id);
    put(content, at);
    put(content, offset);
    chunk(4, content);
  }
  void boundary() {
    chunk(5, Bytes("\x43\xA5\x46\xDC\xCB\xF5\x41\x0F\xB3\x0E\xD5\x46\x73\x83\xCB\xE4", 16));
  }
  void raw(const Bytes& bytes) { body_ += bytes; }
  Bytes bytes() const { return "XDF:" + body_; }

 private:
  static Bytes id_of(uint32_t id) {
    Bytes out;
    put(out, id);
    return out;
  }
  Bytes body_;
};

}  // namespace casebox::testing
