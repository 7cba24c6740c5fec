#pragma once

// Writes a case in other programs' formats.
//
//   csv   one stream: a time column, then one column per channel, values as the source wrote them;
//   event
//         streams as t_s, kind, text
//   mp4   one video or audio stream as a playable fragmented MP4, each picture at its case time
//         counted from the first; what an edit list cut away is not in it
//   xes   what conformance compares of the case, as an IEEE 1849 event log; alarms, checklists and
//         reasons beside it; and what was watched, so that comparing the log says the same. Times
//         of found phases that must not be used are left out: the order stays
//
// Thread safety: free functions; `out` belongs to the caller.
// Errors: kNotFound for an unknown stream (the message lists those there are), kUnsupported for a
// stream that the format cannot hold, kIo when `out` fails, the reader's otherwise.

#include <cstdio>
#include <string>

#include "storage/reader/case_reader.h"

namespace casebox::tools {

/// The value as the source wrote it: decimals for integers, the channel's TextFormat for reals.
std::string value_text(const v1::Channel& channel, double value, int64_t code, bool is_code);

/// A field as CSV needs it (RFC 4180): quoted when it holds a comma, a quote or a line end.
std::string csv_field(const std::string& text);

/// The stream of this name, or an error that lists the streams of the case.
Result<v1::Stream> find_stream(const storage::CaseReader& reader, const std::string& name);

Result<void> export_csv(const storage::CaseReader& reader, const std::string& stream,
                        storage::Span span, std::FILE* out);
Result<void> export_mp4(const storage::CaseReader& reader, const std::string& stream,
                        storage::Span span, std::FILE* out);
Result<void> export_xes(const storage::CaseReader& reader, std::FILE* out);

}  // namespace casebox::tools
