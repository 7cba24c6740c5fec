#include "analytics/readers/csv_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "analytics/readers/internal/csv_rows.h"
#include "analytics/readers/internal/log_builder.h"
#include "proto/text/text.h"

namespace casebox::analytics::readers {
namespace {

using internal::ByteSource;
using internal::CsvRows;
using internal::LogBuilder;
using internal::RawEvent;
using text::DateOrder;
using text::Stamp;

constexpr size_t kNone = SIZE_MAX;
constexpr int64_t kMillisecond = 1'000'000;
constexpr size_t kNamedUnused = 12;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

class CsvLog {
 public:
  CsvLog(ByteSource& source, const CsvMapping& mapping, const Limits& limits)
      : rows_(source), mapping_(mapping), limits_(limits) {}

  const Planned& planned() const { return builder_.planned(); }
  Result<EventLog> run() {
    CASEBOX_CHECK(header());
    CASEBOX_CHECK(read_rows());
    CASEBOX_CHECK(decide_dates());
    CASEBOX_CHECK(check_order());
    return build();
  }

 private:
  /// A time as written, in `times_text_`.
  struct Written {
    uint64_t at = 0;
    uint32_t size = 0;
  };
  // A row kept until the order of dates is known; rows of a case need not stand together. Texts
  // that come again are kept once.
  struct Row {
    uint32_t case_index, activity, resource, lifecycle, instance, line;
    Written start, end;
  };
  class Texts {
   public:
    uint32_t id(const std::string& text) {
      if (!text::is_utf8(text)) return id(text::to_utf8(text).utf8);
      const auto [it, added] = ids_.try_emplace(text, static_cast<uint32_t>(list_.size()));
      if (added) list_.push_back(&it->first);
      return it->second;
    }
    const std::string& of(uint32_t id) const { return *list_[id]; }
    size_t size() const { return list_.size(); }

   private:
    std::unordered_map<std::string, uint32_t> ids_;
    std::vector<const std::string*> list_;
  };

  Written keep(const std::string& time) {
    const Written out{times_text_.size(), static_cast<uint32_t>(time.size())};
    times_text_ += time;
    return out;
  }
  std::string_view text(const Written& written) const {
    return std::string_view(times_text_).substr(written.at, written.size);
  }

  Result<size_t> column(const std::string& wanted, const char* what,
                        std::initializer_list<const char*> usual, bool needed) {
    if (!wanted.empty()) {
      const auto it = std::ranges::find(names_, wanted);
      if (it != names_.end()) return static_cast<size_t>(it - names_.begin());
      return rows_.at_line("no column '" + wanted + "' (" + what + "); the header names " +
                           std::to_string(names_.size()) + ", and this is none of them");
    }
    for (const char* name : usual)
      for (size_t i = 0; i < names_.size(); ++i)
        if (lower(names_[i]) == name) return i;
    if (!needed) return kNone;
    return rows_.at_line(std::string("no column for the ") + what +
                         "; name it in the mapping; the header names " +
                         std::to_string(names_.size()) + " columns");
  }

  Result<void> header() {
    CASEBOX_TRY(const bool any, rows_.next(names_));
    if (!any) return rows_.at_line("is empty; give a header and rows");
    const CsvMapping& m = mapping_;
    CASEBOX_TRY(case_, column(m.case_column, "case",
                              {"case:concept:name", "case_id", "caseid", "case id", "case",
                               "_case_key", "case key", "case_key", "case_concept_name"},
                              true));
    CASEBOX_TRY(activity_, column(m.activity, "activity",
                                  {"concept:name", "activity", "label", "event", "task",
                                   "activity_en", "activity name", "activity_name", "concept_name",
                                   "event name", "event_name"},
                                  true));
    CASEBOX_TRY(start_, column(m.start, "start",
                               {"start_timestamp", "start_time", "start", "start_s",
                                "start timestamp", "start time", "starttime"},
                               false));
    CASEBOX_TRY(end_, column(m.end, "end or time",
                             {"time:timestamp",
                              "end_timestamp",
                              "end_time",
                              "complete_timestamp",
                              "end",
                              "end_s",
                              "timestamp",
                              "time",
                              "time_s",
                              "t_s",
                              "complete timestamp",
                              "completion time",
                              "completetime",
                              "end timestamp",
                              "end time",
                              "endtime",
                              "eventtime",
                              "event time",
                              "event_time",
                              "time_timestamp",
                              "datetime",
                              "date"},
                             false));
    CASEBOX_TRY(resource_,
                column(m.resource, "resource",
                       {"org:resource", "resource", "org_resource", "resource_id"}, false));
    CASEBOX_TRY(lifecycle_, column(m.lifecycle, "lifecycle",
                                   {"lifecycle:transition", "lifecycle", "lifecycle_id",
                                    "lifecycle_transition", "transition"},
                                   false));
    CASEBOX_TRY(instance_, column("", "instance",
                                  {"concept:instance", "activity_instance_id", "activity_instance",
                                   "activity instance id", "instance_id"},
                                  false));
    if (start_ == kNone && end_ == kNone)
      builder_.notice("no column of times: only the order of rows is known");
    note_unused();
    return ok();
  }

