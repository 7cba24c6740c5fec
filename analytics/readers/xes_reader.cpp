#include "analytics/readers/xes_reader.h"

#include <expat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

#include "analytics/readers/internal/byte_source.h"
#include "analytics/readers/internal/log_builder.h"

namespace casebox::analytics::readers {
namespace {

using internal::ByteSource;
using internal::LogBuilder;
using internal::RawEvent;

constexpr int kMaxDepth = 256;
constexpr XML_Index kMaxToken = 4 << 20;
constexpr size_t kMaxLabel = 64 << 10;
constexpr size_t kChunk = 1 << 18;
constexpr size_t kMaxRecorded = 2 << 20;
constexpr size_t kNamedForeign = 12;

std::string_view local_name(const char* name) {
  const char* colon = std::strrchr(name, ':');
  return colon == nullptr ? name : colon + 1;
}

constexpr int64_t kFarthest = 4'000'000'000'000'000'000;  // ns; distances of times fit 64 bits

std::optional<int64_t> integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < -kFarthest || value > kFarthest) return std::nullopt;
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

class XesParser {
 public:
  XesParser(ByteSource& source, const Limits& limits, std::vector<std::string>* recorded)
      : source_(source), limits_(limits), recorded_(recorded) {}
  ~XesParser() {
    if (parser_ != nullptr) XML_ParserFree(parser_);
  }
  XesParser(const XesParser&) = delete;
  XesParser& operator=(const XesParser&) = delete;

  const Planned& planned() const { return builder_.planned(); }
  Result<EventLog> run() {
    parser_ = XML_ParserCreate(nullptr);
    if (parser_ == nullptr) return Error{Code::kInternal, source_.name() + ": no memory"};
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, on_start, on_end);
    XML_SetEntityDeclHandler(parser_, on_entity);
    XML_Index fed = 0;
    for (;;) {
      void* buffer = XML_GetBuffer(parser_, kChunk);
      if (buffer == nullptr) return at_line("more memory is needed than there is; split the file");
      CASEBOX_TRY(const size_t n, source_.read(static_cast<char*>(buffer), kChunk));
      fed += static_cast<XML_Index>(n);
      if (XML_ParseBuffer(parser_, static_cast<int>(n), n == 0) != XML_STATUS_OK) {
        if (!failure_.empty()) return at_line(failure_);
        return at_line(std::string("not well-formed XML: ") +
                       XML_ErrorString(XML_GetErrorCode(parser_)) + "; write the file again");
      }
      if (n == 0) break;
      if (fed - XML_GetCurrentByteIndex(parser_) > kMaxToken)
        return at_line("a tag or text longer than 4 MiB; this is no event log");
    }
    if (!seen_log_) return at_line("no <log> element; give an XES file");
    note_foreign();
    return builder_.finish();
  }

 private:
  enum class In { kTop, kLog, kTrace, kEvent, kSkip };

  Error at_line(const std::string& what) const {
    return Error{
        Code::kInvalidArgument,
        source_.name() + ":" + std::to_string(XML_GetCurrentLineNumber(parser_)) + ": " + what};
  }
  void fail(std::string what) {
    if (failure_.empty()) failure_ = std::move(what);
    XML_StopParser(parser_, XML_FALSE);
  }

  static void on_start(void* self, const char* name, const char** attributes) {
    static_cast<XesParser*>(self)->start(local_name(name), attributes);
  }
  static void on_end(void* self, const char*) { static_cast<XesParser*>(self)->end(); }
  static void on_entity(void* self, const char*, int, const char*, int, const char*, const char*,
                        const char*, const char*) {
    static_cast<XesParser*>(self)->fail(
        "declares an XML entity, which an event log does not need; remove the declaration");
  }

  void start(std::string_view name, const char** attributes) {
    if (depth_ >= kMaxDepth) return fail("nested deeper than 256 levels; this is no event log");
    const In above = depth_ == 0 ? In::kTop : stack_[depth_ - 1];
    In now = In::kSkip;
    if (above == In::kTop) {
      if (name != "log")
        return fail("begins with <" + std::string(name.substr(0, 40)) +
                    ">, not <log>; give an XES file");
      now = In::kLog;
      seen_log_ = true;
    } else if (above == In::kLog && name == "trace") {
      now = In::kTrace;
      builder_.begin_trace();
      if (recorded_ != nullptr) recorded_->emplace_back();
    } else if (above == In::kLog && name == "event") {
      builder_.count("events outside any trace were dropped");
    } else if (above == In::kTrace && name == "event") {
      now = In::kEvent;
      event_.clear();
      ++events_;
      if (events_ > limits_.max_events) return fail("more events than the limit; split the file");
    } else if (above == In::kTrace || above == In::kEvent) {
      attribute(above, name, attributes);
    }
    stack_[depth_++] = now;
  }

