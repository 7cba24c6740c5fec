#pragma once

// Decides, from frames alone and without any key, whether a case is what its producers signed:
// every frame whole, numbers tile, chains meet every signed beat, the close frame's numbers are
// reached, and who signed it.
//
// Two passes: first every stream-0 frame (`add_control`), which gives the signed positions; then
// every other frame, per stream in number order (`add`, or `add_leaf` where its leaf hash alone is
// at hand). A log in written order satisfies that order. Thread safety: one thread. Errors never
// stop it: they become problems of the report.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/frame/frame.h"
#include "proto/log/log.h"
#include "proto/trust/trust.h"

namespace casebox::verify {

/// From best to worst; of several the worst counts.
enum class Verdict {
  kComplete,
  kCompleteWithDeclaredGaps,
  kUnclosed,      // valid up to a time; nobody said that it ended
  kNotSealed,     // signed, but content stands in the clear: nothing of it was ever sealed
  kDamaged,       // bytes or records are missing or unreadable; nothing signed contradicts the rest
  kUntrustedKey,  // all holds, but under a key that nobody vouches for
  kTampered,      // something signed contradicts something stored
};
const char* to_string(Verdict verdict);  // "COMPLETE", "COMPLETE_WITH_DECLARED_GAPS", ...
/// Whether content may be shown as the record: nothing in it is missing, changed or a stranger's.
/// An unclosed case is, up to the moment that it is valid to.
inline bool may_be_shown(Verdict verdict) { return verdict <= Verdict::kUnclosed; }
inline bool is_complete(Verdict verdict) { return verdict <= Verdict::kCompleteWithDeclaredGaps; }
inline Verdict worse(Verdict a, Verdict b) { return a >= b ? a : b; }

struct Problem {
  std::string kind;   // "crc", "chain", "signature", "hole", "overlap", "torn-tail", "cache", ...
  std::string where;  // stream and numbers, or file and offset
  std::string detail;
};

/// What a problem says of the verdict.
enum class Weight { kTorn, kDamage, kUntrusted, kTamper };

/// A key that signs epochs of the case.
struct Signer {
  trust::PublicKey key{};
  v1::ProducerRole role = v1::PRODUCER_ROLE_UNSPECIFIED;
  std::string name;            // from the trust list; empty if it is not there
  std::optional<bool> listed;  // empty: there was no list and no key to compare with
  uint32_t epochs = 0;
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
  /// Of one kind of problem so many are kept; the rest is counted.
  static constexpr size_t kKept = 10;

  CaseId case_id;
  Verdict verdict = Verdict::kUnclosed;
  std::vector<std::string> proven;
  std::vector<std::string> not_proven;
  std::vector<Problem> problems;                   // the first of each kind
  std::map<std::string, uint64_t> problem_counts;  // all, by kind
  std::vector<Signer> signers;
  std::vector<StreamReport> streams;
  uint64_t frames = 0;
  uint64_t bytes = 0;
  double valid_to_s = 0;  // case time up to which a signed beat covers everything
  Digest case_digest{};   // frame::case_digest over what is here

  /// Adds a problem and makes the verdict as bad as it asks for.
  void blame(Problem problem, Weight weight);
};

struct Options {
  /// Keys that may sign (--log-key); empty: any.
  std::vector<trust::PublicKey> log_keys;
  /// Who may sign what (--trust); null: nobody is known. Outlives the verifier.
  const trust::TrustList* trust = nullptr;
  /// All epochs of a case must share one signer unless somebody vouches for the others: so it is
  /// in a log, which has one producer.
  bool one_signer = false;
};

/// Where a frame stands, for messages: a place in a log, or none (in a store its numbers say it).
using Where = std::optional<log::Offset>;

/// A frame of which only the leaf hash is at hand.
struct Leaf {
  Epoch epoch;
  StreamId stream;
  ItemNumber first;
  uint32_t count = 1;
  Digest hash{};
};

class CaseVerifier {
 public:
  CaseVerifier(CaseId case_id, Options options);
  ~CaseVerifier();
  CaseVerifier(CaseVerifier&&) noexcept;

  /// Pass 1: a frame of stream 0 of `producer`, in number order within its epoch.
  void add_control(const frame::View& frame, ProducerId producer, const Where& where = {});
  /// Pass 2: any other frame. `known`: its leaf hash, from a caller that has computed it.
  void add(const frame::View& frame, const Where& where = {}, const Digest* known = nullptr);
  /// Pass 2: a data frame, proven but not looked at. Gap frames come by `add`, so that they are
  /// counted: beats of form 2 sign how many there are, so none can pass for data.
  void add_leaf(const Leaf& leaf);
  /// Whether the newest beat of an epoch signs the counts of gap frames (form 2). Without, only
  /// `add` of every frame tells a gap from data. To be asked after pass 1.
  bool signs_gaps(Epoch epoch) const;
  /// The number of an epoch's newest beat: the control frames before it are signed, those behind it
  /// are not. Holds as far as the verdict does. To be asked after pass 1.
  std::optional<uint64_t> newest_beat(Epoch epoch) const;
  /// Pass 2: a copy of a control frame at the front of a log file; it must be the frame that was
  /// added.
  void add_copy(const frame::View& frame, const Where& where = {});
  /// Where a log file's header says that a stream stood when the file began. Stream 0 is compared
  /// in pass 1, the others in pass 2; asked of the wrong pass, nothing is compared.
  void check_position(Epoch epoch, const v1::StreamPosition& position, bool pass2,
                      const std::string& where);
  /// What somebody else found: bytes that do not parse, a cache that differs, a key that is
  /// missing.
  void add_problem(Problem problem, Weight weight);

  Report finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Verifies every case of a log folder. Torn tails behind the durable offset are a crash, not a
/// change.
Result<std::vector<Report>> verify_log(const std::string& dir, const Options& options);

}  // namespace casebox::verify
