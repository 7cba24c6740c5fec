#include "recorder/sources/internal/foreign.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace casebox::recorder::internal {
namespace {

using namespace std::string_view_literals;

struct Format {
  size_t at;
  std::string_view bytes;
  const char* what;
};

// Magic numbers from the formats' own specifications.
constexpr std::array kFormats = {
    Format{128, "DICM"sv,
           "a DICOM object; take its video out, for example with dcm2img or ffmpeg -i FILE -c copy "
           "NEW.mp4"},
    Format{0, "\x89HDF\r\n\x1A\n"sv, "an HDF5 file; export its tables as CSV"},
    Format{0, "PAR1"sv, "a Parquet table; export it as CSV"},
    Format{0, "ARROW1"sv, "an Arrow table; export it as CSV"},
    Format{0, "MATLAB 5.0"sv, "a MATLAB file; export its variables as CSV"},
    Format{0, "SQLite format 3"sv, "an SQLite database; export its table as CSV"},
    Format{0, "\xD0\xCF\x11\xE0"sv,
           "a workbook of Excel or another old Office file; save the sheet "
           "as CSV"},
    Format{0, "PK\x03\x04"sv,
           "a ZIP archive or a workbook (.xlsx, .ods); unpack it, or save the "
           "sheet as CSV"},
    Format{0, "7z\xBC\xAF\x27\x1C"sv, "a 7-Zip archive; unpack it"},
    Format{0, "Rar!\x1A\x07"sv, "a RAR archive; unpack it"},
    Format{0, "%PDF-"sv, "a PDF document; import what it was made from"},
    Format{0, "#ROSBAG V"sv, "a ROS bag; export its topics as CSV or MP4"},
    Format{0, "\x89MCAP"sv, "an MCAP recording; export its channels as CSV or MP4"},
};

struct Known {
  std::string_view bytes;
  KnownFormat format;
};

constexpr std::array kKnown = {
    Known{"MSH|"sv, {"hl7", "a file of HL7 version 2 messages"}},
    Known{"\x0BMSH|"sv, {"hl7", "a file of HL7 version 2 messages"}},
    Known{"FHS|"sv, {"hl7", "a batch of HL7 version 2 messages"}},
    Known{"BHS|"sv, {"hl7", "a batch of HL7 version 2 messages"}},
    Known{"ObjectType = Image"sv, {"metaimage", "a MetaImage"}},
    Known{"XDF:"sv, {"xdf", "an XDF file (Lab Streaming Layer)"}},
    Known{"0       "sv, {"edf", "an EDF file"}},
    Known{"\xFF"
          "BIOSEMI"sv,
          {"edf", "a BDF file"}},
};

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    const size_t from = line.find_first_not_of(" \t\r");
    if (from == line.npos) break;
    line.remove_prefix(from);
    out.push_back(line.substr(0, line.find_first_of(" \t\r")));
    line.remove_prefix(out.back().size());
  }
  return out;
}

/// Digits, and what may stand between them in a rate, a time or a format.
bool is_numeric(std::string_view word) {
  return !word.empty() && std::isdigit(static_cast<unsigned char>(word[0])) != 0 &&
         word.find_first_not_of("0123456789./():x+-") == word.npos;
}

/// A WFDB header: "100 2 360 650000" - record, signals, rate, samples - in its first line that is
/// no remark, and below it "100.dat 212 ..." for each signal; or "long/3 2 360 900", and "part1
/// 300" for each segment.
bool is_wfdb_header(BytesView head) {
  std::vector<std::vector<std::string_view>> lines;
  for (size_t from = 0; from < head.size() && lines.size() < 2;) {
    const size_t end = std::min(head.find('\n', from), head.size());
    const std::string_view line = std::string_view(head).substr(from, end - from);
    from = end + 1;
    if (line.starts_with("#") || line.find_first_of(",;{<\"") < line.find(' ')) continue;
    if (auto parts = words(line); !parts.empty()) lines.push_back(std::move(parts));
  }
  if (lines.size() < 2) return false;
  const auto& record = lines[0];
  const auto& next = lines[1];
  if (record.size() < 2 || record.size() > 6 || next.size() < 2) return false;
  if (!std::all_of(record.begin() + 1, record.end(), is_numeric) || !is_numeric(next[1]))
    return false;
  if (record[0].find('/') != record[0].npos)
    return is_numeric(record[0].substr(record[0].find('/') + 1)) && next.size() == 2;
  return record.size() >= 3 && next.size() > 2 &&
         (next[0] == "~" || (next[0].find('.') != next[0].npos && !is_numeric(next[0])));
}

/// Records of the S/5 computer interface: what stands between two bytes 0x7E is, once 0x7D is
/// undone, a header whose first two bytes are its length, and a byte that all the others add up to.
bool is_s5_capture(BytesView head) {
  for (size_t from = 0; from < head.size();) {
    const size_t begin = head.find('\x7E', from);
    if (begin == BytesView::npos) break;
    const size_t end = head.find('\x7E', begin + 1);
    if (end == BytesView::npos) break;
    std::string plain;
    for (size_t i = begin + 1; i < end; ++i) {
      const bool escaped = head[i] == '\x7D' && i + 1 < end;
      plain += escaped ? static_cast<char>(head[++i] | 0x20) : head[i];
    }
    unsigned sum = 0;
    for (size_t i = 0; i + 1 < plain.size(); ++i) sum += static_cast<unsigned char>(plain[i]);
    if (plain.size() > 40 && load_le<uint16_t>(plain.data()) == plain.size() - 1 &&
        (sum & 0xFF) == static_cast<unsigned char>(plain.back()))
      return true;
    from = plain.size() > 1 ? end + 1 : end;
  }
  return false;
}

}  // namespace

std::optional<KnownFormat> known_format(BytesView head) {
  for (const Known& known : kKnown)
    if (head.substr(0, known.bytes.size()) == known.bytes) return known.format;
  if (is_wfdb_header(head)) return KnownFormat{"wfdb", "the header of a WFDB record"};
  return std::nullopt;
}

std::optional<std::string> foreign_format(BytesView head) {
  for (const Format& format : kFormats)
    if (head.size() >= format.at + format.bytes.size() &&
        head.substr(format.at, format.bytes.size()) == format.bytes)
      return std::string("this is ") + format.what;
  if (is_s5_capture(head))
    return std::string(
        "this is a raw capture of a GE Datex-Ohmeda S/5 monitor's serial line; have the program "
        "that "
        "captured it (VSCapture, for example) write CSV, and import that");
  const std::string_view text = head;
  if (text.find("<log ") != text.npos && text.find("xes.") != text.npos)
    return std::string("this is an event log (XES); give it to casebox conform or analyze --log");
  if (text.find("<bpmn:definitions") != text.npos || text.find("<pnml") != text.npos ||
      text.find("/BPMN/20100524/MODEL") != text.npos)
    return std::string("this is a process model; give it to casebox conform --model");
  return std::nullopt;
}

}  // namespace casebox::recorder::internal