  void end() {
    const In was = stack_[--depth_];
    if (was == In::kTrace) builder_.end_trace();
    if (was != In::kEvent) return;
    builder_.add(event_);
    if (builder_.activities() > limits_.max_activities)
      fail("more than " + std::to_string(limits_.max_activities) +
           " different activities; choose a coarser activity");
  }

  void attribute(In above, std::string_view type, const char** attributes) {
    std::string_view key, value;
    for (const char** a = attributes; *a != nullptr; a += 2) {
      if (std::strcmp(a[0], "key") == 0) key = a[1];
      if (std::strcmp(a[0], "value") == 0) value = a[1];
    }
    const bool recorded = above == In::kTrace && key == kRecordedKey;
    if (value.size() > (recorded ? kMaxRecorded : kMaxLabel)) {
      builder_.count("attribute values longer than 64 KiB were dropped");
      return;
    }
    if (above == In::kTrace) {
      if (key == "concept:name") return builder_.name_trace(std::string(value));
      if (key == "casebox:wall_time_known" && value == "false") return builder_.no_wall_time();
      if (recorded && recorded_ != nullptr) recorded_->back() = value;
      if (key.starts_with("casebox:")) return;
    } else if (event_attribute(type, key, value)) {
      return;
    }
    if (foreign_.size() < 10'000 || foreign_.contains(key)) ++foreign_[std::string(key)];
  }

  bool event_attribute(std::string_view type, std::string_view key, std::string_view value) {
    if (key == "concept:name") {
      event_.activity = value;
    } else if (key == "time:timestamp" || key == "start_timestamp") {
      const auto stamp = text::parse_iso(value);
      event_.bad_time = event_.bad_time || !stamp;
      (key == "time:timestamp" ? event_.end : event_.start) = stamp;
    } else if (key == "lifecycle:transition") {
      event_.lifecycle = lower(value);
    } else if (key == "concept:instance") {
      event_.instance = value;
    } else if (key == "org:resource") {
      event_.resource = value;
    } else if (key == "casebox:t0_ns" && type == "int") {
      event_.t0_ns = integer(value);
    } else if (key == "casebox:t1_ns" && type == "int") {
      event_.t1_ns = integer(value);
    } else if (key == "casebox:u95_ns" && type == "int") {
      event_.u95_ns = integer(value);
    } else if (key == "casebox:u95_start_ns" && type == "int") {
      event_.u95_start_ns = integer(value);
    } else if (key == "casebox:u95_end_ns" && type == "int") {
      event_.u95_end_ns = integer(value);
    } else if (key == "casebox:beside") {
      event_.beside = true;
    } else if (key == "casebox:open") {
      event_.open = value == "true";
    } else if (key == "casebox:confidence") {
      const double told = std::strtod(std::string(value).c_str(), nullptr);
      if (std::isfinite(told)) event_.confidence = told;
    } else if (key == "casebox:origin") {
      event_.origin = value == "human"       ? EventOrigin::kHuman
                      : value == "device"    ? EventOrigin::kDevice
                      : value == "algorithm" ? EventOrigin::kAlgorithm
                                             : EventOrigin::kDerived;
    } else {
      return key.starts_with("casebox:");
    }
    return true;
  }

  void note_foreign() {
    if (foreign_.empty()) return;
    std::string names;
    size_t shown = 0;
    for (const auto& [key, n] : foreign_) {
      if (shown == kNamedForeign) {
        names += ", ...";
        break;
      }
      names += (shown++ ? ", " : "") + key.substr(0, 60);
    }
    builder_.notice(std::to_string(foreign_.size()) +
                    " attributes are not used (they stay in the file): " + names);
  }

  ByteSource& source_;
  Limits limits_;
  std::vector<std::string>* recorded_;  // of each trace; may be null
  XML_Parser parser_ = nullptr;
  std::string failure_;
  LogBuilder builder_;
  RawEvent event_;
  In stack_[kMaxDepth] = {};
  int depth_ = 0;
  uint64_t events_ = 0;
  bool seen_log_ = false;
  std::map<std::string, uint64_t, std::less<>> foreign_;
};

}  // namespace

Result<EventLog> read_xes(const std::filesystem::path& path, const Limits& limits,
                          std::vector<std::string>* recorded, Planned* planned) {
  CASEBOX_TRY(const auto source, ByteSource::open(path, limits.max_bytes));
  XesParser parser(*source, limits, recorded);
  CASEBOX_TRY(EventLog log, parser.run());
  if (planned != nullptr) *planned = parser.planned();
  return log;
}

Result<EventLog> read_xes_text(std::string_view text, const std::string& name, const Limits& limits,
                               std::vector<std::string>* recorded) {
  const auto source = ByteSource::of(text, name);
  return XesParser(*source, limits, recorded).run();
}

}  // namespace casebox::analytics::readers
