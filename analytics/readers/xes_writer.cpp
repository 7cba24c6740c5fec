#include "analytics/readers/xes_writer.h"

#include <charconv>

#include "proto/text/written_time.h"

namespace casebox::analytics::readers {
namespace {

const char* origin_name(EventOrigin origin) {
  switch (origin) {
    case EventOrigin::kHuman: return "human";
    case EventOrigin::kDevice: return "device";
    case EventOrigin::kAlgorithm: return "algorithm";
    case EventOrigin::kDerived: return "derived";
  }
  return "derived";
}

/// Length of the UTF-8 character at the front; 0 if there is none that XML may hold.
size_t character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char c = byte(0);
  const size_t n = c < 0x80                ? 1
                   : c >= 0xC2 && c < 0xE0 ? 2
                   : c >= 0xE0 && c < 0xF0 ? 3
                   : c >= 0xF0 && c < 0xF5 ? 4
                                           : 0;
  if (n == 0 || n > text.size()) return 0;
  for (size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  if (c == 0xE0 && byte(1) < 0xA0) return 0;                      // overlong
  if (c == 0xED && byte(1) >= 0xA0) return 0;                     // surrogate
  if (c == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE) return 0;  // U+FFFE, U+FFFF
  if (c == 0xF0 && byte(1) < 0x90) return 0;
  if (c == 0xF4 && byte(1) >= 0x90) return 0;
  return n;
}

void escape(std::string_view text, std::string& out) {
  constexpr const char* kReplacement = "\xEF\xBF\xBD";
  while (!text.empty()) {
    const size_t n = character(text);
    const char c = text[0];
    if (n != 1) {
      n == 0 ? out += kReplacement : out += text.substr(0, n);
      text.remove_prefix(n == 0 ? 1 : n);
      continue;
    }
    text.remove_prefix(1);
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      case '\t': out += "&#9;"; break;
      case '\r': out += "&#13;"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += kReplacement;
        else
          out += c;
    }
  }
}

void attribute(std::string& out, const char* indent, const char* type, const char* key,
               std::string_view value) {
  out += indent;
  out += '<';
  out += type;
  out += " key=\"";
  out += key;
  out += "\" value=\"";
  escape(value, out);
  out += "\"/>\n";
}

void event(std::string& out, const EventLog& log, const LogEvent& e, std::optional<int64_t> wall,
           const std::string& beside) {
  constexpr const char* kIn = "      ";
  out += "    <event>\n";
  attribute(out, kIn, "string", "concept:name", log.activities[e.activity]);
  if (e.timed) {
    // Nobody knows the date of some cases, and 1970 would be read as one.
    if (wall && (e.t1_ns != e.t0_ns || e.open))
      attribute(out, kIn, "date", "start_timestamp", text::format_utc(*wall + e.t0_ns));
    if (wall) attribute(out, kIn, "date", "time:timestamp", text::format_utc(*wall + e.t1_ns));
    attribute(out, kIn, "int", "casebox:t0_ns", std::to_string(e.t0_ns));
    attribute(out, kIn, "int", "casebox:t1_ns", std::to_string(e.t1_ns));
  }
  attribute(out, kIn, "string", "lifecycle:transition", "complete");
  if (!e.resource.empty()) attribute(out, kIn, "string", "org:resource", e.resource);
  attribute(out, kIn, "int", "casebox:u95_ns", std::to_string(e.u95_ns));
  if (e.u95_start_ns >= 0)
    attribute(out, kIn, "int", "casebox:u95_start_ns", std::to_string(e.u95_start_ns));
  if (e.u95_end_ns >= 0)
    attribute(out, kIn, "int", "casebox:u95_end_ns", std::to_string(e.u95_end_ns));
  attribute(out, kIn, "string", "casebox:origin", origin_name(e.origin));
  if (!beside.empty()) attribute(out, kIn, "string", "casebox:beside", beside);
  if (e.open) attribute(out, kIn, "boolean", "casebox:open", "true");
  if (e.confidence != 0) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, e.confidence).ptr;
    attribute(out, kIn, "float", "casebox:confidence", {text, static_cast<size_t>(end - text)});
  }
  // One attribute: readers keep only the last of several with one key.
  std::string sources;
  for (const v1::SourceRange& s : e.sources)
    sources += (sources.empty() ? "" : "; ") + s.stream() + " " + std::to_string(s.first_number()) +
               "-" + std::to_string(s.last_number());
  if (!sources.empty()) attribute(out, kIn, "string", "casebox:sources", sources);
  out += "    </event>\n";
}

}  // namespace

void write_xes(const EventLog& log, const std::function<void(std::string_view)>& sink,
               const XesExtras& extras) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<log xes.version=\"1849-2016\" xes.features=\"nested-attributes\" "
      "xmlns=\"http://www.xes-standard.org/\">\n";
  for (const auto& [name, prefix] : {std::pair{"Concept", "concept"},
                                     {"Time", "time"},
                                     {"Lifecycle", "lifecycle"},
                                     {"Organizational", "org"}}) {
    const std::string p = prefix;
    out += "  <extension name=\"" + std::string(name) + "\" prefix=\"" + p +
           "\" uri=\"http://www.xes-standard.org/" + p + ".xesext\"/>\n";
  }
  out += "  <classifier name=\"Activity\" keys=\"concept:name\"/>\n";
  for (const Trace& trace : log.traces) {
    out += "  <trace>\n";
    attribute(out, "    ", "string", "concept:name", trace.case_key);
    for (const auto& [key, value] : extras.of_each_trace)
      attribute(out, "    ", "string", key.c_str(), value);
    if (!trace.wall_start_ns) attribute(out, "    ", "boolean", "casebox:wall_time_known", "false");
    for (size_t i = 0; i < trace.events.size(); ++i) {
      const auto beside = extras.beside.find(i);
      event(out, log, trace.events[i], trace.wall_start_ns,
            beside == extras.beside.end() ? "" : beside->second);
    }
    out += "  </trace>\n";
    sink(out);
    out.clear();
  }
  sink(out + "</log>\n");
}

}  // namespace casebox::analytics::readers
