#include "recorder/sources/internal/edf_file.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>

namespace casebox::recorder::internal {
namespace {

constexpr size_t kEdfHead = 256;
constexpr size_t kMaxEdfSignals = 2048;
constexpr uint64_t kMaxEdfRecord = 64u << 20;
constexpr uint64_t kMaxEdfRecords = 16u << 20;
constexpr size_t kMaxEdfAnnotations = 1u << 20;
constexpr size_t kMaxEdfTroubles = 100;
constexpr int64_t kNoDate = 5479;  // 1 January 1985, which programs write for none
constexpr size_t kMaxEdfText = 64u << 10;

std::optional<int64_t> read_whole(std::string_view text) {
  double value = 0;
  if (!read_number(text, value) || std::abs(value) > 1e15 || value != std::floor(value))
    return std::nullopt;
  return static_cast<int64_t>(value);
}

/// Two digits each, as in "31.12.99".
bool three_numbers(std::string_view text, int (&out)[3]) {
  if (text.size() < 8) return false;
  for (size_t i = 0; i < 3; ++i) {
    const char a = text[3 * i], b = text[3 * i + 1];
    if (a < '0' || a > '9' || b < '0' || b > '9') return false;
    out[i] = (a - '0') * 10 + (b - '0');
  }
  return true;
}

/// "+12.5" to ns; within 1e9 s.
bool read_onset(std::string_view text, int64_t& out) {
  double value = 0;
  if (!read_number(text, value) || std::abs(value) > 1e9) return false;
  // Digit by digit, since a double of seconds has no room for all of them.
  const bool negative = text.starts_with("-");
  const size_t point = text.find('.');
  int64_t whole = 0, fraction = 0;
  const std::string_view before = text.substr(0, point);
  for (const char c : before)
    if (c >= '0' && c <= '9') whole = whole * 10 + (c - '0');
  if (text.find_first_of("eE") != text.npos || whole > 1'000'000'000) {
    out = std::llround(value * 1e9);
    return true;
  }
  int64_t place = 100'000'000;
  for (const char c : point == text.npos ? std::string_view{} : text.substr(point + 1)) {
    if (c < '0' || c > '9') break;
    fraction += (c - '0') * place;
    place /= 10;
  }
  out = whole * 1'000'000'000 + fraction;
  if (negative) out = -out;
  return true;
}

}  // namespace

int64_t EdfFile::Length::ns_of_seconds() const {
  if (!seconds.even()) return 0;
  const auto ns = static_cast<Wide>(seconds.num) * 1'000'000'000 / seconds.den;
  return ns > static_cast<Wide>(INT64_MAX / 4) ? INT64_MAX / 4 : static_cast<int64_t>(ns);
}

void EdfFile::note(uint64_t offset, const std::string& what, bool damage) {
  if (troubles_.size() < kMaxEdfTroubles) troubles_.push_back({offset, what, damage});
}

Result<EdfFile> EdfFile::open(ByteInput input, const std::string& name) {
  EdfFile file;
  file.input_ = std::move(input);
  CASEBOX_CHECK(file.read_header(name));
  if (file.plus_) file.read_annotations();
  return file;
}

Result<void> EdfFile::read_header(const std::string& name) {
  const Bytes head = input_.read_at(0, kEdfHead);
  if (head.size() < kEdfHead)
    return Error{Code::kInvalidArgument,
                 name + ":" + std::to_string(head.size()) +
                     ": this is an EDF file that ends inside its header; nothing is in it"};
  const auto field = [&](size_t at, size_t n) {
    return trimmed(std::string_view(head).substr(at, n));
  };
  wide_ = static_cast<uint8_t>(head[0]) == 0xff;
  std::string_view recording = field(88, 80);
  if (recording.starts_with("Startdate ")) {  // the date stands in a field of its own, too
    recording.remove_prefix(10);
    recording.remove_prefix(std::min(recording.find(' '), recording.size()));
  }
  for (const std::string_view said : {field(8, 80), recording})
    identified_ = identified_ || said.find_first_not_of("X ") != said.npos;
  const std::string_view reserved = field(192, 44);
  plus_ = reserved.starts_with("EDF+") || reserved.starts_with("BDF+");
  discontinuous_ = plus_ && reserved.size() > 4 && reserved[4] == 'D';
  int date[3], clock[3];
  if (three_numbers(field(168, 8), date) && three_numbers(field(176, 8), clock)) {
    namespace chrono = std::chrono;
    // Years are of 1985 to 2084 (EDF+ 2.1.3.2).
    const chrono::year_month_day day(chrono::year(date[2] >= 85 ? 1900 + date[2] : 2000 + date[2]),
                                     chrono::month(static_cast<unsigned>(date[1])),
                                     chrono::day(static_cast<unsigned>(date[0])));
    if (day.ok() && clock[0] < 24 && clock[1] < 60 && clock[2] < 61) {
      const int64_t days = chrono::sys_days(day).time_since_epoch().count();
      start_ns_ = (days * 86'400 + clock[0] * 3600 + clock[1] * 60 + clock[2]) * 1'000'000'000;
      has_date_ = days != kNoDate;
    }
  }
  const auto header_bytes = read_whole(field(184, 8));
  const auto records = read_whole(field(236, 8));
  const auto count = read_whole(field(252, 4));
  duration_.seconds = Rate::of(field(244, 8));
  double length = 0;
  const bool timed = read_number(field(244, 8), length) && length >= 0;
  const auto bad = [&](size_t at, const char* what) {
    return Error{Code::kInvalidArgument, name + ":" + std::to_string(at) +
                                             ": this is an EDF file whose header gives no " + what +
                                             "; write it again with the program it comes from"};
  };
  if (!count || *count < 1 || *count > static_cast<int64_t>(kMaxEdfSignals))
    return bad(252, "number of signals");
  if (!header_bytes || *header_bytes != (*count + 1) * static_cast<int64_t>(kEdfHead))
    return bad(184, "size of itself");
  if (!records || *records < -1) return bad(236, "number of records");
  if (!timed || length > 1e6) return bad(244, "length of a record");
  header_bytes_ = static_cast<uint64_t>(*header_bytes);
  CASEBOX_CHECK(read_signals(name, static_cast<size_t>(*count)));
  const uint64_t rest = input_.size() - std::min(header_bytes_, input_.size());
  const uint64_t whole = rest / record_bytes_;
  declared_ = *records < 0 ? whole : static_cast<uint64_t>(*records);
  records_ = std::min(whole, declared_);
  if (records_ > kMaxEdfRecords || declared_ > kMaxEdfRecords * 64)
    return Error{Code::kUnsupported,
                 name + ":236: more than 16 million records; write them longer"};
  const uint64_t end = header_bytes_ + records_ * record_bytes_;
  if (*records < 0) {
    note(236,
         "the number of records is not written, as in a recording that was cut off; it is "
         "taken from the file's length",
         false);
  }
  if (records_ < declared_) {
    note(end, "the file ends after " + std::to_string(records_) + " of " +
                  std::to_string(declared_) + " records");
  } else if (rest - records_ * record_bytes_ > 0) {
    note(end,
         std::to_string(rest - records_ * record_bytes_) +
             " bytes behind the last record are left out",
         *records < 0);
  }
  return ok();
}

Result<void> EdfFile::read_signals(const std::string& name, size_t count) {
  const Bytes head = input_.read_at(kEdfHead, count * kEdfHead);
  if (head.size() < count * kEdfHead)
    return Error{Code::kInvalidArgument,
                 name + ":" + std::to_string(kEdfHead + head.size()) +
                     ": this is an EDF file that ends inside its header; nothing is in it"};
  const auto field = [&](size_t signal, size_t before, size_t width) {
    return trimmed(std::string_view(head).substr(before * count + signal * width, width));
  };
  uint64_t at = 0;
  for (size_t s = 0; s < count; ++s) {
    EdfSignal& signal = signals_.emplace_back();
    signal.label = field(s, 0, 16);
    signal.unit = field(s, 96, 8);
    signal.annotations =
        plus_ && (signal.label == "EDF Annotations" || signal.label == "BDF Annotations");
    double low = 0, high = 0, least = 0, most = 0;
    const bool told = read_number(field(s, 104, 8), low) && read_number(field(s, 112, 8), high) &&
                      read_number(field(s, 120, 8), least) && read_number(field(s, 128, 8), most);
    signal.scaled = told && high != low && most != least;
    if (signal.scaled) {
      signal.gain = (high - low) / (most - least);
      signal.offset = high - signal.gain * most;
    } else if (!signal.annotations) {
      note(kEdfHead + 104 * count + 8 * s,
           "signal " + std::to_string(s + 1) + " has no ranges; its numbers are kept unscaled",
           false);
    }
    const auto samples = read_whole(field(s, 216, 8));
    if (!samples || *samples < 0 || *samples > static_cast<int64_t>(kMaxEdfRecord))
      return Error{
          Code::kInvalidArgument,
          name + ":" + std::to_string(kEdfHead + 216 * count + 8 * s) +
              ": this is an EDF file whose signal " + std::to_string(s + 1) +
              " gives no number of samples; write it again with the program it comes from"};
    signal.samples = static_cast<uint32_t>(*samples);
    signal.at = at;
    at += *samples * (wide_ ? 3u : 2u);
    if (!signal.annotations && signal.samples > 0 && !duration_.seconds.even())
      return Error{Code::kInvalidArgument,
                   name +
                       ":244: this is an EDF file whose records last no time; write it again with "
                       "the program it comes from"};
  }
  if (at == 0 || at > kMaxEdfRecord)
    return Error{Code::kInvalidArgument, name + ":" + std::to_string(kEdfHead + 216 * count) +
                                             ": this is an EDF file with records of " +
                                             std::to_string(at) +
                                             " bytes; write it again with records of 1 s"};
  record_bytes_ = at;
  return ok();
}

Rate EdfFile::rate_of(const EdfSignal& signal) const {
  // Samples a record over seconds a record.
  Rate rate = Rate::of(std::to_string(signal.samples));
  if (!rate.even() || !duration_.seconds.even()) return {};
  const auto num = static_cast<Wide>(signal.samples) * duration_.seconds.den;
  uint64_t a = static_cast<uint64_t>(num), b = duration_.seconds.num;
  rate = {a, b};
  while (b != 0) std::swap(a %= b, b);
  return {rate.num / a, rate.den / a};
}

int64_t EdfFile::onset_ns(uint64_t record) const {
  if (!onsets_.empty() && discontinuous_)
    return onsets_[std::min<uint64_t>(record, onsets_.size() - 1)];
  const int64_t first = onsets_.empty() ? 0 : onsets_.front();
  const auto since = static_cast<Wide>(record) * duration_.seconds.num * 1'000'000'000 /
                     std::max<uint64_t>(1, duration_.seconds.den);
  if (!duration_.seconds.even()) return first;
  return saturating::add(first, since > static_cast<Wide>(INT64_MAX / 4)
                                    ? INT64_MAX / 4
                                    : static_cast<int64_t>(since));
}

// The first list of each record, its first text empty, tells when the record begins (EDF+ 2.2.4).
void EdfFile::read_annotations() {
  Bytes bytes;
  for (uint64_t r = 0; r < records_; ++r) {
    const uint64_t at = header_bytes_ + r * record_bytes_;
    std::optional<int64_t> onset;
    for (const EdfSignal& signal : signals_) {
      if (!signal.annotations) continue;
      input_.read_at(at + signal.at, signal.samples * (wide_ ? 3u : 2u), bytes);
      std::string_view rest = bytes;
      while (!rest.empty()) {
        const std::string_view list = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(list.size() + 1, rest.size()));
        if (list.empty()) continue;
        const size_t head_end = list.find('\x14');
        const std::string_view head = list.substr(0, head_end);
        const size_t bar = head.find('\x15');
        int64_t begins = 0, lasts = -1;
        if (head_end == list.npos || !read_onset(head.substr(0, bar), begins) ||
            (bar != head.npos && !read_onset(head.substr(bar + 1), lasts))) {
          note(at + signal.at, "an annotation that cannot be read");
          continue;
        }
        std::string_view texts = list.substr(head_end + 1);
        bool first = true;
        while (!texts.empty()) {
          const std::string_view text = texts.substr(0, std::min(texts.find('\x14'), kMaxEdfText));
          texts.remove_prefix(std::min(text.size() + 1, texts.size()));
          if (text.empty() && first && !onset) onset = begins;
          first = false;
          if (text.empty()) continue;
          if (annotations_.size() < kMaxEdfAnnotations) {
            annotations_.push_back({begins, lasts, std::string(text)});
          } else if (annotations_.size() == kMaxEdfAnnotations) {
            note(at + signal.at, "more than a million annotations; the rest is left out");
          }
        }
      }
    }
    if (!onset && discontinuous_ && r > 0)
      note(at, "record " + std::to_string(r + 1) +
                   " does not tell when it begins; it is taken to follow the one before");
    const int64_t follows =
        onsets_.empty() ? 0 : saturating::add(onsets_.back(), duration_.ns_of_seconds());
    onsets_.push_back(onset.value_or(follows));
    if (!discontinuous_ && r > 0) onsets_.pop_back();  // the first tells all
  }
  std::ranges::stable_sort(annotations_, {}, &EdfAnnotation::onset_ns);
}

void EdfFile::read_record(uint64_t record, Bytes& out) const {
  input_.read_at(header_bytes_ + record * record_bytes_, static_cast<size_t>(record_bytes_), out);
}

void EdfFile::decode(const EdfSignal& signal, const Bytes& record,
                     std::vector<int64_t>& out) const {
  const size_t width = wide_ ? 3 : 2;
  for (size_t i = 0; i < signal.samples; ++i) {
    const char* at = record.data() + signal.at + i * width;
    if (wide_) {
      const auto low = static_cast<uint32_t>(static_cast<uint8_t>(at[0])) |
                       static_cast<uint32_t>(static_cast<uint8_t>(at[1])) << 8 |
                       static_cast<uint32_t>(static_cast<uint8_t>(at[2])) << 16;
      out.push_back(static_cast<int32_t>(low << 8) >> 8);
    } else {
      out.push_back(load_le<int16_t>(at));
    }
  }
}

}  // namespace casebox::recorder::internal