  void note_unused() {
    std::string unused;
    size_t n = 0;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (i == case_ || i == activity_ || i == start_ || i == end_ || i == resource_ ||
          i == lifecycle_ || i == instance_)
        continue;
      if (++n <= kNamedUnused) unused += (n > 1 ? ", " : "") + std::to_string(i + 1);
    }
    if (n > 0)
      builder_.notice(std::to_string(n) + " columns are not used (they stay in the file): " +
                      unused + (n > kNamedUnused ? ", ..." : ""));
  }

  Result<void> read_rows() {
    std::vector<std::string> fields;
    for (;;) {
      CASEBOX_TRY(const bool more, rows_.next(fields));
      if (!more) return ok();
      if (fields.size() > names_.size())
        return rows_.at_line("has " + std::to_string(fields.size()) + " fields, the header " +
                             std::to_string(names_.size()) + "; mend the row");
      if (fields.size() < names_.size())
        builder_.count("rows shorter than the header were filled up");
      fields.resize(names_.size());
      if (rows_seen_.size() >= std::min<uint64_t>(limits_.max_events, UINT32_MAX))
        return rows_.at_line("more rows than the limit; split the file");
      const auto field = [&](size_t i) { return i == kNone ? std::string() : fields[i]; };
      const std::string& name = fields[case_];
      if (name.empty()) {
        builder_.count("rows without a case were dropped");
        continue;
      }
      Row row;
      row.line = static_cast<uint32_t>(std::min<uint64_t>(rows_.line(), UINT32_MAX));
      row.case_index = cases_.id(name);
      row.activity = activities_.id(fields[activity_]);
      row.resource = others_.id(field(resource_));
      row.instance = others_.id(field(instance_));
      row.lifecycle = others_.id(lower(field(lifecycle_)));
      const std::string start = field(start_), end = field(end_);
      look_at(start);
      look_at(end);
      row.start = keep(start);
      row.end = keep(end);
      if (activities_.size() > limits_.max_activities)
        return rows_.at_line("more than " + std::to_string(limits_.max_activities) +
                             " different activities; choose a coarser activity");
      rows_seen_.push_back(row);
    }
  }

  /// A number of a time, with a comma for the point where the file writes so.
  std::optional<double> number(std::string_view cell) const {
    char plain[48];
    if (cell.empty() || cell.size() >= sizeof plain) return std::nullopt;
    std::ranges::replace_copy(cell, plain, ',', '.');
    double value = 0;
    const auto [end, ec] = std::from_chars(plain, plain + cell.size(), value);
    if (ec != std::errc() || end != plain + cell.size() || !std::isfinite(value))
      return std::nullopt;
    return value;
  }

  void look_at(const std::string& time) {
    if (time.empty()) return;
    ++times_;
    if (const auto value = number(time)) {
      ++numbers_;
      least_ = std::min(least_, *value);
      most_ = std::max(most_, *value);
      const size_t point = time.find_first_of(".,");
      const int places = point == std::string::npos ? 0 : static_cast<int>(time.size() - point - 1);
      days_ += text::may_be_serial_day(*value);
      fine_days_ += places >= 4;
      telling_days_ += places >= 6;
      on_seconds_ += text::on_a_second(*value, places);
    }
    const auto parts = text::slashed_parts(time);
    if (!parts) return;
    ++slashed_;
    if (parts->first > 12) ++day_first_;
    if (parts->second > 12) ++month_first_;
  }

