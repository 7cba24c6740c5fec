#include "recorder/sources/internal/csv_times.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "proto/text/written_time.h"
#include "recorder/sources/internal/csv_table.h"
#include "recorder/sources/internal/units.h"

namespace casebox::recorder::internal {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;
constexpr double kLatest = 4e18;  // ns; the distance of any two times still fits 64 bits
constexpr int64_t kAbsolute = 100'000'000 * kSecond;  // later than this is a date

std::string lower_case(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool is_time_name(const std::string& simple) {
  static constexpr std::array kNames = {"time",      "t",        "timestamp", "elapsed",
                                        "seconds",   "datetime", "date_time", "date time",
                                        "date/time", "zeit",     "uhrzeit",   "zeitstempel",
                                        "heure",     "hora",     "clock",     "epoch"};
  return std::ranges::any_of(kNames, [&](const char* name) { return simple == name; });
}

bool is_date_name(const std::string& simple) {
  static constexpr std::array kNames = {"date", "datum", "day", "fecha", "data"};
  return std::ranges::any_of(kNames, [&](const char* name) { return simple == name; });
}

/// "time_ms" and "Time in hours" as name and unit.
void split_name(std::string& simple, std::string& unit) {
  for (const char* mark : {"_", " in "}) {
    const size_t at = simple.rfind(mark);
    if (at == std::string::npos || !is_time_name(simple.substr(0, at))) continue;
    const std::string rest = simple.substr(at + std::string_view(mark).size());
    if (!time_unit_ns(rest)) continue;
    if (unit.empty()) unit = rest;
    simple.resize(at);
    return;
  }
}

bool all_dates(const CsvColumn& c) { return c.cells.dates > 0 && c.cells.dates == c.cells.values; }
bool all_clocks(const CsvColumn& c) {
  return c.cells.clocks > 0 && c.cells.clocks == c.cells.values;
}
bool all_numbers(const CsvColumn& c) {
  return c.cells.numbers > 0 && c.cells.numbers == c.cells.values;
}

/// Reads the cells of the columns that tell the time.
class Times {
 public:
  Times(const CsvTable& table, const CsvOptions& options, const std::string& name)
      : table_(table),
        options_(options),
        name_(name),
        column_(table.columns()[static_cast<size_t>(table.time().time)]) {
    simple_ = lower_case(column_.name);
    unit_ = column_.unit;
    split_name(simple_, unit_);
  }

  Result<TableTimes> read() {
    if (!options_.zone.empty()) {
      zone_ns_ = text::parse_zone(options_.zone);
      if (!zone_ns_) return bad(0, "the zone is no offset; write Z or +02:00 for --zone");
    }
    if (all_dates(column_) || table_.time().date >= 0) {
      CASEBOX_CHECK(dates());
    } else if (all_clocks(column_)) {
      CASEBOX_CHECK(clocks());
    } else if (all_numbers(column_)) {
      CASEBOX_CHECK(numbers());
    } else {
      const CsvCells& cells = column_.cells;
      const bool none = cells.numbers + cells.dates + cells.clocks == 0;
      return bad(cells.first_other_line,
                 none ? "the times are in a form that is not read; write 2014-10-22 11:15:41, "
                        "22/10/2014 11:15:41, 11:15:41, or a number of seconds"
                      : "no time in this row that is written as the others are; mend or remove the "
                        "line");
    }
    if (out_.kind == Wall::Kind::kLocal && zone_ns_) {
      for (int64_t& t : out_.ns) t -= *zone_ns_;
      out_.kind = Wall::Kind::kUtc;
    }
    if (out_.kind == Wall::Kind::kLocal) say_local();
    return std::move(out_);
  }

 private:
  Error bad(uint64_t line, const std::string& what) const {
    return Error{Code::kInvalidArgument,
                 name_ + ":" + std::to_string(line == 0 ? table_.header_line() : line) +
                     ": column " + std::to_string(table_.time().time + 1) + ": " + what};
  }

  /// Each row's time by `parse`, never before the one above.
  template <typename Parse>
  Result<void> each(Parse parse) {
    out_.quantum_ns = INT64_MAX;
    CASEBOX_CHECK(table_.each_row([&](uint64_t line,
                                      const std::vector<std::string_view>& cells) -> Result<void> {
      const auto at = static_cast<size_t>(table_.time().time);
      if (cells[at].empty() && even()) {
        out_.ns.push_back(2 * out_.ns.back() - out_.ns[out_.ns.size() - 2]);
        ++untold_;
        return ok();
      }
      const std::optional<int64_t> ns = parse(cells[at], cells);
      if (!ns)
        return bad(line,
                   "no time in this row, or one beyond any clock; mend or remove the line, or "
                   "say --time-unit");
      int64_t t = *ns + days_over_;
      if (out_.kind == Wall::Kind::kClock && !out_.ns.empty() && out_.ns.back() - t > kDay / 2) {
        days_over_ += kDay;
        t += kDay;
      }
      if (!out_.ns.empty() && t < out_.ns.back())
        return bad(line,
                   "time goes back; sort the rows, or split the file where the clock was set");
      out_.ns.push_back(t);
      return ok();
    }));
    if (untold_ > 0)
      out_.notices.push_back(std::to_string(untold_) +
                             " rows tell no time: they follow at the step of those before them");
    if (days_over_ > 0)
      out_.notices.push_back("its clock times pass midnight " + std::to_string(days_over_ / kDay) +
                             " times; they are taken as days that follow each other");
    return ok();
  }

  /// Whether the last rows follow each other evenly: then one that tells no time does too.
  bool even() const {
    const size_t n = out_.ns.size();
    return n >= 3 && out_.ns[n - 1] > out_.ns[n - 2] &&
           out_.ns[n - 1] - out_.ns[n - 2] == out_.ns[n - 2] - out_.ns[n - 3];
  }

  Result<text::DateOrder> order(const CsvColumn& dates) const {
    const std::string& told = options_.time_format;
    if (told == "dmy") return text::DateOrder::kDayFirst;
    if (told == "mdy") return text::DateOrder::kMonthFirst;
    if (!told.empty() && told != "ymd")
      return bad(0, "the order of dates is dmy, mdy or ymd; write one for --time-format");
    if (dates.cells.slashed == 0 || told == "ymd") return text::DateOrder::kUnknown;
    const bool day = dates.cells.day_first > 0, month = dates.cells.month_first > 0;
    if (day == month)
      return bad(0,
                 day ? "some dates can only be day-first and some only month-first; mend them"
                     : "its dates may be day-first or month-first; say --time-format dmy or mdy");
    return day ? text::DateOrder::kDayFirst : text::DateOrder::kMonthFirst;
  }

  Result<void> dates() {
    const int date = table_.time().date;
    const CsvColumn& column = date >= 0 ? table_.columns()[static_cast<size_t>(date)] : column_;
    CASEBOX_TRY(const text::DateOrder known, order(column));
    uint64_t zoned = 0, rows = 0;
    std::string joined;
    CASEBOX_CHECK(each([&](std::string_view cell, const auto& cells) -> std::optional<int64_t> {
      if (date >= 0) {
        joined = std::string(cells[static_cast<size_t>(date)]) + " " + std::string(cell);
        cell = joined;
      }
      auto stamp = text::parse_iso(cell);
      if (!stamp) stamp = text::parse_slashed(cell, known);
      if (!stamp) return std::nullopt;
      ++rows;
      zoned += stamp->zoned;
      out_.quantum_ns = std::min(out_.quantum_ns, stamp->grain_ns);
      return stamp->utc_ns;
    }));
    if (zoned > 0 && zoned < rows)
      return bad(0, "some of its times tell a zone and some do not; mend them");
    out_.kind = zoned > 0 ? Wall::Kind::kUtc : Wall::Kind::kLocal;
    if (known != text::DateOrder::kUnknown && options_.time_format.empty())
      out_.notices.push_back(known == text::DateOrder::kDayFirst
                                 ? "its dates are day-first: some of them can be nothing else"
                                 : "its dates are month-first: some of them can be nothing else");
    return ok();
  }

  Result<void> clocks() {
    out_.kind = Wall::Kind::kClock;
    const std::string unit = lower_case(options_.time_unit.empty() ? unit_ : options_.time_unit);
    if (!unit.empty() && !is_clock_unit(unit))
      return bad(0,
                 "its times are no numbers of a unit; say hh:mm:ss, hh:mm or mm:ss for "
                 "--time-unit");
    bool twelve = simple_ == "uhrzeit" || simple_ == "clock";  // hours, by their name or AM and PM
    const bool minutes = unit.find("mm:ss") != std::string::npos && unit.find('h') == unit.npos;
    std::string longer;
    CASEBOX_CHECK(each([&](std::string_view cell, const auto&) -> std::optional<int64_t> {
      if (minutes) {
        longer = "0:" + std::string(cell);
        cell = longer;
      }
      const auto stamp = text::parse_clock(cell);
      if (!stamp) return std::nullopt;
      out_.quantum_ns = std::min(out_.quantum_ns, stamp->grain_ns);
      twelve = twelve || cell.find_first_of("mM") != std::string_view::npos;
      return stamp->utc_ns;
    }));
    if (!minutes && out_.quantum_ns == 60 * kSecond && unit.find("h:mm") == std::string::npos &&
        !twelve)
      return bad(0,
                 "its times may be hours and minutes or minutes and seconds; say --time-unit "
                 "hh:mm or mm:ss");
    if (out_.ns.front() != 0)
      out_.notices.push_back(
          "its clock times have no date: the first of them is the table's beginning");
    return ok();
  }

  /// What one of the numbers is, in ns; 0: days of a spreadsheet.
  Result<int64_t> unit_of_numbers() {
    const std::string told = lower_case(options_.time_unit);
    if (told == "excel") return 0;
    if (!told.empty()) {
      if (const auto unit = time_unit_ns(told)) return *unit;
      return bad(0,
                 "the unit of the time is not known; write s, ms, us, ns, min, h, d or excel "
                 "for --time-unit");
    }
    if (!unit_.empty()) {
      if (const auto unit = time_unit_ns(unit_)) return *unit;
      return bad(0,
                 "the unit of the time is not known; write h, min, s, ms, us or ns, or say "
                 "--time-unit");
    }
    const CsvCells& cells = column_.cells;
    if (const int64_t unit = text::unix_unit(cells.least, cells.most)) {
      if (unit != kSecond)
        out_.notices.push_back(std::string("its times are taken as ") +
                               (unit == kMillisecond ? "ms"
                                : unit == 1000       ? "us"
                                                     : "ns") +
                               " since 1970");
      return unit;
    }
    if (text::may_be_serial_day(cells.least) && text::may_be_serial_day(cells.most)) {
      CASEBOX_TRY(const bool days, are_days());
      if (days) return 0;
    }
    return kSecond;
  }

  // Days of a spreadsheet lie on whole seconds, to their last place; as seconds they are uneven.
  Result<bool> are_days() {
    uint64_t rows = 0, fine = 0, telling = 0, on_second = 0;
    std::vector<double> values;
    CASEBOX_CHECK(table_.each_row([&](uint64_t, const std::vector<std::string_view>& cells) {
      const std::string_view cell = cells[static_cast<size_t>(table_.time().time)];
      double value = 0;
      bool missing = false;
      CsvTable::number(cell, value, missing);
      const size_t point = cell.find('.');
      const int places = point == cell.npos ? 0 : static_cast<int>(cell.size() - point - 1);
      ++rows;
      fine += places >= 5;
      telling += places >= 6;
      on_second += text::on_a_second(value, places);
      values.push_back(value);
      return ok();
    }));
    if (fine * 2 < rows) return false;
    bool even = values.size() > 2;
    for (size_t i = 2; even && i < values.size(); ++i)
      even = std::abs((values[i] - values[i - 1]) - (values[1] - values[0])) <
             1e-3 * std::abs(values[1] - values[0]);
    if (on_second == rows && telling >= 3) {
      out_.notices.push_back(
          "its times are taken as days of a spreadsheet (Excel): each lies on a whole second; if "
          "they are seconds, say --time-unit s");
      return true;
    }
    if (even && on_second * 2 < rows) return false;
    return bad(0,
               "its times may be seconds or days of a spreadsheet; say --time-unit s or "
               "--time-unit excel");
  }

  Result<void> numbers() {
    CASEBOX_TRY(const int64_t unit, unit_of_numbers());
    out_.quantum_ns = 0;
    int64_t quantum = unit == 0 ? kSecond : unit;
    CASEBOX_CHECK(each([&](std::string_view cell, const auto&) -> std::optional<int64_t> {
      int64_t ns = 0;
      if (unit == 0) return serial(cell);
      if (!to_time(cell, unit, ns)) return std::nullopt;
      const size_t point = cell.find('.');
      if (point != std::string_view::npos) {
        int64_t fine = unit;
        for (size_t i = point + 1; i < cell.size() && fine > 1; ++i) fine /= 10;
        quantum = std::min(quantum, std::max<int64_t>(fine, 1));
      }
      return ns;
    }));
    out_.quantum_ns = quantum;
    if (unit == 0) {
      out_.kind = Wall::Kind::kLocal;
    } else if (std::abs(out_.ns.front()) > kAbsolute) {
      out_.kind = Wall::Kind::kUtc;
    }
    return ok();
  }

  /// Days carry no more than milliseconds.
  static std::optional<int64_t> serial(std::string_view cell) {
    double value = 0;
    bool missing = false;
    if (!CsvTable::number(cell, value, missing) || missing || !(std::abs(value) < 100'000))
      return std::nullopt;
    int64_t ns = text::from_serial_day(value);
    const size_t point = cell.find('.');
    const int places = point == cell.npos ? 0 : static_cast<int>(cell.size() - point - 1);
    const int64_t grain = text::on_a_second(value, places) ? kSecond : kMillisecond;
    ns += grain / 2;
    return ns - ((ns % grain) + grain) % grain;
  }

  /// A cell in ns: exact for nine decimals of a second.
  static bool to_time(std::string_view cell, int64_t unit_ns, int64_t& ns) {
    int64_t code = 0;
    if (unit_ns == kSecond && CsvTable::scaled(cell, 9, code)) {
      ns = code;
      return true;
    }
    double value = 0;
    bool missing = false;
    if (!CsvTable::number(cell, value, missing) || missing || !std::isfinite(value)) return false;
    // Split, so that times of today's date keep their nanoseconds' worth of digits.
    const double whole = std::floor(value);
    if (std::abs(whole) > kLatest / static_cast<double>(unit_ns)) return false;
    ns = static_cast<int64_t>(whole) * unit_ns +
         std::llround((value - whole) * static_cast<double>(unit_ns));
    return true;
  }

  void say_local() {
    out_.notices.push_back("its clock times tell no zone, so UTC is not known; say it with --zone");
    // A clock that goes an hour on between two rows may have been set to summer time.
    for (size_t i = 2; i < out_.ns.size(); ++i) {
      const int64_t usual = out_.ns[i - 1] - out_.ns[i - 2];
      const int64_t more = out_.ns[i] - out_.ns[i - 1] - 3600 * kSecond;
      if (usual < 600 * kSecond && more > 0 && more <= usual) {
        out_.notices.push_back(
            "an hour is missing between two rows: it may be the change to summer time, and then "
            "nothing is missing");
        return;
      }
    }
  }

  const CsvTable& table_;
  const CsvOptions& options_;
  const std::string& name_;
  const CsvColumn& column_;
  std::string simple_, unit_;
  std::optional<int64_t> zone_ns_;
  int64_t days_over_ = 0;
  uint64_t untold_ = 0;  // rows without a time
  TableTimes out_;
};

}  // namespace

CsvOptions CsvOptions::of(const v1::SourceConfig& config) {
  return {config.time_column(), config.time_unit(), config.time_format(), config.zone(),
          config.decimal()};
}

std::optional<int64_t> time_unit_ns(const std::string& unit) {
  struct Unit {
    int64_t ns;
    std::initializer_list<const char*> names;
  };
  static const Unit kUnits[] = {
      {kSecond, {"s", "sec", "secs", "second", "seconds"}},
      {kMillisecond, {"ms", "msec", "msecs", "millisecond", "milliseconds"}},
      {1'000, {"us", "usec", "usecs", "microsecond", "microseconds"}},
      {1, {"ns", "nsec", "nanosecond", "nanoseconds"}},
      {60 * kSecond, {"min", "mins", "minute", "minutes"}},
      {3600 * kSecond, {"h", "hr", "hrs", "hour", "hours"}},
      {kDay, {"d", "day", "days"}}};
  if (unit.empty()) return std::nullopt;
  const std::string plain = lower_case(ucum(unit));
  for (const Unit& one : kUnits)
    for (const char* name : one.names)
      if (plain == name) return one.ns;
  return std::nullopt;
}

bool is_clock_unit(std::string_view unit) {
  const std::string plain = lower_case(unit);
  return plain.find(':') != std::string::npos && plain.find("m") != std::string::npos &&
         plain.find_first_not_of("hms:.f0 ") == std::string::npos;
}

Result<TimeColumns> find_time(const std::vector<CsvColumn>& columns, const CsvOptions& options,
                              const std::string& name, std::vector<std::string>& notices) {
  TimeColumns out;
  int date = -1, dated = -1, only_dates = 0, named = -1, much_named = 0, days = -1;
  for (size_t i = 0; i < columns.size(); ++i) {
    const CsvColumn& column = columns[i];
    const int at = static_cast<int>(i);
    if (!options.time_column.empty()) {
      if (column.name == options.time_column || column.header == options.time_column) out.time = at;
    }
    std::string simple = lower_case(column.name), unit = column.unit;
    split_name(simple, unit);
    if (options.time_column.empty() && out.time < 0 && is_time_name(simple)) out.time = at;
    if (date < 0 && is_date_name(simple) && all_dates(column)) date = at;
    if (days < 0 && is_date_name(simple) && all_numbers(column)) days = at;
    if (all_dates(column)) {
      dated = at;
      ++only_dates;
    }
    if ((simple.find("time") != std::string::npos || simple.find("zeit") != std::string::npos) &&
        (all_dates(column) || all_clocks(column) || all_numbers(column))) {
      named = at;
      ++much_named;
    }
  }
  if (!options.time_column.empty() && out.time < 0)
    return Error{Code::kInvalidArgument,
                 name +
                     ": no column has the name given with --time-column; write it as the header "
                     "does, without its unit"};
  if (out.time < 0) out.time = date;
  if (out.time < 0 && only_dates == 1) {
    out.time = dated;
    notices.push_back("column " + std::to_string(dated + 1) +
                      " is taken as the time: it alone holds dates");
  }
  if (out.time < 0) out.time = days;
  if (out.time < 0 && much_named == 1) {
    out.time = named;
    notices.push_back("column " + std::to_string(named + 1) +
                      " is taken as the time: it alone has a name like it");
  }
  if (out.time >= 0 && all_clocks(columns[static_cast<size_t>(out.time)]) && date >= 0 &&
      date != out.time)
    out.date = date;
  if (out.time >= 0) {
    const CsvColumn& column = columns[static_cast<size_t>(out.time)];
    if (column.cells.values == 0)
      return Error{Code::kInvalidArgument,
                   name + ": column " + std::to_string(out.time + 1) +
                       ": no time in this row, nor in any other; is this the file?"};
  }
  return out;
}

Result<TableTimes> read_times(const CsvTable& table, const CsvOptions& options,
                              const std::string& name) {
  return Times(table, options, name).read();
}

}  // namespace casebox::recorder::internal
