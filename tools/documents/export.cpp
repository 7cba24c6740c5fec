#include "tools/documents/export.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "analytics/jobs/jobs.h"
#include "analytics/readers/xes_reader.h"
#include "analytics/readers/xes_writer.h"
#include "tools/cli/names.h"
#include "tools/documents/playable.h"
#include "tools/documents/playable_init.h"
#include "tools/store/channel_digest.h"

namespace casebox::tools {
namespace {

constexpr Duration kReorder = seconds(10);

bool is_media(v1::StreamKind kind) {
  return kind == v1::STREAM_KIND_VIDEO || kind == v1::STREAM_KIND_AUDIO;
}
bool is_samples(v1::StreamKind kind) {
  return kind == v1::STREAM_KIND_WAVE || kind == v1::STREAM_KIND_NUMERIC ||
         kind == v1::STREAM_KIND_TWIN_SERIES;
}

Result<void> write(std::FILE* out, BytesView text) {
  if (std::fwrite(text.data(), 1, text.size(), out) != text.size())
    return Error{Code::kIo, "output: cannot be written; check the disk and the reader of the pipe"};
  return ok();
}

/// Nanoseconds as seconds with nine digits: exact.
std::string seconds_text(int64_t ns) {
  const bool negative = ns < 0;
  const uint64_t n = negative ? 0 - static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  std::string fraction = std::to_string(n % 1'000'000'000);
  fraction.insert(0, 9 - fraction.size(), '0');
  return (negative ? "-" : "") + std::to_string(n / 1'000'000'000) + "." + fraction;
}

/// code / 10^decimals without a detour over binary fractions.
std::string scaled_text(int64_t code, uint32_t decimals) {
  const bool negative = code < 0;
  std::string digits =
      std::to_string(negative ? 0 - static_cast<uint64_t>(code) : static_cast<uint64_t>(code));
  if (decimals > 0) {
    if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
    digits.insert(digits.size() - decimals, ".");
  }
  return (negative ? "-" : "") + digits;
}

std::string rounded(double value, std::chars_format format, int precision) {
  char buffer[512];
  const auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, value, format, precision);
  return ec == std::errc() ? std::string(buffer, end) : shortest(value);
}

int64_t sample_time(const storage::SampleRun& run, size_t i) {
  if (!run.times.empty()) return run.times[i].ns;
  return run.t0.ns + static_cast<int64_t>(std::llround(static_cast<double>(i) * 1e9 / run.rate_hz));
}

/// One column of a sample stream: all its samples in time order, as text.
struct Column {
  std::vector<std::pair<int64_t, std::string>> cells;
  size_t at = 0;
};

Result<Column> read_column(const storage::CaseReader& reader, const std::string& stream,
                           const v1::Channel& channel, storage::Span span) {
  Column column;
  CASEBOX_CHECK(reader.samples(stream, channel.name(), span, [&](const storage::SampleRun& run) {
    const bool ints = !run.codes.empty();
    for (size_t i = 0; i < run.values.size(); ++i) {
      const int64_t t = sample_time(run, i);
      if (t < span.from.ns || t >= span.to.ns) continue;
      const bool missing = !run.missing.empty() && run.missing[i];
      column.cells.emplace_back(
          t, missing ? "" : value_text(channel, run.values[i], ints ? run.codes[i] : 0, ints));
    }
    return ok();
  }));
  return column;
}

Result<void> samples_csv(const storage::CaseReader& reader, const v1::Stream& stream,
                         storage::Span span, std::FILE* out) {
  std::string line = "t_s";
  for (const v1::Channel& channel : stream.channels())
    line += "," + csv_field(channel.name() + " [" + channel.unit() + "]");
  CASEBOX_CHECK(write(out, line + "\n"));
  // Windows keep memory bounded: a day of waves has 10^8 samples.
  constexpr int64_t kWindow = 60'000'000'000;
  int64_t from = std::max(span.from.ns, reader.record().first_t_ns());
  const int64_t to = std::min(span.to.ns, reader.record().last_t_ns() + 1'000'000'000);
  for (; from < to; from += kWindow) {
    const storage::Span window{CaseTime{from}, CaseTime{std::min(from + kWindow, to)}};
    std::vector<Column> columns;
    for (const v1::Channel& channel : stream.channels()) {
      CASEBOX_TRY(Column column, read_column(reader, stream.name(), channel, window));
      columns.push_back(std::move(column));
    }
    while (true) {
      int64_t t = INT64_MAX;
      for (const Column& column : columns)
        if (column.at < column.cells.size()) t = std::min(t, column.cells[column.at].first);
      if (t == INT64_MAX) break;
      line = seconds_text(t);
      for (Column& column : columns) {
        line += ',';
        if (column.at < column.cells.size() && column.cells[column.at].first == t)
          line += column.cells[column.at++].second;
      }
      CASEBOX_CHECK(write(out, line + "\n"));
    }
  }
  return ok();
}

std::string kind_of(const v1::Event& event) {
  const auto* field = v1::Event::descriptor()->FindFieldByNumber(event.what_case());
  return field == nullptr ? "" : field->name();
}

Result<void> events_csv(const storage::CaseReader& reader, const v1::Stream& stream,
                        storage::Span span, std::FILE* out) {
  CASEBOX_TRY(const auto events, reader.events_of(stream.name(), span));
  CASEBOX_CHECK(write(out, "t_s,duration_s,kind,text\n"));
  for (const storage::EventAt& at : events) {
    std::string duration;
    if (at.event.has_interval() && at.event.interval().duration_ns() >= 0)
      duration = seconds_text(at.event.interval().duration_ns());
    CASEBOX_CHECK(write(out, seconds_text(at.t.ns) + "," + duration + "," + kind_of(at.event) +
                                 "," + csv_field(event_text(at.event)) + "\n"));
  }
  return ok();
}

/// An event of an exported log; `what`: it stands beside the pathway, as this.
struct Beside {
  analytics::LogEvent event;
  std::string what;
};

/// What comparing a case leaves out, and a reader of the log may want: alarms, checklists, reasons,
/// and the marks of phases that begin and end.
Result<void> add_beside(const storage::CaseReader& reader, analytics::EventLog& log,
                        std::vector<Beside>& events) {
  for (const v1::StreamKind kind : {v1::STREAM_KIND_TEAM, v1::STREAM_KIND_ALARM}) {
    CASEBOX_TRY(const auto found, reader.events(kind));
    for (const storage::EventAt& at : found) {
      const std::string& code = at.event.mark().code();
      const bool reason = at.event.has_mark() && code == "reason";
      const bool phase = at.event.has_mark() && (code == "phase.begin" || code == "phase.end");
      if (at.event.has_mark() && !reason && !phase) continue;  // it is compared
      analytics::LogEvent event;
      event.activity = log.intern(event_text(at.event));
      event.t0_ns = event.t1_ns = at.t.ns;
      event.u95_ns = at.u95_us == frame::kUnknownU95 ? -1 : int64_t{at.u95_us} * 1000;
      event.origin = kind == v1::STREAM_KIND_TEAM ? analytics::EventOrigin::kHuman
                                                  : analytics::EventOrigin::kDevice;
      event.resource = name_of(kind);
      events.push_back({std::move(event), at.event.has_checklist() ? "checklist"
                                          : reason                 ? "reason"
                                          : phase                  ? "phase-mark"
                                                                   : name_of(kind)});
    }
  }
  return ok();
}

}  // namespace

std::string value_text(const v1::Channel& channel, double value, int64_t code, bool is_code) {
  if (is_code && channel.gain() == 0) return scaled_text(code, channel.decimals());
  if (std::isnan(value)) return channel.text().nan().empty() ? "nan" : channel.text().nan();
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  const auto precision = static_cast<int>(std::min(channel.text().precision(), 64u));
  switch (channel.text().style()) {
    case v1::TextFormat::STYLE_FIXED: return rounded(value, std::chars_format::fixed, precision);
    case v1::TextFormat::STYLE_GENERAL:
      return rounded(value, std::chars_format::general, precision);
    default: break;
  }
  if (channel.type() == v1::SAMPLE_TYPE_F32) {  // shortest text of the float, not of its double
    char buffer[64];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(value)).ptr;
    return std::string(buffer, end);
  }
  return shortest(value);
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

Result<v1::Stream> find_stream(const storage::CaseReader& reader, const std::string& name) {
  if (auto stream = reader.find_stream(name)) return *stream;
  std::string known;
  for (const v1::Stream& stream : reader.streams())
    known += (known.empty() ? "" : ", ") + stream.name();
  return Error{Code::kNotFound, "--stream: the case has no stream '" + name + "'; it has " + known};
}

Result<void> export_csv(const storage::CaseReader& reader, const std::string& name,
                        storage::Span span, std::FILE* out) {
  CASEBOX_TRY(const v1::Stream stream, find_stream(reader, name));
  if (is_media(stream.kind()))
    return Error{Code::kUnsupported, "--stream: " + name + " is video or audio; use --format mp4"};
  return is_samples(stream.kind()) ? samples_csv(reader, stream, span, out)
                                   : events_csv(reader, stream, span, out);
}

Result<void> export_mp4(const storage::CaseReader& reader, const std::string& name,
                        storage::Span span, std::FILE* out) {
  CASEBOX_TRY(const v1::Stream stream, find_stream(reader, name));
  if (!is_media(stream.kind()))
    return Error{Code::kUnsupported,
                 "--stream: " + name + " is not video or audio; use --format csv"};
  if (stream.media().init_segment().empty())
    return Error{Code::kCorrupt, "--stream: " + name + " has no init segment; verify the case"};
  CASEBOX_TRY(const uint32_t timescale, playable_timescale(stream.media().init_segment()));
  PlayableWriter writer(stream, timescale, std::nullopt,
                        [&](BytesView bytes) { return write(out, bytes); });
  // Pictures that come later may be needed for those before the end: whole fragments are taken.
  const storage::Span wide{span.from, span.to + kReorder};
  CASEBOX_CHECK(reader.packets(name, wide, [&](const storage::PacketAt& packet) {
    const CaseTime fragment = packet.t - nanoseconds(packet.packet.dt_ns());
    return fragment >= span.to ? ok() : writer.add(packet);
  }));
  CASEBOX_CHECK(writer.finish());
  return writer.any() ? ok() : write(out, stream.media().init_segment());
}

Result<void> export_xes(const storage::CaseReader& reader, std::FILE* out) {
  CASEBOX_TRY(auto compared, analytics::jobs::for_conformance(reader));
  analytics::EventLog& log = compared.log;
  std::vector<Beside> events;
  for (analytics::LogEvent& event : log.traces[compared.info.trace].events) {
    if (event.origin == analytics::EventOrigin::kAlgorithm && !compared.placed) event.timed = false;
    events.push_back({std::move(event), ""});
  }
  CASEBOX_CHECK(add_beside(reader, log, events));
  std::ranges::stable_sort(events, {}, [](const Beside& one) { return one.event.t0_ns; });
  analytics::Trace& trace = log.traces[compared.info.trace];
  trace.events.clear();
  analytics::readers::XesExtras extras;
  for (Beside& one : events) {
    if (!one.what.empty()) extras.beside[trace.events.size()] = one.what;
    trace.events.push_back(std::move(one.event));
  }
  extras.of_each_trace = {
      {"casebox:procedure", reader.record().procedure()},
      {"casebox:verdict", verify::to_string(reader.verdict())},
      {analytics::readers::kRecordedKey, analytics::conformance::recorded_text(compared.recorded)}};
  Result<void> written = ok();
  analytics::readers::write_xes(
      log,
      [&](std::string_view piece) {
        if (written) written = write(out, piece);
      },
      extras);
  return written;
}

}  // namespace casebox::tools
