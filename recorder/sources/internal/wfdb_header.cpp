#include "recorder/sources/internal/wfdb_header.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <string_view>

namespace casebox::recorder::internal {
namespace {

constexpr size_t kMaxWfdbSignals = 1024;
constexpr size_t kMaxSegments = 65'536;
constexpr uint64_t kMaxFrames = uint64_t{1} << 40;

template <typename T>
bool read_integer(std::string_view text, T& out) {
  if (text.starts_with("+")) text.remove_prefix(1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

/// Leading digits, taken off; false without any.
template <typename T>
bool take_integer(std::string_view& text, T& out) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(read.ptr - text.data()));
  return true;
}

std::vector<std::string_view> words_of(std::string_view line, size_t most) {
  std::vector<std::string_view> out;
  line = trimmed(line);
  while (!line.empty()) {
    const size_t end = out.size() + 1 == most ? line.npos : line.find_first_of(" \t");
    out.push_back(trimmed(line.substr(0, end)));
    line = end == line.npos ? std::string_view{} : trimmed(line.substr(end));
  }
  return out;
}

/// "hh:mm:ss.sss", "mm:ss", "ss" to ns.
bool read_clock(std::string_view text, int64_t& ns) {
  double total = 0;
  int parts = 0;
  while (true) {
    const size_t colon = text.find(':');
    double value = 0;
    if (!read_number(text.substr(0, colon), value) || value < 0 || value > 1e6 || ++parts > 3)
      return false;
    total = total * 60 + value;
    if (colon == text.npos) break;
    text.remove_prefix(colon + 1);
  }
  ns = std::llround(total * 1e9);
  return true;
}

bool read_date(std::string_view text, int64_t& days) {
  unsigned day = 0, month = 0;
  int year = 0;
  if (!take_integer(text, day) || !text.starts_with("/")) return false;
  text.remove_prefix(1);
  if (!take_integer(text, month) || !text.starts_with("/")) return false;
  text.remove_prefix(1);
  if (!read_integer(text, year) || year < 1800 || year > 2200) return false;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return false;
  days = std::chrono::sys_days(date).time_since_epoch().count();
  return true;
}

Wall read_wall(const std::vector<std::string_view>& words) {
  int64_t clock = 0, days = 0;
  if (words.size() < 5 || !read_clock(words[4], clock)) return {};
  if (words.size() < 6 || !read_date(words[5], days)) return {Wall::Kind::kClock, clock};
  return {Wall::Kind::kLocal, days * 86'400'000'000'000 + clock};
}

/// "16x4:2+24": format, samples a frame, skew, bytes in front.
bool read_format(std::string_view text, WfdbSignal& signal) {
  if (!take_integer(text, signal.format)) return false;
  while (!text.empty()) {
    const char what = text[0];
    text.remove_prefix(1);
    const bool read = what == 'x'   ? take_integer(text, signal.per_frame)
                      : what == ':' ? take_integer(text, signal.skew)
                      : what == '+' ? take_integer(text, signal.offset)
                                    : false;
    if (!read) return false;
  }
  return signal.per_frame >= 1 && signal.per_frame <= 65'536 && signal.skew <= 1'000'000;
}

/// "200(1024)/mV": codes a unit, the code of 0, the unit.
bool read_gain(std::string_view text, WfdbSignal& signal, bool& baseline) {
  const size_t slash = text.find('/');
  if (slash != text.npos) signal.unit = text.substr(slash + 1);
  text = text.substr(0, slash);
  const size_t bracket = text.find('(');
  double gain = 0;
  if (!read_number(text.substr(0, bracket), gain)) return false;
  signal.calibrated = gain != 0;
  if (signal.calibrated) signal.gain = gain;
  baseline = bracket != text.npos;
  if (!baseline) return true;
  const size_t close = text.find(')', bracket);
  return close != text.npos &&
         read_integer(text.substr(bracket + 1, close - bracket - 1), signal.baseline);
}

bool read_signal(std::string_view line, WfdbSignal& signal) {
  const auto words = words_of(line, 9);
  if (words.size() < 2 || !read_format(words[1], signal)) return false;
  signal.file = words[0];
  bool baseline = false;
  if (words.size() > 2 && !read_gain(words[2], signal, baseline)) return false;
  if (words.size() <= 2) signal.calibrated = false;
  int64_t bits = 0, checksum = 0;
  if (words.size() > 3 && !read_integer(words[3], bits)) return false;
  if (words.size() > 4 && !read_integer(words[4], signal.zero)) return false;
  if (!baseline) signal.baseline = signal.zero;
  signal.initial = signal.zero;
  if (words.size() > 5 && !read_integer(words[5], signal.initial)) return false;
  if (words.size() > 6) {
    if (!read_integer(words[6], checksum)) return false;
    signal.checksum = static_cast<int32_t>(static_cast<uint16_t>(checksum));
  }
  if (words.size() > 8) signal.description = words[8];
  return true;
}

}  // namespace

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
}

