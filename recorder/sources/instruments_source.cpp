#include "recorder/sources/instruments_source.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "proto/base/file.h"
#include "recorder/sources/internal/csv_table.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/file_text.h"
#include "recorder/sources/internal/raw_annotations.h"
#include "recorder/sources/phases_source.h"

namespace casebox::recorder {
namespace {

constexpr size_t kMaxTable = 256u << 20;
constexpr size_t kMaxName = 64;
constexpr std::string_view kNamed = "instrument:";  // before a name that the vocabulary has not
// Times of day in a table of one operation; beyond, it is another kind of table.
constexpr int64_t kMaxTimeMs = int64_t{100} * 24 * 3600 * 1000;

constexpr std::array kKnown = {"Grasper", "Bipolar",   "Hook",       "Scissors",
                               "Clipper", "Irrigator", "SpecimenBag"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// An instrument's name as the vocabulary writes it; empty for one it does not have.
std::string known_name(std::string_view text) {
  for (const char* name : kKnown)
    if (lower(text) == lower(name)) return name;
  return "";
}

struct Columns {
  int name = -1, time = -1;            // case; moments
  int use = -1, start = -1, end = -1;  // uses
  std::vector<std::pair<size_t, std::string>> instruments;
  bool moments() const { return time >= 0 && instruments.size() >= 2; }
  bool uses() const { return use >= 0 && start >= 0 && end >= 0; }
};

Columns columns_of(const std::vector<std::string_view>& cells) {
  Columns out;
  for (size_t i = 0; i < cells.size(); ++i) {
    const int at = static_cast<int>(i);
    const std::string name = lower(cells[i]);
    if (name == "case" || name == "video") out.name = at;
    if (name == "time_s" || name == "t_s" || name == "second" || name == "seconds" || name == "t" ||
        name == "time")
      out.time = at;
    if (name == "instrument" || name == "tool") out.use = at;
    if (name == "start_s") out.start = at;
    if (name == "end_s") out.end = at;
    if (const std::string known = known_name(cells[i]); !known.empty())
      out.instruments.emplace_back(i, known);
    if (cells[i].starts_with(kNamed) && cells[i].size() <= kNamed.size() + kMaxName) {
      const std::string other(cells[i].substr(kNamed.size()));
      const std::string known = known_name(other);
      out.instruments.emplace_back(i, known.empty() ? other : known);
    }
  }
  return out;
}

/// What one case of the file says: moments, each with the instruments in use, or uses.
struct Change {
  int64_t t_ms = 0;
  std::string instrument;
  bool on = false;
};
struct Missing {
  int64_t from_ms = 0, to_ms = 0;
};
struct Table {
  std::vector<Change> changes;
  std::vector<Missing> missing;
  std::vector<std::string> left_out;  // columns
  int64_t first_ms = 0, last_ms = 0, step_ms = 0;
  bool any = false;
};

Error bad(const std::string& file, uint64_t line, const std::string& what) {
  return {Code::kInvalidArgument, file + ":" + std::to_string(line) + ": " + what};
}

/// Calls `visit` with each row of the chosen case (all, if it is empty), after the header.
Result<Columns> each_row(
    const std::string& text, const std::string& file, std::vector<std::string>& header,
    const std::function<Result<void>(uint64_t, const Columns&,
                                     const std::vector<std::string_view>&)>& visit) {
  std::vector<std::string_view> cells;
  Columns columns;
  size_t width = 0;
  uint64_t line = 0;
  for (size_t from = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; from < text.size();) {
    ++line;
    const size_t end = std::min(text.find('\n', from), text.size());
    std::string_view row = std::string_view(text).substr(from, end - from);
    if (row.ends_with('\r')) row.remove_suffix(1);
    from = end + 1;
    if (row.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    internal::split_csv(row, ',', cells);
    if (width == 0) {
      columns = columns_of(cells);
      width = cells.size();
      header.assign(cells.begin(), cells.end());
      if (!columns.moments() && !columns.uses())
        return bad(file, line,
                   "the first line must name a time in s and instruments, or instrument, start_s "
                   "and end_s");
      continue;
    }
    if (cells.size() != width)
      return bad(file, line,
                 std::to_string(cells.size()) + " columns where the first line names " +
                     std::to_string(width) + "; mend or remove the line");
    CASEBOX_CHECK(visit(line, columns, cells));
  }
  if (width == 0) return Error{Code::kInvalidArgument, file + ": the file is empty"};
  return columns;
}

Result<int64_t> time_of(const std::vector<std::string_view>& cells, int column,
                        const std::string& file, uint64_t line) {
  int64_t ms = 0;
  if (!internal::CsvTable::scaled(cells[static_cast<size_t>(column)], 3, ms) ||
      std::abs(ms) > kMaxTimeMs)
    return bad(file, line,
               "column " + std::to_string(column + 1) +
                   ": not a time in s with at most three decimals; mend or remove the line");
  return ms;
}

/// One row of moments against the row before it.
class Moments {
 public:
  explicit Moments(Table& table) : table_(table) {}

  Result<void> row(const Columns& columns, const std::vector<std::string_view>& cells,
                   const std::string& file, uint64_t line) {
    CASEBOX_TRY(const int64_t t, time_of(cells, columns.time, file, line));
    if (table_.any && t <= table_.last_ms)
      return bad(file, line, "its time is not after that of the row before; sort the file");
    if (table_.any) {
      const int64_t step = t - table_.last_ms;
      if (table_.step_ms == 0 || step < table_.step_ms) table_.step_ms = step;
      rows_.emplace_back(table_.last_ms, t);
    } else {
      table_.first_ms = t;
    }
    for (size_t i = 0; i < columns.instruments.size(); ++i) {
      const auto& [column, name] = columns.instruments[i];
      const std::string_view cell = cells[column];
      if (cell != "0" && cell != "1")
        return bad(file, line,
                   "column " + std::to_string(column + 1) +
                       ": neither 0 nor 1, which say whether an instrument is in use");
      const bool on = cell == "1";
      // The first row says of each instrument how it was; from then on only changes are worth it.
      const auto [state, fresh] = on_.try_emplace(name, on);
      if (fresh || state->second != on) table_.changes.push_back({t, name, on});
      state->second = on;
    }
    table_.last_ms = t;
    table_.any = true;
    return ok();
  }
  /// The last row says once more how each was: so far it was watched.
  void finish() {
    for (const auto& [name, on] : on_)
      if (table_.last_ms > table_.first_ms) table_.changes.push_back({table_.last_ms, name, on});
    for (const auto& [before, after] : rows_)
      if (after - before > table_.step_ms * 3 / 2)
        table_.missing.push_back({before + table_.step_ms, after});
  }

 private:
  Table& table_;
  std::map<std::string, bool> on_;
  std::vector<std::pair<int64_t, int64_t>> rows_;
};

Result<Table> read(const std::string& text, const std::string& file, const std::string& key) {
  Table table;
  Moments moments(table);
  std::vector<std::string> header;
  std::set<std::string> cases;
  CASEBOX_TRY(const Columns columns,
              each_row(text, file, header,
                       [&](uint64_t line, const Columns& at,
                           const std::vector<std::string_view>& cells) -> Result<void> {
                         if (at.name >= 0) {
                           const std::string of(cells[static_cast<size_t>(at.name)]);
                           if (key.empty()) {
                             cases.insert(of);
                             if (cases.size() > 1)
                               return bad(file, line,
                                          "several cases in one file; say which with case_key in a "
                                          "recorder's configuration, or import the file without "
                                          "--case, which makes a case of each");
                           } else if (of != key) {
                             return ok();
                           }
                         }
                         if (at.moments()) return moments.row(at, cells, file, line);
                         CASEBOX_TRY(const int64_t t0, time_of(cells, at.start, file, line));
                         CASEBOX_TRY(const int64_t t1, time_of(cells, at.end, file, line));
                         if (t1 < t0)
                           return bad(file, line, "the use ends before it begins; mend it");
                         const std::string_view cell = cells[static_cast<size_t>(at.use)];
                         const std::string known = known_name(cell);
                         const std::string name = known.empty() ? std::string(cell) : known;
                         if (name.empty() || name.size() > kMaxName)
                           return bad(file, line,
                                      "an instrument has no name, or one above 64 bytes");
                         table.first_ms = table.any ? std::min(table.first_ms, t0) : t0;
                         table.last_ms = table.any ? std::max(table.last_ms, t1) : t1;
                         table.any = true;
                         table.step_ms = 1;
                         table.changes.push_back({t0, name, true});
                         table.changes.push_back({t1, name, false});
                         return ok();
                       }));
  if (!table.any)
    return Error{Code::kInvalidArgument,
                 file + (key.empty() ? ": no row in it; is this the file?"
                                     : ": the case of case_key is not in it")};
  if (columns.moments()) {
    moments.finish();
    for (size_t i = 0; i < header.size(); ++i) {
      const bool used =
          static_cast<int>(i) == columns.name || static_cast<int>(i) == columns.time ||
          std::ranges::any_of(columns.instruments, [&](const auto& one) { return one.first == i; });
      if (!used) table.left_out.push_back(std::to_string(i + 1));
    }
  }
  std::ranges::stable_sort(table.changes, {}, [](const Change& change) {
    return std::pair(change.t_ms, change.on);  // an off before an on of the same moment
  });
  return table;
}

}  // namespace

bool is_instrument_header(std::string_view line, const std::string& path) {
  std::vector<std::string_view> cells;
  if (line.ends_with('\r')) line.remove_suffix(1);
  internal::split_csv(line, ',', cells);
  const Columns columns = columns_of(cells);
  return columns.moments() || columns.uses() || internal::is_raw_instrument_header(line, path);
}

Result<std::vector<std::string>> instrument_cases(const std::string& file,
                                                  const std::string& encoding) {
  CASEBOX_TRY(const Bytes bytes, read_file(file, kMaxTable));
  const std::string text = text::to_utf8(bytes, encoding).utf8;
  const std::string_view first = std::string_view(text).substr(0, text.find('\n'));
  if (internal::is_raw_instrument_header(first, file))
    return std::vector<std::string>{internal::raw_case_name(file)};
  std::vector<std::string> out, header;
  std::set<std::string> known;
  CASEBOX_TRY(const Columns columns,
              each_row(text, file, header,
                       [&](uint64_t line, const Columns& at,
                           const std::vector<std::string_view>& cells) -> Result<void> {
                         if (at.name < 0) return ok();
                         const std::string of(cells[static_cast<size_t>(at.name)]);
                         if (of.empty() || of.size() > 256)
                           return bad(file, line,
                                      "the case has no name, or one above 256 characters");
                         if (known.insert(of).second) out.push_back(of);
                         return ok();
                       }));
  (void)columns;
  return out;
}

Result<std::unique_ptr<Source>> InstrumentsSource::open(Context context) {
  CASEBOX_TRY(const auto text, read_file(context.config.url(), kMaxTable));
  return parse(std::move(context), text);
}

Result<std::unique_ptr<Source>> InstrumentsSource::parse(Context context, const std::string& raw) {
  const v1::SourceConfig& config = context.config;
  CASEBOX_CHECK(text::check_encoding(config.encoding()));
  text::Text told = text::to_utf8(raw, config.encoding());
  std::vector<std::string> notices;
  std::string key = config.case_key();
  if (auto frames =
          internal::raw_instruments(told.utf8, config.url(), frame_rate_of(config), notices)) {
    CASEBOX_TRY(told.utf8, std::move(*frames));
    key.clear();  // the file is of one case
  }
  CASEBOX_TRY(const Table table, read(told.utf8, config.url(), key));
  std::unique_ptr<InstrumentsSource> source(new InstrumentsSource());
  CASEBOX_TRY(source->start_ns_, internal::start_of(config));
  internal::say_encoding(told, config.url(), source->skipped_);
  for (const std::string& notice : notices)
    source->skipped_.push_back({internal::base_name(config.url()), 0, notice, false});
  if (!table.left_out.empty()) {
    std::string columns;
    for (const std::string& column : table.left_out)
      columns += (columns.empty() ? "" : ", ") + column;
    source->skipped_.push_back({internal::base_name(config.url()), 0,
                                "columns " + columns + " name no instrument and are left out",
                                false});
  }
  source->step_ns_ = std::max<int64_t>(1, table.step_ms) * 1'000'000;
  const auto at = [&](int64_t ms) { return CaseTime{source->start_ns_ + ms * 1'000'000}; };
  source->end_ns_ = at(table.last_ms).ns;
  // A change was seen at a row, and happened after the one before.
  const auto u95_us = static_cast<uint32_t>(std::min<int64_t>(source->step_ns_ / 1000, 1 << 30));
  for (const Change& change : table.changes) {
    Item& item = source->items_.emplace_back();
    v1::Event event;
    event.mutable_device()->set_code("instrument." + change.instrument);
    event.mutable_device()->set_on(change.on);
    event.set_t_src(change.t_ms);
    event.set_t_src_known(true);
    item.t = item.arrival = at(change.t_ms);
    item.u95_us = u95_us;
    item.what = std::move(event);
  }
  for (const Missing& missing : table.missing) {
    Item& item = source->items_.emplace_back();
    v1::Gap gap;
    gap.set_origin(v1::Gap::ORIGIN_SOURCE);
    gap.set_reason("missing-rows");
    gap.set_count_unknown(true);
    gap.set_t_begin_ns(at(missing.from_ms).ns);
    gap.set_t_end_ns(at(missing.to_ms).ns);
    item.t = item.arrival = at(missing.from_ms);
    item.duration = nanoseconds(gap.t_end_ns() - gap.t_begin_ns());
    item.what = std::move(gap);
  }
  std::ranges::stable_sort(source->items_, {}, &Item::t);
  v1::Stream& stream = source->streams_.emplace_back();
  stream.set_name(config.name() + ".use");
  stream.set_kind(v1::STREAM_KIND_DEVICE);
  stream.set_stream_class(v1::STREAM_CLASS_A);
  stream.mutable_tick_rate_hz()->set_den(1);
  stream.set_device(config.device().empty() ? "instrument" : config.device());
  stream.set_clock_id(1);
  stream.set_source_time_unit("ms");
  return std::unique_ptr<Source>(std::move(source));
}

Result<bool> InstrumentsSource::next(std::vector<Item>& out) {
  if (at_ >= items_.size()) return false;
  out.push_back(std::move(items_[at_++]));
  return true;
}

std::vector<ClockState> InstrumentsSource::clocks() const {
  return {{1, start_ns_, 0, static_cast<uint64_t>(step_ns_), 0, false}};
}

Duration InstrumentsSource::length() const { return nanoseconds(std::max<int64_t>(0, end_ns_)); }

}  // namespace casebox::recorder
