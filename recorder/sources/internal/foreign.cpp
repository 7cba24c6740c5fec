#include "recorder/sources/internal/foreign.h"

#include <algorithm>
#include <array>
#include <cctype>

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
    Format{0, "MSH|"sv, "an HL7 version 2 message; export its observations as CSV"},
    Format{0, "\x0BMSH|"sv, "an HL7 version 2 message; export its observations as CSV"},
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
    Format{0, "ObjectType = Image"sv, "a MetaImage; write its pictures as MP4 with ffmpeg"},
};

struct Known {
  std::string_view bytes;
  KnownFormat format;
};

constexpr std::array kKnown = {
    Known{"XDF:"sv, {"xdf", "an XDF file (Lab Streaming Layer)"}},
    Known{"0       "sv, {"edf", "an EDF file"}},
    Known{"\xFF"
          "BIOSEMI"sv,
          {"edf", "a BDF file"}},
};

/// A WFDB header: "100 2 360 650000" - record, signals, rate, samples - in its first line that is
/// no remark, and the signals' files below.
bool is_wfdb_header(BytesView head) {
  size_t from = 0;
  std::string_view line;
  do {
    const size_t end = std::min(head.find('\n', from), head.size());
    line = std::string_view(head).substr(from, end - from);
    from = end + 1;
  } while (from < head.size() && line.starts_with("#"));
  size_t words = 0, numbers = 0;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    const std::string_view word = line.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    ++words;
    numbers += words > 1 && std::ranges::all_of(word, [](unsigned char c) {
                 return std::isdigit(c) || c == '.' || c == '/' || c == '\r';
               });
  }
  return words >= 3 && words <= 6 && numbers + 1 >= std::min<size_t>(words, 4) &&
         head.find(".dat ") != BytesView::npos;
}

}  // namespace

std::optional<KnownFormat> known_format(BytesView head) {
  for (const Known& known : kKnown)
    if (head.substr(0, known.bytes.size()) == known.bytes) return known.format;
  return std::nullopt;
}

std::optional<std::string> foreign_format(BytesView head) {
  for (const Format& format : kFormats)
    if (head.size() >= format.at + format.bytes.size() &&
        head.substr(format.at, format.bytes.size()) == format.bytes)
      return std::string("this is ") + format.what;
  if (is_wfdb_header(head))
    return std::string("this is the header of a WFDB record; write it as CSV with rdsamp -c");
  const std::string_view text = head;
  if (text.find("<log ") != text.npos && text.find("xes.") != text.npos)
    return std::string("this is an event log (XES); give it to casebox conform or analyze --log");
  if (text.find("<bpmn:definitions") != text.npos || text.find("<pnml") != text.npos ||
      text.find("/BPMN/20100524/MODEL") != text.npos)
    return std::string("this is a process model; give it to casebox conform --model");
  return std::nullopt;
}

}  // namespace casebox::recorder::internal