Result<WfdbHeader> read_wfdb_header(const std::string& text, const std::string& name) {
  WfdbHeader out;
  size_t number = 0, wanted = 0;
  bool begun = false;
  const auto bad = [&](const char* what) {
    return Error{Code::kInvalidArgument, name + ":" + std::to_string(number) +
                                             ": this is the header of a WFDB record, and " + what +
                                             "; see header(5) of WFDB"};
  };
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    const std::string_view line = trimmed(std::string_view(text).substr(from, end - from));
    from = end + 1;
    ++number;
    if (line.empty()) continue;
    if (line[0] == '#') {
      out.remarks = out.remarks || line.find_first_not_of("# ") != line.npos;
      continue;
    }
    if (!begun) {
      begun = true;
      const auto words = words_of(line, 6);
      std::string_view record = words[0];
      const size_t slash = record.find('/');
      size_t segments = 0;
      if (slash != record.npos && !read_integer(record.substr(slash + 1), segments))
        return bad("its number of segments cannot be read");
      out.record = record.substr(0, slash);
      if (words.size() < 2 || !read_integer(words[1], wanted) || wanted > kMaxWfdbSignals)
        return bad("it gives no number of signals");
      if (segments > kMaxSegments) return bad("it has more than 65,536 segments");
      if (slash != record.npos) {
        if (segments == 0) return bad("it has no segments");
        wanted = segments;
        out.segments.reserve(segments);
      }
      out.rate = Rate::of(words.size() > 2 ? words[2].substr(0, words[2].find('/')) : "250");
      if (!out.rate.even()) return bad("its rate cannot be read");
      if (words.size() > 3 && (!read_integer(words[3], out.frames) || out.frames > kMaxFrames))
        return bad("its number of samples cannot be read");
      out.wall = read_wall(words);
      if (slash != record.npos) out.segments.emplace_back();  // a mark, until they are read
      continue;
    }
    if (!out.segments.empty()) {
      const auto words = words_of(line, 2);
      WfdbSegment segment;
      segment.name = words[0];
      if (words.size() < 2 || !read_integer(words[1], segment.frames) ||
          segment.frames > kMaxFrames)
        return bad("a segment cannot be read");
      if (out.segments.size() <= wanted) out.segments.push_back(std::move(segment));
      continue;
    }
    if (out.signals.size() >= wanted) continue;
    WfdbSignal signal;
    if (!read_signal(line, signal)) return bad("a signal cannot be read");
    out.signals.push_back(std::move(signal));
  }
  if (!begun) return bad("there is no record in it");
  if (!out.segments.empty()) out.segments.erase(out.segments.begin());
  if (out.segments.size() + out.signals.size() < wanted)
    return bad("it ends before its last signal or segment");
  return out;
}

}  // namespace casebox::recorder::internal
