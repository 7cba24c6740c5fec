#include "recorder/sources/internal/phase_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "recorder/sources/internal/csv_table.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/raw_annotations.h"

namespace casebox::recorder::internal {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxText = 32u << 20;
constexpr size_t kMaxIntervals = 1'000'000;
constexpr size_t kMaxLabel = 256;
constexpr int kMaxDepth = 16;
constexpr int64_t kMaxMs = 10'000'000'000;  // 115 days
constexpr int64_t kMaxUs = kMaxMs * 1000;

Error bad(const std::string& where, const std::string& what) {
  return Error{Code::kInvalidArgument, where + ": " + what};
}

Result<void> add(PhaseCase& into, PhaseInterval interval, int64_t most, const std::string& where) {
  if (interval.label.empty() || interval.label.size() > kMaxLabel)
    return bad(where, "a label of " + std::to_string(interval.label.size()) +
                          " characters; write 1 to 256");
  if (interval.start < -most || interval.end > most || interval.start > interval.end)
    return bad(where, "it ends before it starts, or lies out of range; mend its times");
  if (into.intervals.size() >= kMaxIntervals)
    return bad(where, "more than 1,000,000 intervals; split the file");
  into.intervals.push_back(std::move(interval));
  return ok();
}

bool is_mark(const std::string& label) {
  static constexpr std::array kMarks = {"out_of_body", "severe_index"};
  return std::ranges::any_of(kMarks, [&](const char* m) { return label == m; });
}

/// Deep nesting is refused before the parser sees it.
bool too_deep(const std::string& text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

Result<void> read_list(const Json& list, v1::Interval::Level level, const std::string& name,
                       const char* key, PhaseCase& into) {
  if (!list.is_array()) return bad(name, std::string("'") + key + "' is not a list");
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& entry = list[i];
    const std::string where = name + ": " + key + "[" + std::to_string(i) + "]";
    const auto whole = [&](const char* field) {
      return entry.is_object() && entry.contains(field) && entry[field].is_number_integer() &&
             !(entry[field].is_number_unsigned() && entry[field].get<uint64_t>() > INT64_MAX);
    };
    if (!whole("start") || !whole("end"))
      return bad(where, "'start' and 'end' must be whole milliseconds; mend the entry");
    if (!entry.contains("label_name") || !entry["label_name"].is_string())
      return bad(where, "'label_name' is missing; name the phase or step");
    PhaseInterval interval;
    interval.start = entry["start"].get<int64_t>();
    interval.end = entry["end"].get<int64_t>();
    interval.label = entry["label_name"].get<std::string>();
    interval.level = is_mark(interval.label) ? v1::Interval::LEVEL_MARK : level;
    if (whole("label_id")) {
      const int64_t id = entry["label_id"].get<int64_t>();
      if (id >= INT32_MIN && id <= INT32_MAX) interval.label_id = static_cast<int32_t>(id);
    }
    CASEBOX_CHECK(add(into, std::move(interval), kMaxMs, where));
  }
  return ok();
}

std::string line_of(const std::string& text, size_t byte) {
  return std::to_string(
      1 + std::count(text.begin(),
                     text.begin() + static_cast<ptrdiff_t>(std::min(byte, text.size())), '\n'));
}

/// Milliseconds where that loses nothing; microseconds else.
void to_milliseconds(PhaseFile& file) {
  file.unit_ns = 1'000;
  file.unit = "us";
  for (const PhaseCase& one : file.cases)
    for (const PhaseInterval& interval : one.intervals)
      if (interval.start % 1000 != 0 || interval.end % 1000 != 0) return;
  for (PhaseCase& one : file.cases)
    for (PhaseInterval& interval : one.intervals) {
      interval.start /= 1000;
      interval.end /= 1000;
    }
  file.unit_ns = 1'000'000;
  file.unit = "ms";
}

/// Labels and times of a form that was read otherwise are held to the same limits.
Result<void> check(PhaseFile& file, const std::string& name) {
  for (PhaseCase& one : file.cases) {
    if (one.name.empty() || one.name.size() > kMaxLabel)
      return bad(name, "a case has no name, or one above 256 characters");
    PhaseCase checked;
    for (PhaseInterval& interval : one.intervals)
      CASEBOX_CHECK(add(checked, std::move(interval), kMaxUs, name));
    one.intervals = std::move(checked.intervals);
  }
  return ok();
}

Result<PhaseFile> read_json(const std::string& text, const std::string& name, double frame_rate) {
  if (too_deep(text)) return bad(name, "nested deeper than 16 levels; is this the file?");
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::parse_error& e) {
    return bad(name + ":" + line_of(text, e.byte),
               "not JSON from byte " + std::to_string(e.byte) + " on; mend the file");
  } catch (const Json::exception&) {  // 1e999
    return bad(name, "holds a number beyond what computers count with; mend the file");
  }
  if (!json.is_object() || !json.contains("phases")) {
    if (auto raw = read_raw_json(json, name, frame_rate)) {
      CASEBOX_TRY(PhaseFile file, std::move(*raw));
      CASEBOX_CHECK(check(file, name));
      to_milliseconds(file);
      return file;
    }
    return bad(
        name,
        "JSON of no form that is known; the forms of MultiBypass140, CholecT50 and 4D-OR are "
        "read, any other as a table of case, label, start_s, end_s");
  }
  PhaseFile file;
  PhaseCase& one = file.cases.emplace_back();
  one.name = base_name(name);
  for (const char* end : {".json", ".mp4", ".mkv", ".avi"})
    if (one.name.ends_with(end)) one.name.resize(one.name.size() - std::string(end).size());
  CASEBOX_CHECK(read_list(json["phases"], v1::Interval::LEVEL_PHASE, name, "phases", one));
  if (json.contains("steps"))
    CASEBOX_CHECK(read_list(json["steps"], v1::Interval::LEVEL_STEP, name, "steps", one));
  return file;
}

