#include "recorder/sources/internal/hl7_file.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <map>

#include "proto/text/text.h"
#include "proto/text/written_time.h"
#include "recorder/sources/internal/even_samples.h"

namespace casebox::recorder::internal {
namespace {

constexpr size_t kMaxHl7 = 256u << 20;
constexpr size_t kMaxSegment = 1u << 20;
constexpr size_t kMaxObservations = 4'000'000;
constexpr size_t kMaxNames = 4096;
constexpr int64_t kHl7Second = 1'000'000'000;

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::string_view at(const std::vector<std::string_view>& parts, size_t i) {
  return i < parts.size() ? parts[i] : std::string_view();
}

/// Digits of a fixed width.
bool digits(std::string_view& text, size_t width, int& out) {
  if (text.size() < width) return false;
  out = 0;
  for (size_t i = 0; i < width; ++i) {
    if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(width);
  return true;
}

class Hl7Reader {
 public:
  Hl7Reader(std::string name, std::optional<int64_t> zone)
      : name_(std::move(name)), told_zone_(zone) {}

  Result<Hl7File> run(std::string_view text) {
    std::string segment;
    uint64_t line = 1, begins = 1;
    for (size_t from = 0; from <= text.size();) {
      const size_t end = std::min(text.find_first_of("\r\n\x0B\x1C", from), text.size());
      const std::string_view piece = text.substr(from, end - from);
      if (piece.size() > kMaxSegment || segment.size() > kMaxSegment)
        return bad(line, "a segment longer than 1 MiB; is this the file?");
      if (is_segment(piece)) {
        CASEBOX_CHECK(take(segment, begins));
        segment = piece;
        begins = line;
      } else if (!piece.empty() && !segment.empty()) {
        segment += "\n";  // a text that breaks its line
        segment += piece;
      }
      if (end < text.size() && (text[end] == '\n' || (text[end] == '\r' && at_return(text, end))))
        ++line;
      from = end + 1;
    }
    CASEBOX_CHECK(take(segment, begins));
    return finish();
  }

 private:
  /// A return that no line feed follows counts as a line of its own.
  static bool at_return(std::string_view text, size_t end) {
    return end + 1 >= text.size() || text[end + 1] != '\n';
  }
  static bool is_segment(std::string_view piece) {
    return piece.size() >= 4 && std::isupper(static_cast<unsigned char>(piece[0])) != 0 &&
           std::all_of(
               piece.begin() + 1, piece.begin() + 3,
               [](unsigned char c) { return std::isupper(c) != 0 || std::isdigit(c) != 0; }) &&
           std::ispunct(static_cast<unsigned char>(piece[3])) != 0;
  }

  Error bad(uint64_t line, const std::string& what) const {
    return {Code::kInvalidArgument, name_ + ":" + std::to_string(line) + ": " + what};
  }

  Result<void> take(std::string_view segment, uint64_t line) {
    if (segment.size() < 4) return ok();
    const std::string_view kind = segment.substr(0, 3);
    if (kind == "MSH") return begin_message(segment, line);
    if (kind == "FHS" || kind == "BHS" || kind == "BTS" || kind == "FTS") return ok();
    if (messages_ == 0) return bad(line, "no MSH segment before it; is this the whole file?");
    if (!observes_) return ok();
    const auto fields = parts_of(segment, field_);
    if (kind == "OBR") group_ = parse_hl7_time(at(fields, 7));
    if (kind == "OBX") return observation(fields, line);
    return ok();
  }

  Result<void> begin_message(std::string_view segment, uint64_t line) {
    if (segment.size() < 8)
      return bad(line, "an MSH segment without its separators; mend the file");
    field_ = segment[3];
    component_ = segment[4];
    repeat_ = segment[5];
    escape_ = segment[6];
    const auto fields = parts_of(segment, field_);
    ++messages_;
    sent_ = parse_hl7_time(at(fields, 6));
    group_.reset();
    observes_ = at(fields, 8).substr(0, 3) == "ORU";
    others_ += observes_ ? 0 : 1;
    return ok();
  }

  Result<void> observation(const std::vector<std::string_view>& fields, uint64_t line) {
    const std::string_view type = at(fields, 2), value = at(fields, 5), state = at(fields, 11);
    if (state == "X" || state == "D" || state == "N" || value.empty() || value == "\"\"") {
      ++empty_;
      return ok();
    }
    auto time = parse_hl7_time(at(fields, 14));
    if (!time) time = group_;
    if (!time) time = sent_;
    if (!time) {
      ++untimed_;
      return ok();
    }
    if (!time->zone_ns && sent_ && sent_->zone_ns) time->zone_ns = sent_->zone_ns;
    if (!time->zone_ns) time->zone_ns = told_zone_;
    (time->zone_ns ? zoned_ : unzoned_) += 1;
    out_.grain_ns = std::max(out_.grain_ns, time->grain_ns);
    if (type == "NA" || type == "MA" || type == "ED" || type == "RP") {
      ++arrays_;
      return ok();
    }
    if (out_.numbers.size() + out_.texts.size() >= kMaxObservations)
      return bad(line, "more than 4 million observations; split the file");
    Hl7Observation one;
    one.ns = time->local_ns - time->zone_ns.value_or(0);
    const auto id = parts_of(at(fields, 3), component_);
    std::string label = plain(at(id, 1).empty() ? at(id, 0) : at(id, 1));
    if (label.empty()) label = "observation";
    const auto units = parts_of(at(fields, 6), component_);
    const std::string unit = plain(
        at(units, 1).empty() || at(units, 2) == "UCUM" || at(units, 1).size() > 16 ? at(units, 0)
                                                                                   : at(units, 1));
    if ((type == "NM" || type == "SN") && number(type, value, one.value)) {
      const std::string key = label + "\t" + unit + "\t" + std::string(at(fields, 4));
      const auto [it, fresh] = names_.try_emplace(key, out_.names.size());
      if (fresh) {
        if (out_.names.size() >= kMaxNames)
          return bad(line, "more than 4096 kinds of numbers; split the file");
        out_.names.push_back({label, unit});
      }
      one.name = it->second;
      out_.numbers.push_back(std::move(one));
      return ok();
    }
    unread_ += type == "NM" ? 1 : 0;
    one.name = out_.text_names.size();
    const auto [it, fresh] = texts_.try_emplace(label, one.name);
    if (fresh) out_.text_names.push_back(label);
    one.name = it->second;
    one.text = plain(value);
    out_.texts.push_back(std::move(one));
    return ok();
  }

  /// A number (NM), or a structured one (SN) that says just one.
  bool number(std::string_view type, std::string_view value, double& out) const {
    if (type == "NM") return read_number(trimmed(value), out);
    const auto parts = parts_of(value, component_);
    return (at(parts, 0).empty() || at(parts, 0) == "=") && at(parts, 2).empty() &&
           read_number(trimmed(at(parts, 1)), out);
  }

  /// A text without its escapes.
  std::string plain(std::string_view text) const {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != escape_ || escape_ == '\0') {
        out += text[i];
        continue;
      }
      const size_t end = text.find(escape_, i + 1);
      if (end == text.npos) return out + std::string(text.substr(i));
      const std::string_view code = text.substr(i + 1, end - i - 1);
      if (code == "F")
        out += field_;
      else if (code == "S")
        out += component_;
      else if (code == "R")
        out += repeat_;
      else if (code == "E")
        out += escape_;
      else if (code == "T")
        out += '&';
      else if (code == ".br")
        out += '\n';
      else
        out += std::string(text.substr(i, end - i + 1));
      i = end;
    }
    return std::string(text::cut(trimmed(out), 32u << 10));
  }

