#pragma once

// European Data Format as published: EDF (Kemp et al. 1992, Electroenceph. clin. Neurophysiol. 82,
// 391-393), EDF+ continuous and discontinuous (Kemp and Olivan 2003, Clin. Neurophysiol. 114,
// 1755-1761; section 2 of edfplus.info/specs), and BioSemi's BDF with samples of 24 bits.
//
// What the header says of a person (patient and recording identification) is not taken.
//
// Thread safety: one thread. Errors: kInvalidArgument with `name:offset` where the header cannot be
// read. Limits: 2048 signals, 64 MiB a record, 16 million records and 1 million annotations.

#include <cstdint>
#include <string>
#include <vector>

#include "recorder/sources/internal/byte_input.h"
#include "recorder/sources/internal/even_samples.h"

namespace casebox::recorder::internal {

struct EdfSignal {
  std::string label, unit;  // bytes of the file, blanks taken off
  double gain = 1;          // physical = digital * gain + offset
  double offset = 0;
  bool scaled = true;    // false: its ranges are no ranges
  uint32_t samples = 0;  // a record
  uint64_t at = 0;       // bytes into a record
  bool annotations = false;
};

struct EdfAnnotation {
  int64_t onset_ns = 0;      // from the file's start
  int64_t duration_ns = -1;  // -1: none
  std::string text;          // bytes of the file
};

/// A place that could not be read, or is not as the header says.
struct EdfTrouble {
  uint64_t offset = 0;
  std::string what;
  bool damage = true;
};

class EdfFile {
 public:
  static Result<EdfFile> open(ByteInput input, const std::string& name);

  const std::vector<EdfSignal>& signals() const { return signals_; }
  const std::vector<EdfAnnotation>& annotations() const { return annotations_; }  // by time
  const std::vector<EdfTrouble>& troubles() const { return troubles_; }
  bool identified() const { return identified_; }  // it names a patient or a recording
  bool has_date() const { return has_date_; }
  int64_t start_ns() const { return start_ns_; }  // local time, since 1970
  uint64_t records() const { return records_; }   // whole ones that are there
  uint64_t declared() const { return declared_; }
  int64_t record_ns() const { return duration_.ns_of_seconds(); }
  Rate rate_of(const EdfSignal& signal) const;
  /// From the file's start.
  int64_t onset_ns(uint64_t record) const;
  bool discontinuous() const { return discontinuous_; }
  size_t sample_bytes() const { return wide_ ? 3 : 2; }

  /// A record's bytes; fewer where the disk fails.
  void read_record(uint64_t record, Bytes& out) const;
  /// The samples of a signal in a record's bytes.
  void decode(const EdfSignal& signal, const Bytes& record, std::vector<int64_t>& out) const;

 private:
  /// A length in seconds as a fraction.
  struct Length {
    Rate seconds;
    int64_t ns_of_seconds() const;
  };
  Result<void> read_header(const std::string& name);
  Result<void> read_signals(const std::string& name, size_t count);
  void read_annotations();
  void note(uint64_t offset, const std::string& what, bool damage = true);

  ByteInput input_;
  bool wide_ = false;  // 24 bits
  bool plus_ = false;
  bool discontinuous_ = false;
  bool identified_ = false;
  bool has_date_ = false;
  int64_t start_ns_ = 0;
  Length duration_;
  uint64_t header_bytes_ = 0;
  uint64_t record_bytes_ = 0;
  uint64_t records_ = 0, declared_ = 0;
  std::vector<EdfSignal> signals_;
  std::vector<int64_t> onsets_;  // EDF+: of records, ns
  std::vector<EdfAnnotation> annotations_;
  std::vector<EdfTrouble> troubles_;
};

}  // namespace casebox::recorder::internal