struct Columns {
  int name = -1, label = -1, start = -1, end = -1, level = -1;
  bool ids = false;  // labels have their names in another file
  bool complete() const { return name >= 0 && label >= 0 && start >= 0 && end >= 0; }
};

Columns columns_of(const std::vector<std::string_view>& cells) {
  Columns out;
  for (size_t i = 0; i < cells.size(); ++i) {
    const int at = static_cast<int>(i);
    if (cells[i] == "case" || cells[i] == "video" || cells[i] == "VideoID") out.name = at;
    if (cells[i] == "label" || cells[i] == "phase" || cells[i] == "labelID") out.label = at;
    if (cells[i] == "start_s" || cells[i] == "StartTime") out.start = at;
    if (cells[i] == "end_s" || cells[i] == "EndTime") out.end = at;
    if (cells[i] == "labelID") out.ids = true;
    if (cells[i] == "level") out.level = at;
  }
  return out;
}

/// A time in seconds, to the nearest microsecond.
bool microseconds(std::string_view cell, int64_t& into) {
  const size_t point = cell.find('.');
  const std::string_view kept = cell.substr(0, point == cell.npos ? point : point + 7);
  const std::string_view rest = cell.substr(kept.size());
  if (!std::ranges::all_of(rest, [](unsigned char c) { return std::isdigit(c) != 0; }))
    return false;
  if (!CsvTable::scaled(kept, 6, into)) return false;
  if (!rest.empty() && rest.front() >= '5') into += kept.starts_with('-') ? -1 : 1;
  return true;
}

/// Times in microseconds, as exact as the file has them.
Result<PhaseInterval> read_row(const std::vector<std::string_view>& cells, const Columns& columns,
                               size_t width, const std::string& where) {
  if (cells.size() != width)
    return bad(where, std::to_string(cells.size()) + " columns where the first line names " +
                          std::to_string(width) + "; mend or remove the line");
  PhaseInterval interval;
  for (auto [column, into] :
       {std::pair{columns.start, &interval.start}, std::pair{columns.end, &interval.end}})
    if (!microseconds(cells[static_cast<size_t>(column)], *into))
      return bad(where, "column " + std::to_string(column + 1) + ": not a time in seconds");
  interval.label = cells[static_cast<size_t>(columns.label)];
  if (is_mark(interval.label)) interval.level = v1::Interval::LEVEL_MARK;
  if (columns.level < 0) return interval;
  const std::string_view level = cells[static_cast<size_t>(columns.level)];
  if (level == "step") interval.level = v1::Interval::LEVEL_STEP;
  if (level == "mark") interval.level = v1::Interval::LEVEL_MARK;
  if (level != "step" && level != "mark" && level != "phase")
    return bad(where, "column " + std::to_string(columns.level + 1) +
                          ": level must be phase, step or mark");
  return interval;
}