  Result<Hl7File> finish() {
    if (messages_ == 0) return bad(1, "no MSH segment; is this a file of HL7 messages?");
    if (out_.numbers.empty() && out_.texts.empty())
      return bad(1,
                 "its " + std::to_string(messages_) +
                     " messages hold no observation (ORU) that could be read; is this the file?");
    if (zoned_ > 0 && unzoned_ > 0)
      return bad(1, "some times tell a zone and some do not; say theirs with --zone");
    if (zoned_ == 0) out_.wall = Wall::Kind::kLocal;
    const auto say = [&](uint64_t n, const char* what) {
      if (n > 0) out_.notices.push_back(std::to_string(n) + " " + what);
    };
    say(others_, "messages are no observations (ORU) and are left out");
    say(empty_, "observations have no value and are left out");
    say(untimed_, "observations tell no time that can be read and are left out");
    say(arrays_, "observations are arrays or documents (NA, MA, ED, RP) and are left out");
    say(unread_, "values that are said to be numbers are none: they are kept as texts");
    out_.notices.emplace_back("patient, visit and orders are left out");
    if (zoned_ == 0)
      out_.notices.emplace_back("its times tell no zone: they are a place's own; say --zone");
    for (auto* list : {&out_.numbers, &out_.texts}) {
      if (!std::ranges::is_sorted(*list, {}, &Hl7Observation::ns))
        out_.notices.emplace_back("observations do not come in the order of time: they are sorted");
      std::ranges::stable_sort(*list, {}, &Hl7Observation::ns);
    }
    return std::move(out_);
  }

