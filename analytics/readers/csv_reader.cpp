#include "analytics/readers/csv_reader.h"

#include <algorithm>
#include <unordered_map>

#include "analytics/readers/internal/csv_rows.h"
#include "analytics/readers/internal/log_builder.h"

namespace casebox::analytics::readers {
namespace {

using internal::ByteSource;
using internal::CsvRows;
using internal::DateOrder;
using internal::LogBuilder;
using internal::RawEvent;
using internal::Stamp;

constexpr size_t kNone = SIZE_MAX;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

class CsvLog {
 public:
  CsvLog(ByteSource& source, const CsvMapping& mapping, const Limits& limits)
      : rows_(source), mapping_(mapping), limits_(limits) {}

  Result<EventLog> run() {
    CASEBOX_CHECK(header());
    CASEBOX_CHECK(read_rows());
    CASEBOX_CHECK(decide_dates());
    return build();
  }

 private:
  // A row kept until the order of dates is known; rows of a case need not stand together.
  struct Row {
    uint32_t case_index;
    std::string activity, start, end, resource, lifecycle;
  };

  Result<size_t> column(const std::string& wanted, const char* what,
                        std::initializer_list<const char*> usual, bool needed) {
    if (!wanted.empty()) {
      const auto it = std::ranges::find(names_, wanted);
      if (it != names_.end()) return static_cast<size_t>(it - names_.begin());
      return rows_.at_line("no column '" + wanted + "' (" + what + "); there are: " + listed());
    }
    for (const char* name : usual)
      for (size_t i = 0; i < names_.size(); ++i)
        if (lower(names_[i]) == name) return i;
    if (!needed) return kNone;
    return rows_.at_line(std::string("no column for the ") + what +
                         "; name it in the mapping; there are: " + listed());
  }

  std::string listed() const {
    std::string out;
    for (size_t i = 0; i < names_.size() && i < 40; ++i) out += (i ? ", " : "") + names_[i];
    return out;
  }

  Result<void> header() {
    CASEBOX_TRY(const bool any, rows_.next(names_));
    if (!any) return rows_.at_line("is empty; give a header and rows");
    const CsvMapping& m = mapping_;
    CASEBOX_TRY(case_, column(m.case_column, "case",
                              {"case:concept:name", "case_id", "caseid", "case id", "case"}, true));
    CASEBOX_TRY(activity_, column(m.activity, "activity",
                                  {"concept:name", "activity", "label", "event", "task"}, true));
    CASEBOX_TRY(start_, column(m.start, "start",
                               {"start_timestamp", "start_time", "start", "start_s"}, false));
    CASEBOX_TRY(end_, column(m.end, "end or time",
                             {"time:timestamp", "end_timestamp", "end_time", "complete_timestamp",
                              "end", "end_s", "timestamp", "time", "time_s", "t_s"},
                             false));
    CASEBOX_TRY(resource_, column(m.resource, "resource", {"org:resource", "resource"}, false));
    CASEBOX_TRY(lifecycle_, column(m.lifecycle, "lifecycle", {"lifecycle:transition"}, false));
    if (start_ == kNone && end_ == kNone)
      builder_.notice("no column of times: only the order of rows is known");
    return ok();
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
      if (rows_seen_.size() >= limits_.max_events)
        return rows_.at_line("more rows than the limit; split the file");
      const auto field = [&](size_t i) { return i == kNone ? std::string() : fields[i]; };
      const std::string& name = fields[case_];
      if (name.empty()) {
        builder_.count("rows without a case were dropped");
        continue;
      }
      const auto [it, added] = cases_.try_emplace(name, static_cast<uint32_t>(case_names_.size()));
      if (added) case_names_.push_back(name);
      Row row{it->second,  field(activity_), field(start_),
              field(end_), field(resource_), lower(field(lifecycle_))};
      look_at(row.start);
      look_at(row.end);
      if (!activities_.contains(row.activity)) {
        activities_.emplace(row.activity, 0);
        if (activities_.size() > limits_.max_activities)
          return rows_.at_line("more than " + std::to_string(limits_.max_activities) +
                               " different activities; choose a coarser activity");
      }
      rows_seen_.push_back(std::move(row));
    }
  }

  void look_at(const std::string& time) {
    if (time.empty()) return;
    ++times_;
    if (internal::parse_seconds(time)) ++numbers_;
    const auto parts = internal::slashed_parts(time);
    if (!parts) return;
    ++slashed_;
    if (parts->first > 12) ++day_first_;
    if (parts->second > 12) ++month_first_;
  }

  Result<void> decide_dates() {
    relative_ = times_ > 0 && numbers_ == times_;
    if (relative_) builder_.notice("times are numbers: taken as seconds from the case's start");
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

  std::optional<Stamp> stamp(const std::string& text, bool& bad) const {
    if (text.empty()) return std::nullopt;
    std::optional<Stamp> out;
    if (relative_) {
      if (const auto t = internal::parse_seconds(text)) out = Stamp{*t, *t, true};
    } else {
      out = internal::parse_iso(text);
      if (!out) out = internal::parse_slashed(text, order_);
    }
    bad = bad || !out;
    return out;
  }

  Result<EventLog> build() {
    // Counting sort by case keeps the rows' order within each.
    std::vector<std::vector<uint32_t>> of_case(case_names_.size());
    for (uint32_t i = 0; i < rows_seen_.size(); ++i) of_case[rows_seen_[i].case_index].push_back(i);
    LogBuilder& log = builder_;
    log.set_relative(relative_);
    RawEvent event;
    for (uint32_t c = 0; c < case_names_.size(); ++c) {
      log.begin_trace();
      log.name_trace(case_names_[c]);
      for (uint32_t i : of_case[c]) {
        Row& row = rows_seen_[i];
        event.clear();
        event.activity = std::move(row.activity);
        event.start = stamp(row.start, event.bad_time);
        event.end = stamp(row.end, event.bad_time);
        if (end_ != kNone && start_ != kNone && event.start && row.end.empty()) event.open = true;
        event.resource = std::move(row.resource);
        event.lifecycle = std::move(row.lifecycle);
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
         lifecycle_ = kNone;
  std::vector<Row> rows_seen_;
  std::unordered_map<std::string, uint32_t> cases_, activities_;
  std::vector<std::string> case_names_;
  uint64_t times_ = 0, numbers_ = 0, slashed_ = 0, day_first_ = 0, month_first_ = 0;
  bool relative_ = false;
  DateOrder order_ = DateOrder::kUnknown;
};

}  // namespace

Result<EventLog> read_csv(const std::filesystem::path& path, const CsvMapping& mapping,
                          const Limits& limits) {
  CASEBOX_TRY(const auto source, ByteSource::open(path, limits.max_bytes));
  return CsvLog(*source, mapping, limits).run();
}

Result<EventLog> read_csv_text(std::string_view text, const std::string& name,
                               const CsvMapping& mapping, const Limits& limits) {
  const auto source = ByteSource::of(text, name);
  return CsvLog(*source, mapping, limits).run();
}

}  // namespace casebox::analytics::readers