  /// Numbers: of seconds from the case's start, of a unit since 1970, or a spreadsheet's days.
  Result<void> decide_numbers() {
    if (times_ == 0 || numbers_ != times_) return ok();
    unix_unit_ = text::unix_unit(least_, most_);
    if (unix_unit_ != 0) {
      builder_.notice("times are numbers: taken as " +
                      std::string(unix_unit_ == 1'000'000'000 ? "s"
                                  : unix_unit_ == 1'000'000   ? "ms"
                                  : unix_unit_ == 1'000       ? "us"
                                                              : "ns") +
                      " since 1970, UTC");
      return ok();
    }
    // Days with a time of day have four decimals or more; seconds of that size rarely have.
    if (days_ == times_ && fine_days_ > times_ / 2) {
      if (on_seconds_ < times_ || telling_days_ < 3)
        return rows_.at_line(
            "the times may be days of a spreadsheet or seconds; write them as dates, or the "
            "seconds with at most three decimals");
      serial_ = true;
      builder_.notice("times are numbers: taken as days of a spreadsheet, all on whole seconds");
      return ok();
    }
    if (std::max(std::abs(least_), std::abs(most_)) >= 4e9)
      return rows_.at_line(
          "the times are numbers from no beginning that can be told; write dates, or seconds from "
          "the case's start");
    relative_ = true;
    builder_.notice("times are numbers: taken as seconds from the case's start");
    return ok();
  }

  Result<void> decide_dates() {
    CASEBOX_CHECK(decide_numbers());
    if (mapping_.date_order == "dmy") {
      order_ = DateOrder::kDayFirst;
    } else if (mapping_.date_order == "mdy") {
      order_ = DateOrder::kMonthFirst;
    } else if (!mapping_.date_order.empty()) {
      return rows_.at_line("date order '" + mapping_.date_order + "' is unknown; write dmy or mdy");
    } else if (slashed_ > 0) {
      if ((day_first_ > 0) == (month_first_ > 0))
        return rows_.at_line(
            day_first_ > 0 ? "some dates can only be day-first and some only month-first; mend them"
                           : "dates may be day-first or month-first; state which (dmy or mdy)");
      order_ = day_first_ > 0 ? DateOrder::kDayFirst : DateOrder::kMonthFirst;
      builder_.notice(std::string("dates are ") + (day_first_ > 0 ? "day" : "month") + "-first: " +
                      std::to_string(day_first_ + month_first_) + " of them can be nothing else");
    }
    return ok();
  }

