#include "recorder/import.h"

#include <algorithm>
#include <cctype>
#include <deque>
#include <functional>
#include <memory>

#include "proto/base/guard.h"
#include "proto/base/seconds.h"
#include "proto/text/text.h"
#include "recorder/session.h"
#include "recorder/sources/phases_source.h"

namespace casebox::recorder {
namespace {

constexpr Duration kLabelSlack = seconds(2);  // how far people miss a video's end
constexpr int64_t kLongestCase = int64_t{48} * 3600 * 1'000'000'000;

/// A file that is being read, one batch ahead.
struct Reading {
  const ImportFile* file = nullptr;
  std::string name;
  std::unique_ptr<Source> source;
  size_t index = 0;  // in the session
  int config = 0;    // in its settings
  std::deque<Item> ahead;
  bool ended = false;
  bool failed = false;
  uint64_t items = 0;
  std::vector<StreamReport> report;  // by its streams
  std::vector<CaseTime> label_ends;  // of annotations
};

/// Annotations of a video, which may count its frames.
bool of_frames(const ImportFile& file) {
  return file.type == "phases" || file.type == "instruments";
}

std::string told(const std::string& text) { return text::to_utf8(text).utf8; }

std::string base_name(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return told(slash == std::string::npos ? path : path.substr(slash + 1));
}

v1::Stream event_stream(const char* name, v1::StreamKind kind) {
  v1::Stream stream;
  stream.set_name(name);
  stream.set_kind(kind);
  stream.set_stream_class(v1::STREAM_CLASS_A);
  stream.set_device("import");
  stream.mutable_tick_rate_hz()->set_den(1);
  return stream;
}

/// Details stay sealed: the alias and the files' names may tell whose case it is.
Result<void> write_details(Session& session, const ImportCase& what, const ImportSettings& settings,
                           Clock& clock) {
  CASEBOX_TRY(const size_t details,
              session.add_stream(event_stream("case.details", v1::STREAM_KIND_DETAILS)));
  Item item;
  item.captured = clock.mono();
  v1::Event event;
  event.mutable_details()->set_alias(what.alias);
  for (const ImportFile& file : what.files)
    event.mutable_details()->add_source_files(base_name(file.path));
  (*event.mutable_details()->mutable_fields())["origin"] = "import";
  item.what = std::move(event);
  CASEBOX_CHECK(session.put(details, std::move(item)));
  return session.consent(settings.consent, v1::CONSENT_GIVER_PATIENT, {});
}

/// Puts files that tell a time of day where their clocks say: beside the first whose beginning was
/// given, else beside the earliest, which begins the case. Clocks of different kinds cannot be
/// compared, and days apart they are not of one operation: those files begin the case, and it is
/// said.
void place_by_clocks(std::vector<Reading>& readings, SessionOptions& options, Imported& out) {
  const auto say = [&](const Reading& reading, const char* what) {
    out.skipped.push_back({base_name(reading.file->path), 0, what, false});
  };
  const Reading* anchor = nullptr;
  Wall::Kind kind = Wall::Kind::kNone;
  for (const Wall::Kind one : {Wall::Kind::kUtc, Wall::Kind::kLocal, Wall::Kind::kClock})
    for (const Reading& reading : readings) {
      const Wall wall = reading.source->wall();
      if (wall.kind != one || (kind != Wall::Kind::kNone && kind != one)) continue;
      kind = one;
      const bool earlier = anchor == nullptr || wall.ns < anchor->source->wall().ns;
      if (anchor == nullptr || (reading.file->start_given && !anchor->file->start_given) ||
          (earlier && reading.file->start_given == anchor->file->start_given))
        anchor = &reading;
    }
  if (anchor == nullptr) return;
  const Wall zero = anchor->source->wall();
  for (Reading& reading : readings) {
    const Wall wall = reading.source->wall();
    if (&reading == anchor || reading.file->start_given || wall.kind == Wall::Kind::kNone) continue;
    if (wall.kind != kind) {
      say(reading,
          "its times cannot be compared with those of another file, which tell a zone or a date "
          "that these do not: it begins with the case; say --zone, or where with --start");
      continue;
    }
    int64_t by = 0;
    if (__builtin_sub_overflow(wall.ns, zero.ns, &by) || by > kLongestCase || by < -kLongestCase) {
      say(reading,
          "its clock is days from that of another file: it begins with the case; say where with "
          "--start");
      continue;
    }
    by += from_seconds(anchor->file->start_s).ns;
    reading.source->move(nanoseconds(by));
    options.config.mutable_sources(reading.config)->set_start_s(static_cast<double>(by) * 1e-9);
  }
  // The one wall time an import may know is that of a file which tells it; its device's clock is
  // as wrong as device clocks are, so no bound is given but a day.
  if (kind != Wall::Kind::kUtc) return;
  options.start_utc = UtcTime{zero.ns} - from_seconds(anchor->file->start_s);
  options.start_utc_u95_ns = uint64_t{86'400} * 1'000'000'000;
}

/// Reads on until an item stands ready or the file ended. A failure ends the file: what nobody
/// could read is missing up to the end of the case.
void look_ahead(Reading& reading, Imported& out) {
  std::vector<Item> items;
  while (reading.ahead.empty() && !reading.ended) {
    auto more = guarded(reading.name, [&] { return reading.source->next(items); });
    for (Item& item : items) reading.ahead.push_back(std::move(item));
    items.clear();
    if (!more) {
      reading.ended = true;
      out.skipped.push_back({reading.name, 0, more.error().message});
      out.refused.push_back(more.error());
      out.end = std::max(out.end, CaseTime{} + reading.source->length());
      reading.failed = true;  // what it had read so far is still taken
    } else if (!*more) {
      reading.ended = true;
    }
  }
}

/// Opens the files and puts those that tell the time of day where they say; `unread`: those that
/// are refused. The error of the first where all are.
Result<std::vector<Reading>> open_files(const ImportCase& what, const ImportSettings& settings,
                                        Clock& clock, SessionOptions& options,
                                        std::vector<v1::SourceConfig>& unread, Imported& out) {
  std::vector<Reading> readings;
  std::vector<std::reference_wrapper<const ImportFile>> files(what.files.begin(), what.files.end());
  // A video tells how many frames a second its annotations count.
  std::ranges::stable_partition(files, [](const ImportFile& file) { return !of_frames(file); });
  double rate = 0;
  for (const ImportFile& file : files) {
    Context context;
    v1::SourceConfig& config = context.config;
    config.set_name(file.name);
    config.set_type(file.type);
    config.set_url(file.path);
    config.set_case_key(file.case_key);
    config.set_as_fast_as_possible(true);
    config.set_start_s(file.start_s);
    config.set_record_audio(settings.record_audio);
    config.set_encoding(settings.encoding);
    if (of_frames(file) && (settings.frame_rate > 0 || rate > 0))
      config.set_time_unit(frame_unit(settings.frame_rate > 0 ? settings.frame_rate : rate));
    if (file.type == "hl7") config.set_zone(told(settings.zone));
    if (file.type == "csv") {
      config.set_time_column(told(settings.time_column));
      config.set_time_unit(told(settings.time_unit));
      config.set_time_format(told(settings.time_format));
      config.set_zone(told(settings.zone));
      config.set_decimal(told(settings.decimal));
    }
    context.clock = &clock;
    v1::SourceConfig& kept = *options.config.add_sources();
    kept = config;
    kept.clear_url();  // bytes of the file system's, which no message holds
    const v1::SourceConfig config_of = kept;
    auto source = guarded(file.name, [&] { return open_source(std::move(context)); });
    if (!source) {
      out.skipped.push_back({base_name(file.path), 0, source.error().message});
      out.refused.push_back(std::move(source).error());
      unread.push_back(config_of);
      continue;
    }
    Reading& reading = readings.emplace_back();
    reading.file = &file;
    reading.name = file.name;
    reading.source = std::move(*source);
    reading.config = options.config.sources_size() - 1;
    for (const v1::Stream& stream : reading.source->streams()) {
      const v1::Rational& told = stream.media().frame_rate();
      if (rate == 0 && told.den() > 0)
        rate = static_cast<double>(told.num()) / static_cast<double>(told.den());
      StreamReport& row = reading.report.emplace_back();
      row.source = file.name;
      row.stream = stream;
    }
  }
  if (readings.empty()) return out.refused.front();
  place_by_clocks(readings, options, out);
  return readings;
}

void count(const Item& item, StreamReport& row) {
  if (const auto* gap = std::get_if<v1::Gap>(&item.what)) {
    ++row.gaps;
    row.missing += gap->missing();
    return;
  }
  row.items += item.count;
  row.first = std::min(row.first.value_or(item.t), item.t);
  row.last = std::max(row.last.value_or(item.t), item.t);
  const CaseTime end = item.t + item.duration;
  row.end = std::max(row.end.value_or(end), end);
}

/// Reads all files to their ends, items in the order in which they came. `take` may fail.
template <typename Take>
Result<void> read_through(std::vector<Reading>& readings, const ImportSettings& settings,
                          const Take& take, Imported& out) {
  double total_s = 0;
  for (const Reading& reading : readings)
    total_s = std::max(total_s, reading.source->length().seconds());
  CaseTime now;
  while (true) {
    Reading* next = nullptr;
    for (Reading& reading : readings) {
      look_ahead(reading, out);
      if (reading.ahead.empty()) continue;
      if (next == nullptr || reading.ahead.front().arrival < next->ahead.front().arrival)
        next = &reading;
    }
    if (next == nullptr) break;
    if (settings.stop && settings.stop())
      return Error{Code::kUnavailable, "stopped; the unfinished case is marked as such"};
    Item item = std::move(next->ahead.front());
    next->ahead.pop_front();
    now = std::max(now, item.arrival);
    const CaseTime end = item.t + item.duration;
    ++next->items;
    count(item, next->report[item.stream]);
    if (of_frames(*next->file) && !item.is_gap()) next->label_ends.push_back(end);
    CASEBOX_CHECK(take(*next, std::move(item), now));
    out.end = std::max(out.end, end);
    if (settings.on_progress) settings.on_progress(now, total_s);
  }
  out.end = std::max(out.end, now);
  return ok();
}

/// Labels that lie where their video has ended are of another video, or count other frames.
void look_behind_the_video(const std::vector<Reading>& readings, Imported& out) {
  std::optional<CaseTime> video;
  for (const Reading& reading : readings)
    for (const StreamReport& row : reading.report)
      if (row.stream.kind() == v1::STREAM_KIND_VIDEO && row.end)
        video = std::max(video.value_or(*row.end), *row.end);
  if (!video) return;
  for (const Reading& reading : readings) {
    if (!of_frames(*reading.file)) continue;
    const auto beyond = std::ranges::count_if(
        reading.label_ends, [&](CaseTime end) { return end - *video > kLabelSlack; });
    if (beyond == 0) continue;
    const Duration most = *std::ranges::max_element(reading.label_ends) - *video;
    out.skipped.push_back({base_name(reading.file->path), 0,
                           std::to_string(beyond) +
                               " labels lie beyond the video's end, by up to " +
                               std::to_string(most.ns / 1'000'000'000) +
                               " s: of another video, or of other frames a second (--frame-rate)?",
                           false});
  }
}

/// What the sources had to say at their ends.
void tell(std::vector<Reading>& readings, Imported& out) {
  look_behind_the_video(readings, out);
  for (Reading& reading : readings) {
    const auto& skipped = reading.source->skipped();
    out.skipped.insert(out.skipped.end(), skipped.begin(), skipped.end());
    if (reading.items == 0 && skipped.empty())
      out.skipped.push_back({reading.name, 0, "there is nothing in it", true});
    const auto notices =
        std::ranges::count(out.skipped, base_name(reading.file->path), &Skipped::file);
    for (StreamReport& row : reading.report) {
      row.notices = static_cast<uint64_t>(notices);
      out.report.push_back(std::move(row));
    }
  }
}

}  // namespace

Result<Imported> import_case(const ImportCase& what, const Digest& digest,
                             const ImportSettings& settings, keyring::ProducerKeys& keys,
                             log::Writer& log, Clock& clock) {
  Imported out;
  out.skipped = what.said;
  SessionOptions options;
  options.config.set_procedure(told(settings.procedure));
  options.config.set_room(told(settings.room));
  options.role = v1::PRODUCER_ROLE_IMPORT;
  options.software = settings.software;
  options.limits = kImportLimits;
  options.wall_clock = false;
  options.source_digest = digest;
  std::vector<v1::SourceConfig> unread;
  CASEBOX_TRY(auto readings, open_files(what, settings, clock, options, unread, out));

  CASEBOX_TRY(auto session, Session::open(std::move(options), keys, log, clock));
  CASEBOX_CHECK(write_details(*session, what, settings, clock));
  for (Reading& reading : readings) {
    CASEBOX_TRY(reading.index, session->add_source(reading.name, reading.source->streams()));
    CASEBOX_CHECK(session->clocks(reading.index, reading.source->clocks(), CaseTime{}));
  }
  for (const v1::SourceConfig& source : unread)
    CASEBOX_CHECK(
        session->away(session->expect(source), v1::Gap::ORIGIN_DECODE, "file-unreadable"));
  const auto take = [&](const Reading& reading, Item item, CaseTime now) -> Result<void> {
    item.captured = clock.mono();
    CASEBOX_CHECK(session->tick(now));
    return session->take(reading.index, std::move(item));
  };
  CASEBOX_CHECK(read_through(readings, settings, take, out));
  for (const Reading& reading : readings)
    if (reading.failed)
      CASEBOX_CHECK(session->away(reading.index, v1::Gap::ORIGIN_DECODE, "source-failed"));
  CASEBOX_CHECK(session->close(out.end));
  out.case_id = session->case_id();
  out.epoch = session->epoch();
  out.streams = session->counts();
  tell(readings, out);
  if (!session->balances())
    return Error{Code::kInternal, "the books of the import do not balance; run casebox verify"};
  return out;
}

Result<Imported> survey_case(const ImportCase& what, const ImportSettings& settings, Clock& clock) {
  Imported out;
  out.skipped = what.said;
  SessionOptions options;
  std::vector<v1::SourceConfig> unread;
  CASEBOX_TRY(auto readings, open_files(what, settings, clock, options, unread, out));
  CASEBOX_CHECK(read_through(
      readings, settings, [](const Reading&, const Item&, CaseTime) { return ok(); }, out));
  tell(readings, out);
  return out;
}

}  // namespace casebox::recorder
