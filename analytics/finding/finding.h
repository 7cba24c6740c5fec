#pragma once

// Making findings: what an analysis says, the run that said it, and the frames it rests on. A
// finding's id is SHA-256 of its job, its inputs and its place, so that a re-run gives the same id
// and whoever holds a finding can find it again.
//
// Thread safety: pure functions; a Sources belongs to one thread.
// Determinism: the same run, draft and sources give the same bytes (`to_bytes`).

#include <map>
#include <string>
#include <vector>

#include "casebox/v1/finding.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "storage/reader/case_reader.h"

namespace casebox::analytics::finding {

/// Name of the stream that findings go to.
constexpr const char* kStream = "analysis.findings";
/// Kind of the finding that says that a job ran, even if it found nothing.
constexpr const char* kRunKind = "run";

/// The label, and what it then says, of a finding that happened at a moment which is withheld: its
/// span is the case's, and no value or word of it tells more.
constexpr const char* kMoments = "moments";
constexpr const char* kWithheld = "withheld";
bool placed(const v1::Finding& finding);

/// A finding to be made; everything but id and run.
struct Draft {
  std::string kind;
  std::string place;  // what tells it from the job's other findings: "phase/3",
                      // "departure/missing/time-out"
  int64_t t0_ns = 0;
  int64_t t1_ns = 0;
  v1::Certainty certainty = v1::CERTAINTY_UNSPECIFIED;
  std::string step;
  std::string text;
  std::map<std::string, double> values;
  std::map<std::string, std::string> labels;
  std::vector<v1::SourceRange> sources;
};

/// Id = SHA-256 over case, job and its version, configuration, protocol, seed and order basis, the
/// sources' identities and digests, kind, place, time span; of a study also the digest of its
/// inputs and the cases of the sources. The program that ran is not part of it: another build that
/// finds the same gives the same id.
v1::Finding make(CaseId case_id, const v1::AnalysisRun& run, const Draft& draft);

/// Deterministic bytes of a finding: maps in key order.
Bytes to_bytes(const v1::Finding& finding);

/// What differs between two findings, e.g. "values.start_s"; empty: nothing. With `binary` false
/// the program's version and digest are not compared.
std::vector<std::string> differences(const v1::Finding& a, const v1::Finding& b,
                                     bool binary = true);

/// A stored finding and where it is.
struct Stored {
  v1::Finding finding;
  storage::EventAt at;
};
/// The findings in force: of each job those of its newest run (the epoch that came last), in the
/// order written, run records included. Older runs stay in the record and out of sight. `events` as
/// CaseReader::events gives them for STREAM_KIND_FINDING.
std::vector<Stored> current(const v1::CaseRecord& record,
                            const std::vector<storage::EventAt>& events);

/// Source ranges of a case, each hashed once.
class Sources {
 public:
  explicit Sources(const storage::CaseReader& reader) : reader_(reader) {}
  /// The range [first, last] of a stream.
  Result<v1::SourceRange> range(Epoch epoch, StreamId stream, ItemNumber first, ItemNumber last);
  /// The frames named, joined where they follow each other closely, in order of epoch, stream and
  /// number: at most `limit` ranges, or one for each stream where there are more streams than that.
  /// A range may cover frames between those named.
  Result<std::vector<v1::SourceRange>> ranges(std::vector<storage::SourceRef> frames,
                                              size_t limit = 8);

 private:
  const storage::CaseReader& reader_;
  std::map<std::tuple<uint64_t, uint32_t, uint64_t, uint64_t>, v1::SourceRange> known_;
};

}  // namespace casebox::analytics::finding
