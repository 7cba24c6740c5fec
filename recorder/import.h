#pragma once

// Existing files as a case. The import owns its case as a recorder does, in a role of its own: it
// draws a case key, beats every case-second, and says in the same stream what it could not read.
// Several files make one case on one clock; a file of annotations may hold many cases. Files that
// tell the time of day lie to one another as they tell, unless told otherwise.
//
// Thread safety: free functions; one import at a time in one log.
// Errors: a file that cannot be read at all is refused (Imported::refused) and costs nothing of the
// others, but the case is not complete: a gap from its beginning to its end stands for the file.
// When all are refused, or the log cannot be written, the error itself.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "proto/keyring/producer_keys.h"
#include "proto/log/log.h"
#include "recorder/recorder.h"

namespace casebox::recorder {

struct ImportFile {
  std::string path;
  std::string type;          // "media", "vital", "csv", "phases", "instruments"
  std::string name;          // of the source: prefix of its streams
  std::string case_key;      // annotations: which case of the file
  double start_s = 0;        // case time of the file's beginning
  bool start_given = false;  // not where its clock puts it beside the others
};

struct ImportCase {
  std::string alias;  // kept sealed; empty: none
  std::vector<ImportFile> files;
  std::vector<Skipped> said = {};  // of what a folder holds and is not read
};

struct ImportSettings {
  std::string procedure;
  std::string room;
  std::string software;
  std::vector<std::string> consent;  // scopes
  std::string encoding;              // of the files' text, where it is not UTF-8; empty: found out
  // How the times of CSV files are written where it must be told (v1::SourceConfig).
  std::string time_column, time_unit, time_format, zone, decimal;
  double frame_rate = 0;  // of annotations that count frames; 0: found out, or of the case's video
  bool record_audio = false;
  std::function<void(CaseTime now, double total_s)> on_progress;
  std::function<bool()> stop;
};

/// What was read of one stream.
struct StreamReport {
  std::string source;
  v1::Stream stream;                         // as its source tells it
  std::optional<CaseTime> first, last, end;  // first and last item, and where the latest one ends
  uint64_t items = 0;
  uint64_t gaps = 0;
  uint64_t missing = 0;  // items that gaps of known count stand for
  uint64_t notices = 0;  // of its file
};

struct Imported {
  CaseId case_id;  // nil: only read
  Epoch epoch;
  CaseTime end;
  std::vector<StreamCount> streams;  // none where it was only read
  std::vector<StreamReport> report;
  std::vector<Skipped> skipped;  // parts of files, and files that were refused
  std::vector<Error> refused;    // one for each file that could not be opened
};

/// Files to cases: `texts` are paths or `name=path`; a folder stands for its files, a pattern
/// (`*`, `?`, `[...]`) that is no file itself for those that match. With an alias, or when no file
/// names its case, all make one; otherwise each case that an annotation file names becomes one,
/// with the video of that name, and the other files together another. `starts` are `name=seconds`.
Result<std::vector<ImportCase>> plan_import(const std::vector<std::string>& texts,
                                            const std::string& alias,
                                            const std::vector<std::string>& starts,
                                            const std::string& encoding = "");

/// SHA-256 that two imports of the same content read in the same way share: types, cases, starts
/// and bytes of the files, in an order of their own, with the options given that change how a file
/// is read, so that one read with the wrong options can be imported again with the right ones.
/// Names and places of files do not matter; one that cannot be read counts as such.
Digest source_digest(const ImportCase& what, const ImportSettings& settings = {});

/// Imports one case into `log`; `digest` from source_digest().
Result<Imported> import_case(const ImportCase& what, const Digest& digest,
                             const ImportSettings& settings, keyring::ProducerKeys& keys,
                             log::Writer& log, Clock& clock);

/// Reads one case as an import does and writes nothing.
Result<Imported> survey_case(const ImportCase& what, const ImportSettings& settings, Clock& clock);

}  // namespace casebox::recorder
