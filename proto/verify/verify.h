#pragma once

// Decides, from frames alone and without any key, whether a case is what its recorder wrote: every
// frame whole, numbers tile, chains meet every signed beat, the close frame's numbers are reached.
//
// Two passes: first every stream-0 frame (`add_control`), which gives the signed positions; then
// every other frame, per stream in number order (`add`). A log in written order satisfies that
// order. Thread safety: one thread. Errors never stop it: they become problems of the report.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/frame/frame.h"

namespace casebox::verify {

enum class Verdict {
  kComplete,
  kCompleteWithDeclaredGaps,
  kUnclosed,  // valid up to a time; nobody said that it ended
  kTampered,
  kUntrustedKey,  // all holds, but under a key that the caller does not trust
};
const char* to_string(Verdict verdict);  // "COMPLETE", "COMPLETE_WITH_DECLARED_GAPS", ...

struct Problem {
  std::string
      kind;  // "crc", "chain", "signature", "hole", "overlap", "duplicate", "torn-tail", ...
  std::string where;  // stream and numbers, or file and offset
  std::string detail;
};

struct StreamReport {
  StreamId stream;
  std::string name;
  uint32_t epochs = 0;
  uint64_t first_number = 0;
  uint64_t last_number = 0;
  uint64_t items = 0;         // data items present
  uint64_t missing = 0;       // declared by gaps
  uint64_t unknown_gaps = 0;  // gaps whose count is unknown
  uint64_t gap_frames = 0;
};

struct Report {
  CaseId case_id;
  Verdict verdict = Verdict::kUnclosed;
  std::vector<std::string> proven;
  std::vector<std::string> not_proven;
  std::vector<Problem> problems;
  std::vector<StreamReport> streams;
  uint64_t frames = 0;
  uint64_t bytes = 0;
  double valid_to_s = 0;  // case time up to which a signed beat covers everything
  Digest case_digest{};   // SHA-256 over the recorder's frames sorted by identity; `add` order
                          // permitting
};

struct Options {
  std::optional<std::array<uint8_t, 32>> trusted_key;  // --log-key
};

class CaseVerifier {
 public:
  CaseVerifier(CaseId case_id, Options options);
  ~CaseVerifier();
  CaseVerifier(CaseVerifier&&) noexcept;

  /// Pass 1: a frame of stream 0 of `producer`, in number order within its epoch.
  void add_control(const frame::View& frame, ProducerId producer, const std::string& where);
  /// Pass 2: any other frame.
  void add(const frame::View& frame, const std::string& where);
  /// Pass 2: a copy of a control frame at the front of a log file; it must be the frame that was
  /// added.
  void add_copy(const frame::View& frame, const std::string& where);
  /// Where a log file's header says that a stream stood when the file began. Stream 0 is compared
  /// in pass 1, the others in pass 2; asked of the wrong pass, nothing is compared.
  void check_position(Epoch epoch, const v1::StreamPosition& position, bool pass2,
                      const std::string& where);
  /// What a reader could not even parse.
  void add_problem(Problem problem, bool tampered);

  Report finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Verifies every case of a log folder. Torn tails behind the durable offset are a crash, not a
/// change.
Result<std::vector<Report>> verify_log(const std::string& dir, const Options& options);

}  // namespace casebox::verify