Result<PhaseFile> read_table(const std::string& text, const std::string& name, double frame_rate) {
  if (auto raw = read_raw_table(text, name, frame_rate)) {
    CASEBOX_TRY(PhaseFile file, std::move(*raw));
    CASEBOX_CHECK(check(file, name));
    to_milliseconds(file);
    return file;
  }
  PhaseFile file;
  std::vector<std::string_view> cells;
  std::map<std::string, size_t> index;
  std::map<std::string, std::string> names;  // of labels
  Columns columns;
  uint64_t line = 0;
  size_t width = 0;
  for (size_t from = 0; from < text.size();) {
    ++line;
    const size_t end = std::min(text.find('\n', from), text.size());
    std::string_view row = std::string_view(text).substr(from, end - from);
    from = end + 1;
    if (row.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    split_csv(row, ',', cells);
    const std::string where = name + ":" + std::to_string(line);
    if (width == 0) {
      columns = columns_of(cells);
      width = cells.size();
      if (!columns.complete())
        return bad(where, "the first line must name case, label, start_s, end_s");
      if (columns.ids) names = label_names(name);
      continue;
    }
    if (cells.size() <= static_cast<size_t>(columns.name))
      return bad(where, std::to_string(cells.size()) + " columns where the first line names " +
                            std::to_string(width) + "; mend or remove the line");
    const std::string of(cells[static_cast<size_t>(columns.name)]);
    if (of.empty() || of.size() > kMaxLabel)
      return bad(where, "the case has no name, or one above 256 characters");
    const auto [at, fresh] = index.try_emplace(of, file.cases.size());
    if (fresh) {
      if (file.cases.size() >= 100'000)
        return bad(where, "more than 100,000 cases; split the file");
      file.cases.emplace_back().name = of;
    }
    // A row that cannot be right costs its own case.
    PhaseCase& one = file.cases[at->second];
    if (one.bad) continue;
    auto interval = read_row(cells, columns, width, where);
    if (interval && names.contains(interval->label)) interval->label = names[interval->label];
    const auto taken = interval ? add(one, std::move(*interval), kMaxUs, where) : interval.error();
    if (!taken) one.bad = taken.error();
  }
  if (file.cases.empty()) return bad(name, "no intervals in it; is this the file?");
  to_milliseconds(file);
  return file;
}

}  // namespace

bool is_phase_header(std::string_view line, const std::string& path) {
  std::vector<std::string_view> cells;
  if (line.ends_with('\r')) line.remove_suffix(1);
  split_csv(line, ',', cells);
  return columns_of(cells).complete() || is_raw_phase_header(line, path);
}

Result<PhaseFile> read_phases(BytesView bytes, const std::string& name, const std::string& encoding,
                              double frame_rate) {
  if (!(frame_rate >= 0 && frame_rate <= 1000))
    return bad(name, "a frame rate is a number above 0 and up to 1000 a second");
  if (bytes.size() > kMaxText) return bad(name, "above 32 MiB; split the file");
  CASEBOX_CHECK(text::check_encoding(encoding));
  text::Text told = text::to_utf8(bytes, encoding);
  const std::string text = std::move(told.utf8);
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return bad(name, "the file is empty");
  const bool is_json = text[first] == '{' || text[first] == '[';
  // JSON has a meaning of its own for a backslash, so its bytes cannot be kept escaped.
  if (is_json && !told.certain)
    return bad(name + ":" + line_of(text, text::first_bad(bytes)),
               "text that is not UTF-8; save the file as UTF-8, or say its encoding");
  CASEBOX_TRY(auto file,
              is_json ? read_json(text, name, frame_rate) : read_table(text, name, frame_rate));
  file.told = {"", std::move(told.encoding), told.certain};
  for (PhaseCase& one : file.cases)
    std::stable_sort(one.intervals.begin(), one.intervals.end(),
                     [](const PhaseInterval& a, const PhaseInterval& b) {
                       return a.start != b.start ? a.start < b.start : a.end > b.end;
                     });
  return file;
}

}  // namespace casebox::recorder::internal