  std::optional<Stamp> stamp(std::string_view cell, bool& bad) const {
    if (cell.empty()) return std::nullopt;
    std::optional<Stamp> out;
    if (relative_ || serial_ || unix_unit_ != 0) {
      if (const auto value = number(cell)) {
        const double whole = std::floor(*value);
        const auto per_unit = static_cast<double>(relative_ ? 1'000'000'000 : unix_unit_);
        const int64_t ns = serial_ ? (text::from_serial_day(*value) + kMillisecond / 2) /
                                         kMillisecond * kMillisecond
                                   : static_cast<int64_t>(whole) * static_cast<int64_t>(per_unit) +
                                         std::llround((*value - whole) * per_unit);
        out = Stamp{ns, ns, !serial_, 1};
      }
    } else {
      out = text::parse_iso(cell);
      if (!out) out = text::parse_slashed(cell, order_);
    }
    bad = bad || !out;
    return out;
  }

  /// The time that places a row: of its end, or of its start.
  std::optional<int64_t> place(const Row& row, bool& bad) const {
    const auto end = stamp(text(row.end), bad), start = stamp(text(row.start), bad);
    if (start) return start->utc_ns;
    return end ? std::optional(end->utc_ns) : std::nullopt;
  }

  // An event whose time cannot be read keeps the file's order, which must then be that of time: it
  // is where no time that can be read goes back. A file that runs backwards throughout is one that
  // was written newest first.
  Result<void> check_order() {
    std::vector<std::optional<int64_t>> last(cases_.size());
    const Row* unread = nullptr;
    uint64_t read = 0, falls = 0, rises = 0;
    for (const Row& row : rows_seen_) {
      bool bad = false;
      const auto t = place(row, bad);
      if (bad && unread == nullptr) unread = &row;
      if (!t) continue;
      ++read;
      auto& before = last[row.case_index];
      if (before) falls += *t<*before, rises += *t> * before;
      before = *t;
    }
    newest_first_ = falls > 0 && rises == 0;
    if (unread != nullptr && (read == 0 || falls > 0))
      return rows_.at(unread->line,
                      "the time cannot be read, and the rows are not in the order of time; write "
                      "2014-10-22 11:15:41, 22/10/2014 11:15:41, 10/22/2014 11:15 AM, or seconds "
                      "since 1970");
    if (newest_first_)
      builder_.notice("the rows of each case run newest first: they are taken in turned order");
    return ok();
  }

  Result<EventLog> build() {
    // Counting sort by case keeps the rows' order within each.
    std::vector<uint64_t> begin(cases_.size() + 1);
    for (const Row& row : rows_seen_) ++begin[row.case_index + 1];
    for (size_t c = 1; c < begin.size(); ++c) begin[c] += begin[c - 1];
    std::vector<uint32_t> sorted(rows_seen_.size());
    std::vector<uint64_t> next(begin.begin(), begin.end() - 1);
    for (uint32_t i = 0; i < rows_seen_.size(); ++i) sorted[next[rows_seen_[i].case_index]++] = i;
    LogBuilder& log = builder_;
    log.set_relative(relative_);
    RawEvent event;
    for (uint32_t c = 0; c < cases_.size(); ++c) {
      log.begin_trace();
      log.name_trace(cases_.of(c));
      if (newest_first_)
        std::reverse(sorted.begin() + static_cast<int64_t>(begin[c]),
                     sorted.begin() + static_cast<int64_t>(begin[c + 1]));
      for (uint64_t k = begin[c]; k < begin[c + 1]; ++k) {
        const Row& row = rows_seen_[sorted[k]];
        event.clear();
        event.activity = activities_.of(row.activity);
        event.start = stamp(text(row.start), event.bad_time);
        event.end = stamp(text(row.end), event.bad_time);
        if (end_ != kNone && start_ != kNone && event.start && row.end.size == 0) event.open = true;
        event.resource = others_.of(row.resource);
        event.lifecycle = others_.of(row.lifecycle);
        event.instance = others_.of(row.instance);
        log.add(event);
      }
      log.end_trace();
    }
    return log.finish();
  }

  CsvRows rows_;
  CsvMapping mapping_;
  Limits limits_;
  LogBuilder builder_;
  std::vector<std::string> names_;
  size_t case_ = kNone, activity_ = kNone, start_ = kNone, end_ = kNone, resource_ = kNone,
         lifecycle_ = kNone, instance_ = kNone;
  std::vector<Row> rows_seen_;
  std::string times_text_;
  Texts cases_, activities_, others_;  // others: resources, lifecycles, instances
  uint64_t times_ = 0, numbers_ = 0, slashed_ = 0, day_first_ = 0, month_first_ = 0;
  uint64_t days_ = 0, fine_days_ = 0, telling_days_ = 0,
           on_seconds_ = 0;  // numbers that a spreadsheet may have made
  double least_ = std::numeric_limits<double>::max(), most_ = -least_;
  int64_t unix_unit_ = 0;  // ns of one, since 1970
  bool serial_ = false;
  bool relative_ = false;
  bool newest_first_ = false;
  DateOrder order_ = DateOrder::kUnknown;
};

}  // namespace

namespace {

Result<EventLog> read_from(ByteSource& source, const CsvMapping& mapping, const Limits& limits,
                           Planned* planned) {
  CsvLog reader(source, mapping, limits);
  CASEBOX_TRY(EventLog log, reader.run());
  if (planned != nullptr) *planned = reader.planned();
  return log;
}

}  // namespace

Result<EventLog> read_csv(const std::filesystem::path& path, const CsvMapping& mapping,
                          const Limits& limits, Planned* planned) {
  CASEBOX_TRY(auto source, ByteSource::open(path, limits.max_bytes));
  char mark[2] = {};
  CASEBOX_TRY(const size_t n, source->read(mark, sizeof mark));
  CASEBOX_TRY(source, ByteSource::open(path, limits.max_bytes));
  const std::string_view begins(mark, n);
  if (begins != "\xFF\xFE" && begins != "\xFE\xFF")
    return read_from(*source, mapping, limits, planned);
  // A spreadsheet's "Unicode text", which has zeroes between its letters.
  CASEBOX_TRY(const std::string bytes, internal::read_all(*source));
  const std::string text = text::to_utf8(bytes).utf8;
  const auto converted = ByteSource::of(text, source->name());
  return read_from(*converted, mapping, limits, planned);
}

Result<EventLog> read_csv_text(std::string_view text, const std::string& name,
                               const CsvMapping& mapping, const Limits& limits, Planned* planned) {
  const auto source = ByteSource::of(text, name);
  return read_from(*source, mapping, limits, planned);
}

}  // namespace casebox::analytics::readers
