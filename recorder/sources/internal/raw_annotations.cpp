#include "recorder/sources/internal/raw_annotations.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <map>

#include "proto/base/file.h"
#include "recorder/sources/internal/csv_layout.h"
#include "recorder/sources/internal/file_clock.h"
#include "recorder/sources/internal/label_runs.h"

namespace casebox::recorder::internal {
namespace {

constexpr size_t kMaxCompanion = 16u << 20;
constexpr int64_t kMaxFrame = 100'000'000;
constexpr double kPublishedRate = 25;  // of Cholec80 and m2cai16 (Twinanda et al., 2017)

constexpr std::array kCholec80 = {"Preparation",           "CalotTriangleDissection",
                                  "ClippingCutting",       "GallbladderDissection",
                                  "GallbladderPackaging",  "CleaningCoagulation",
                                  "GallbladderRetraction", "TrocarPlacement"};
// Wang et al., 2022.
constexpr std::array kAutoLaparo = {"Preparation",
                                    "Dividing Ligament and Peritoneum",
                                    "Dividing Uterine Vessels and Ligament",
                                    "Transecting the Vagina",
                                    "Specimen Removal",
                                    "Suturing",
                                    "Washing"};
// Wagner et al., 2023: its phases are those of Cholec80; its columns of instruments and actions.
constexpr std::array kHeiCholeInstruments = {"Grasper",   "Clipper",     "Coagulation", "Scissors",
                                             "Irrigator", "SpecimenBag", "Stapler"};
constexpr size_t kHeiCholeUndefined = 21;  // column of a shaft of which nobody can say
constexpr std::array kHeiCholeActions = {"grasp", "hold", "cut", "clip"};

using Cells = std::vector<std::string_view>;

std::string small(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::optional<int64_t> whole(std::string_view cell) {
  int64_t value = 0;
  cell = trim_cell(cell);
  const auto [end, ec] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (ec != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

Error raw_error(const std::string& path, uint64_t line, const std::string& what) {
  return {Code::kInvalidArgument, path + ":" + std::to_string(line) + ": " + what};
}

char raw_separator(std::string_view line) {
  char best = ',';
  ptrdiff_t most = std::ranges::count(line, ',');
  for (const char c : {'\t', ';'})
    if (const auto n = std::ranges::count(line, c); n > most) most = n, best = c;
  return best;
}

void split_row(std::string_view line, char separator, Cells& cells) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  split_csv(line, separator, cells);
  for (std::string_view& cell : cells) cell = trim_cell(cell);
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

enum class Form { kNone, kCataract, kFrames, kHeiPhase, kHeiAction, kHeiInstrument, kTools };

Form form_of(std::string_view line, const std::string& path) {
  Cells cells;
  split_row(line, raw_separator(line), cells);
  std::vector<std::string> names;
  for (const std::string_view cell : cells) names.push_back(small(cell));
  if (names == std::vector<std::string>{"videoid", "frameno", "phase"}) return Form::kCataract;
  if (names == std::vector<std::string>{"frame", "phase"}) return Form::kFrames;
  if (names.size() > 2 && names[0] == "frame" && raw_separator(line) == '\t' &&
      std::ranges::find(names, "grasper") != names.end())
    return Form::kTools;
  const std::string file = small(base_name(path));
  const bool numbers =
      std::ranges::all_of(cells, [](std::string_view cell) { return whole(cell).has_value(); });
  if (!numbers || file.find("_annotation_") == std::string::npos) return Form::kNone;
  if (file.find("_phase") != std::string::npos && cells.size() == 2) return Form::kHeiPhase;
  if (file.find("_action") != std::string::npos && cells.size() == 5) return Form::kHeiAction;
  if (file.find("_instrument") != std::string::npos && cells.size() == 22)
    return Form::kHeiInstrument;
  return Form::kNone;
}

/// Calls `visit(line, cells)` with each row that is not blank, from line 1.
template <typename Visit>
Result<void> each_raw_row(const std::string& text, char separator, const Visit& visit) {
  Cells cells;
  uint64_t line = 0;
  for (size_t from = 0; from < text.size();) {
    ++line;
    const std::string_view row = take_line(text, from);
    if (trim_cell(row).empty() || row == "\r") continue;
    split_row(row, separator, cells);
    CASEBOX_CHECK(visit(line, cells));
  }
  return ok();
}

struct FrameRow {
  int64_t frame = 0;
  std::string_view label;  // or the row's line, of several columns
  uint64_t line = 0;
};

/// The distance between most rows.
int64_t step_of(const std::vector<FrameRow>& rows) {
  std::map<int64_t, size_t> seen;
  for (size_t i = 1; i < rows.size(); ++i) ++seen[rows[i].frame - rows[i - 1].frame];
  int64_t step = 1;
  size_t most = 0;
  for (const auto& [distance, n] : seen)
    if (n > most) most = n, step = distance;
  return std::max<int64_t>(1, step);
}

Result<std::vector<FrameRow>> frame_rows(const std::string& text, const std::string& path,
                                         char separator, size_t width, bool header) {
  std::vector<FrameRow> rows;
  CASEBOX_CHECK(
      each_raw_row(text, separator, [&](uint64_t line, const Cells& cells) -> Result<void> {
        if (header && rows.empty() && !whole(cells[0])) return ok();
        const auto frame = whole(cells[0]);
        if (cells.size() != width || !frame || *frame < 0 || *frame > kMaxFrame)
          return raw_error(path, line,
                           "no number of a frame and its label; mend or remove the line");
        if (!rows.empty() && *frame <= rows.back().frame)
          return raw_error(path, line,
                           "its frame is not behind that of the row before; sort the file");
        rows.push_back({*frame, cells[1], line});
        return ok();
      }));
  if (rows.empty())
    return Error{Code::kInvalidArgument, path + ": no frame in it; is this the file?"};
  return rows;
}

Error untold_rate(const std::string& path, const std::string& which) {
  return {Code::kInvalidArgument, path + ": it counts frames and does not tell how many a second" +
                                      which +
                                      "; import it together with its video, or say --frame-rate"};
}

Result<PhaseFile> read_frames(const std::string& text, const std::string& path, char separator,
                              double rate) {
  CASEBOX_TRY(const auto rows, frame_rows(text, path, separator, 2, true));
  PhaseFile file;
  PhaseCase& one = file.cases.emplace_back();
  one.name = raw_case_name(path);
  const bool numbers =
      std::ranges::all_of(rows, [](const FrameRow& row) { return whole(row.label).has_value(); });
  const bool known = std::ranges::all_of(rows, [](const FrameRow& row) {
    return std::ranges::find(kCholec80, row.label) != kCholec80.end();
  });
  int64_t first = 0;
  if (numbers) {
    // One of AutoLaparo's: its frames count from 1, and one was taken a second.
    first = 1;
    for (const FrameRow& row : rows)
      if (const auto phase = whole(row.label); *phase < 1 || *phase > 7)
        return raw_error(path, row.line,
                         "phase is none of 1 to 7, whose names are known; name the "
                         "phases in a table of case, label, start_s, end_s");
    if (rows.front().frame != 1 && rate == 0) return untold_rate(path, "");
    file.notices.push_back("phases 1 to 7 are taken by the names of AutoLaparo");
  }
  if (rate == 0 && known) {
    rate = kPublishedRate;
    file.notices.push_back("its frames are taken as 25 a second, as those of Cholec80 are");
  } else if (rate == 0 && numbers) {
    rate = 1;
    file.notices.push_back("its frames are taken as one a second, as those of AutoLaparo are");
  }
  if (rate == 0) return untold_rate(path, "");
  LabelRuns runs(rate, step_of(rows));
  for (const FrameRow& row : rows) {
    const std::string label =
        numbers ? kAutoLaparo[static_cast<size_t>(*whole(row.label) - 1)] : std::string(row.label);
    runs.frame(row.frame - first, {label}, v1::Interval::LEVEL_PHASE);
  }
  one.intervals = runs.finish();
  return file;
}

Result<PhaseFile> read_heichole(const std::string& text, const std::string& path, Form form,
                                double rate) {
  if (rate == 0) return untold_rate(path, " (HeiChole has videos of 25 and of 50)");
  PhaseFile file;
  PhaseCase& one = file.cases.emplace_back();
  one.name = raw_case_name(path);
  const size_t width = form == Form::kHeiPhase ? 2 : 5;
  CASEBOX_TRY(const auto rows, frame_rows(text, path, ',', width, false));
  LabelRuns runs(rate, step_of(rows));
  if (form == Form::kHeiPhase)
    file.notices.push_back("phases 0 to 6 are taken by the names of Cholec80");
  CASEBOX_CHECK(each_raw_row(text, ',', [&](uint64_t line, const Cells& cells) -> Result<void> {
    std::set<std::string> labels;
    for (size_t c = 1; c < width; ++c) {
      const auto value = whole(cells[c]);
      if (!value || *value < 0 || *value > 6)
        return raw_error(path, line,
                         "column " + std::to_string(c + 1) +
                             ": none of the numbers that HeiChole has; mend the line");
      if (form == Form::kHeiPhase)
        labels.insert(kCholec80[static_cast<size_t>(*value)]);
      else if (*value > 0)
        labels.insert(kHeiCholeActions[c - 1]);
    }
    runs.frame(*whole(cells[0]), labels,
               form == Form::kHeiPhase ? v1::Interval::LEVEL_PHASE : v1::Interval::LEVEL_MARK);
    return ok();
  }));
  one.intervals = runs.finish();
  return file;
}

/// A companion's rows by the first of these columns; nothing where it is not there.
std::map<std::string, std::map<std::string, std::string>> companion(const std::string& path) {
  std::map<std::string, std::map<std::string, std::string>> out;
  const auto text = read_file(path, kMaxCompanion);
  if (!text) return out;
  std::vector<std::string> names;
  const std::string utf8 = text::to_utf8(*text).utf8;
  const char separator = raw_separator(std::string_view(utf8).substr(0, utf8.find('\n')));
  (void)each_raw_row(utf8, separator, [&](uint64_t, const Cells& cells) -> Result<void> {
    if (names.empty()) {
      for (const std::string_view cell : cells) names.push_back(small(cell));
      return ok();
    }
    if (cells.empty()) return ok();
    auto& row = out[std::string(cells[0])];
    for (size_t i = 0; i < std::min(cells.size(), names.size()); ++i)
      row[names[i]] = std::string(cells[i]);
    return ok();
  });
  return out;
}

Result<PhaseFile> read_cataract(const std::string& text, const std::string& path, char separator,
                                double told) {
  const auto videos = companion(folder_of(path) + "videos.csv");
  const auto names = companion(folder_of(path) + "phases.csv");
  PhaseFile file;
  std::map<std::string, std::vector<std::pair<int64_t, std::string>>> starts;
  std::vector<std::string> order;
  CASEBOX_CHECK(
      each_raw_row(text, separator, [&](uint64_t line, const Cells& cells) -> Result<void> {
        if (line == 1) return ok();
        const auto frame = cells.size() == 3 ? whole(cells[1]) : std::nullopt;
        if (!frame || *frame < 0 || *frame > kMaxFrame || cells[0].empty())
          return raw_error(path, line, "no video, frame and phase; mend or remove the line");
        std::string label(cells[2]);
        if (const auto name = names.find(label);
            name != names.end() && name->second.contains("meaning"))
          label = name->second.at("meaning");
        else if (whole(label))
          label = "phase " + label;
        const auto [at, fresh] = starts.try_emplace(std::string(cells[0]));
        if (fresh) order.push_back(at->first);
        at->second.emplace_back(*frame, label);
        return ok();
      }));
  if (names.empty())
    file.notices.push_back("phases.csv is not beside it: its phases have numbers for names");
  size_t open = 0;
  for (const std::string& video : order) {
    PhaseCase& one = file.cases.emplace_back();
    one.name = video;
    auto& marks = starts[video];
    std::ranges::stable_sort(marks, {}, &std::pair<int64_t, std::string>::first);
    double rate = told;
    int64_t last = marks.back().first;
    if (const auto row = videos.find(video); row != videos.end()) {
      const auto cell = [&](const char* name) {
        const auto it = row->second.find(name);
        return it == row->second.end() ? std::string() : it->second;
      };
      const std::string fps = cell("fps");
      if (rate == 0) std::from_chars(fps.data(), fps.data() + fps.size(), rate);
      last = std::max(last, whole(cell("frames")).value_or(last));
    }
    if (!(rate > 0 && rate <= 1000)) {
      one.bad = untold_rate(path, "; videos.csv is not beside it, or does not have this video");
      continue;
    }
    open += last == marks.back().first;
    for (size_t i = 0; i < marks.size(); ++i) {
      PhaseInterval& interval = one.intervals.emplace_back();
      interval.label = marks[i].second;
      interval.start = frame_us(marks[i].first, rate);
      interval.end = frame_us(i + 1 < marks.size() ? marks[i + 1].first : last, rate);
    }
  }
  if (file.cases.empty()) return raw_error(path, 1, "no rows below the header; is this the file?");
  if (open > 0)
    file.notices.push_back("of " + std::to_string(open) +
                           " videos it is not told where the last phase ends: it ends where it "
                           "begins");
  return file;
}

}  // namespace

std::string raw_case_name(const std::string& path) {
  std::string out = base_name(path);
  for (const char* end : {".gz", ".json", ".txt", ".csv", ".tsv", ".mp4", ".mkv", ".avi"})
    if (small(out).ends_with(end)) out.resize(out.size() - std::string_view(end).size());
  const std::string low = small(out);
  for (const char* mark : {"_annotation_", "-phase", "_phase", "-tool", "_tool"})
    if (const size_t at = low.rfind(mark); at != std::string::npos && at > 0)
      return out.substr(0, at);
  return out;
}

bool is_raw_phase_header(std::string_view line, const std::string& path) {
  const Form form = form_of(line, path);
  return form == Form::kCataract || form == Form::kFrames || form == Form::kHeiPhase ||
         form == Form::kHeiAction;
}

bool is_raw_instrument_header(std::string_view line, const std::string& path) {
  const Form form = form_of(line, path);
  return form == Form::kTools || form == Form::kHeiInstrument;
}

std::optional<Result<PhaseFile>> read_raw_table(const std::string& text, const std::string& path,
                                                double frame_rate) {
  const std::string_view header = std::string_view(text).substr(0, text.find('\n'));
  const char separator = raw_separator(header);
  switch (const Form form = form_of(header, path)) {
    case Form::kCataract: return read_cataract(text, path, separator, frame_rate);
    case Form::kFrames: return read_frames(text, path, separator, frame_rate);
    case Form::kHeiPhase:
    case Form::kHeiAction: return read_heichole(text, path, form, frame_rate);
    default: return std::nullopt;
  }
}

std::optional<Result<std::string>> raw_instruments(const std::string& text, const std::string& path,
                                                   double frame_rate,
                                                   std::vector<std::string>& notices) {
  const std::string_view header = std::string_view(text).substr(0, text.find('\n'));
  const Form form = form_of(header, path);
  if (form != Form::kTools && form != Form::kHeiInstrument) return std::nullopt;
  const bool tools = form == Form::kTools;
  const char separator = tools ? '\t' : ',';
  Cells names;
  split_row(header, separator, names);
  const auto rows = frame_rows(text, path, separator, names.size(), tools);
  if (!rows) return rows.error();
  if (frame_rate == 0 && tools && step_of(*rows) == 25) {
    frame_rate = kPublishedRate;
    notices.push_back("its rows are 25 frames apart: taken as one a second, as in Cholec80");
  }
  if (frame_rate == 0)
    return untold_rate(path, tools ? "" : " (HeiChole has videos of 25 and of 50)");
  std::string out = "time_s";
  for (size_t c = 1; tools && c < names.size(); ++c) out += "," + std::string(names[c]);
  for (const char* name : kHeiCholeInstruments)
    if (!tools) out += std::string(",instrument:") + name;
  out += tools ? "\n" : ",instrument:Undefined\n";
  const auto read = each_raw_row(text, separator, [&](uint64_t line, const Cells& cells) {
    if (tools && line == 1) return ok();
    char time[32];
    std::snprintf(time, sizeof time, "%.3f",
                  static_cast<double>(frame_us(whole(cells[0]).value_or(0), frame_rate)) * 1e-6);
    out += time;
    for (size_t c = 1; c < cells.size(); ++c)
      if (tools || c <= kHeiCholeInstruments.size() || c == kHeiCholeUndefined)
        out += "," + std::string(cells[c]);
    out += '\n';
    return ok();
  });
  if (!read) return read.error();
  return out;
}

std::vector<std::string> raw_companions(const std::string& path) {
  const auto text = read_file(path, kMaxCompanion);
  if (!text) return {};
  const std::string_view header = std::string_view(*text).substr(0, text->find('\n'));
  std::vector<std::string> out;
  if (form_of(header, path) == Form::kCataract)
    out = {folder_of(path) + "videos.csv", folder_of(path) + "phases.csv"};
  if (small(header).find("labelid") != std::string::npos)
    out = {folder_of(path) + "segment_metadata.csv"};
  std::erase_if(out, [](const std::string& file) { return !read_file(file, kMaxCompanion); });
  return out;
}

std::map<std::string, std::string> label_names(const std::string& path) {
  std::map<std::string, std::string> out;
  for (const auto& [id, row] : companion(folder_of(path) + "segment_metadata.csv"))
    if (const auto name = row.find("name"); name != row.end() && !name->second.empty())
      out[id] = name->second;
  return out;
}

}  // namespace casebox::recorder::internal