  std::string name_;
  std::optional<int64_t> told_zone_;
  char field_ = '|', component_ = '^', repeat_ = '~', escape_ = '\\';
  bool observes_ = false;
  std::optional<Hl7Time> sent_, group_;
  Hl7File out_;
  std::map<std::string, size_t> names_, texts_;
  uint64_t messages_ = 0, others_ = 0, empty_ = 0, untimed_ = 0, arrays_ = 0, unread_ = 0;
  uint64_t zoned_ = 0, unzoned_ = 0;
};

}  // namespace

std::optional<Hl7Time> parse_hl7_time(std::string_view text) {
  text = trimmed(text.substr(0, text.find('^')));
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  if (!digits(text, 4, year) || year < 1900 || year > 2200) return std::nullopt;
  Hl7Time out;
  out.grain_ns = 86'400 * kHl7Second;
  const auto more = [&] {
    return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0;
  };
  if (!more() || !digits(text, 2, month) || !more() || !digits(text, 2, day)) return std::nullopt;
  if (more()) {
    if (!digits(text, 2, hour) || !digits(text, 2, minute)) return std::nullopt;
    out.grain_ns = 60 * kHl7Second;
  }
  if (more()) {
    if (!digits(text, 2, second)) return std::nullopt;
    out.grain_ns = kHl7Second;
  }
  int64_t fraction = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    while (more()) {
      if (out.grain_ns > 1) {
        out.grain_ns /= 10;
        fraction += (text.front() - '0') * out.grain_ns;
      }
      text.remove_prefix(1);
    }
  }
  if (!text.empty()) {
    out.zone_ns = text::parse_zone(text);
    if (!out.zone_ns) return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  out.local_ns =
      ((days * 24 + hour) * 60 + minute) * 60 * kHl7Second + second * kHl7Second + fraction;
  return out;
}

Result<Hl7File> read_hl7(BytesView bytes, const std::string& name, const std::string& zone,
                         const std::string& encoding) {
  if (bytes.size() > kMaxHl7)
    return Error{Code::kInvalidArgument, name + ": above 256 MiB; split the file"};
  CASEBOX_CHECK(text::check_encoding(encoding));
  std::optional<int64_t> told;
  if (!zone.empty() && !(told = text::parse_zone(zone)))
    return Error{Code::kInvalidArgument, "--zone: is no zone; write Z or +02:00"};
  return Hl7Reader(name, told).run(text::to_utf8(bytes, encoding).utf8);
}

}  // namespace casebox::recorder::internal
