#pragma once

// Makes EDF files record by record.

#include <string>
#include <vector>

#include "proto/base/bytes.h"

namespace casebox::testing {

class EdfMaker {
 public:
  struct Signal {
    std::string label, unit;
    int samples = 1;
    double low = -1000, high = 1000;
    int least = -1000, most = 1000;
  };
  std::string version = "0", patient = "X X X X", recording = "Startdate X X X X";
  std::string date = "02.03.21", time = "10:20:30", reserved, records, length = "1";
  std::vector<Signal> signals;

  /// Samples of all signals one behind the other, and the bytes of annotation signals.
  void record(const std::vector<std::vector<int>>& codes) {
    for (const auto& one : codes)
      for (const int code : one) {
        body_.push_back(static_cast<char>(code & 0xff));
        body_.push_back(static_cast<char>(code >> 8 & 0xff));
        if (version != "0") body_.push_back(static_cast<char>(code >> 16 & 0xff));
      }
    ++count_;
  }
  void annotate(std::string text, int samples) {
    text.resize(static_cast<size_t>(samples) * 2, '\0');
    body_ += text;
  }

  Bytes bytes() const {
    Bytes out = version == "0" ? field("0", 8)
                               : Bytes(
                                     "\xff"
                                     "BIOSEMI");
    out += field(patient, 80) + field(recording, 80) + field(date, 8) + field(time, 8);
    out += field(std::to_string(256 * (signals.size() + 1)), 8) + field(reserved, 44);
    out += field(records.empty() ? std::to_string(count_) : records, 8) + field(length, 8);
    out += field(std::to_string(signals.size()), 4);
    const auto each = [&](size_t width, const auto& value) {
      for (const Signal& signal : signals) out += field(value(signal), width);
    };
    const auto number = [](double value) {
      std::string text = std::to_string(value);
      return text.substr(0, 8);
    };
    each(16, [](const Signal& s) { return s.label; });
    each(80, [](const Signal&) { return std::string("AgAgCl"); });
    each(8, [](const Signal& s) { return s.unit; });
    each(8, [&](const Signal& s) { return number(s.low); });
    each(8, [&](const Signal& s) { return number(s.high); });
    each(8, [](const Signal& s) { return std::to_string(s.least); });
    each(8, [](const Signal& s) { return std::to_string(s.most); });
    each(80, [](const Signal&) { return std::string("HP:0.1Hz"); });
    each(8, [](const Signal& s) { return std::to_string(s.samples); });
    each(32, [](const Signal&) { return std::string(); });
    return out + body_;
  }

 private:
  static Bytes field(std::string text, size_t width) {
    text.resize(width, ' ');
    return text;
  }
  Bytes body_;
  int count_ = 0;
};

/// Two signals of 4 Hz and one of 20 Hz in records of 1 s with a list of annotations, as EDF+.
inline EdfMaker edf_plus(char kind, const std::vector<double>& onsets) {
  EdfMaker file;
  file.reserved = std::string("EDF+") + kind;
  file.signals = {{"SpO2", "%", 4, 0, 100, 0, 1000},
                  {"Resp", "", 4},
                  {"ECG", "uV", 20, -500, 500, -2000, 2000},
                  {"EDF Annotations", "", 30, -1, 1, -32768, 32767}};
  int n = 0;
  for (const double onset : onsets) {
    std::vector<int> slow, second, fast;
    for (int i = 0; i < 4; ++i) slow.push_back(n * 4 + i), second.push_back(-(n * 4 + i));
    for (int i = 0; i < 20; ++i) fast.push_back(n * 20 + i);
    file.record({slow, second, fast});
    std::string at = std::to_string(onset);
    at.resize(at.find('.') + 3);
    file.annotate("+" + at + "\x14\x14" + std::string(1, '\0') + "+" + at +
                      (n == 1 ? std::string("\x15") + "2.5" : "") + "\x14note " +
                      std::to_string(n) + "\x14" + std::string(1, '\0'),
                  30);
    ++n;
  }
  return file;
}

}  // namespace casebox::testing
