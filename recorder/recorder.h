#pragma once

// The recorder appliance: one thread per source, bounded queues, one writer thread that numbers,
// seals and appends to the spool (docs/recorder.md). A source fails alone, a full disk is waited
// out, everything not recorded becomes a gap; nothing but stop() or the end of all sources ends a
// recording. At a stop, what sources and queues still hold is taken in, and what began before the
// stop is kept whole. A source that never delivered, or went away, is a gap with its cause.
//
// Thread safety: record() blocks its caller and starts its own threads; `on_progress` and `stop`
// are called from the writer thread. Errors: only what keeps a recording from beginning (no key, no
// spool, no source that opens); afterwards trouble is in the summary.

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "casebox/v1/config.pb.h"
#include "casebox/v1/control.pb.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/keyring/producer_keys.h"
#include "proto/producer/recovery.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

/// Items of one stream. sent = stored + missing wherever the sender counts for itself.
struct StreamCount {
  std::string source;
  std::string name;
  v1::StreamKind kind = v1::STREAM_KIND_UNSPECIFIED;
  uint64_t sent = 0;  // by the sender's own count, else what the recorder received
  uint64_t received = 0;
  uint64_t stored = 0;
  uint64_t missing = 0;  // declared by gaps of known count
  uint64_t gap_frames = 0;
  uint64_t unknown_gaps = 0;  // gaps whose count nobody knows
  uint64_t in_ring = 0;       // received, neither stored nor in a gap yet
};

/// What a stream lost for one reason.
struct Loss {
  std::string source;  // empty: the recorder's own
  std::string stream;
  v1::Gap::Origin origin = v1::Gap::ORIGIN_UNSPECIFIED;
  std::string reason;
  uint64_t gaps = 0;
  uint64_t missing = 0;       // items, where the count is known
  uint64_t unknown_gaps = 0;  // gaps whose count nobody knows
  CaseTime begin, end;        // of the first and the last
};

/// How a source is doing.
struct SourceState {
  std::string name;
  std::string state;    // "running", "ended", "failed", "reconnecting"
  std::string message;  // of the last failure, one line
};

struct Progress {
  CaseTime now;
  double total_s = 0;  // expected length; 0: not known
  uint64_t items = 0;
  uint64_t frames = 0;
  uint64_t bytes = 0;
  bool disk_full = false;
  const char* shed = "";  // what a full disk makes the recorder leave out: "video", ...; or nothing
  bool accounts_balance = true;  // received = stored + missing + in ring, on every stream
  std::vector<SourceState> sources;
};

struct Summary {
  CaseId case_id;
  Epoch epoch;
  CaseTime end;
  uint64_t frames = 0;
  uint64_t bytes = 0;
  size_t keys_left = 0;     // one-time case keys in stock; order more below kFewCaseKeys
  bool key_reused = false;  // none was left: the case has the key of another one
  bool accounts_balance = true;
  std::vector<StreamCount> streams;
  std::vector<SourceState> sources;
  std::vector<Loss> losses;  // whatever is not recorded, but for what a simulated room planted
  std::vector<Skipped> skipped;
  std::map<std::string, std::string> truth;  // truth.json by name of simulated source
};

struct Options {
  v1::RecorderConfig config;      // defaults filled in; spool_dir and keystore_dir are not read
  std::filesystem::path log_dir;  // the spool
  std::string software;           // name and version, for the case frame
  Duration limit;                 // of case time; 0: until the sources end
  std::function<void(const Progress&)> on_progress;                 // about 5 times a second
  std::function<void(const producer::EpochRecovery&)> on_recovery;  // of a crash before
  std::function<bool()> stop;  // asked often; true ends the recording in good order
};

/// Records one case. Repairs the spool first if a crash left it torn.
Result<Summary> record(const Options& options, keyring::ProducerKeys& keys, Clock& clock);

}  // namespace casebox::recorder
