#pragma once

// What a later file of a case must repeat: copies of its current case, stream and key frames, and
// where each stream of each epoch stands.
//
// Thread safety: one thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/log.pb.h"
#include "proto/base/bytes.h"
#include "proto/base/ids.h"
#include "proto/frame/frame.h"

namespace casebox::log::internal {

class CaseState {
 public:
  CaseState() = default;
  CaseState(CaseId case_id, ProducerId producer) : case_id_(case_id), producer_(producer) {}

  bool is(CaseId case_id, ProducerId producer) const {
    return case_id_ == case_id && producer_ == producer;
  }
  CaseId case_id() const { return case_id_; }
  ProducerId producer() const { return producer_; }

  /// A frame has been appended. `leaf` is its leaf hash, where the caller has it already.
  void learn(const frame::View& frame, const Digest* leaf);
  /// A copy at the front of a file, which moves no position.
  void remember(const frame::View& frame);
  /// Positions as a file's header gives them.
  void resume(const v1::LogFileHeader& header);

  /// Fills in positions and the length of the copies, and returns the copies.
  Bytes preamble(v1::LogFileHeader& header) const;

 private:
  // Newest frame of each thing: the epoch's case frame, a stream's entry, a stream's key
  // commitment.
  struct Thing {
    uint64_t epoch = 0;
    frame::Kind kind = frame::Kind::kCase;
    uint32_t stream = 0;
    bool draft = false;
    auto operator<=>(const Thing&) const = default;
  };
  struct Copy {
    Bytes bytes;
    std::vector<Thing> things;  // that it is the newest of
  };
  struct Position {
    uint64_t next = 0;
    Digest head{};
    uint64_t gap_frames = 0;
  };

  void replace(const frame::View& frame, std::vector<Thing> things);
  void drop_epochs_but(uint64_t epoch);

  CaseId case_id_;
  ProducerId producer_;
  uint64_t order_ = 0;
  std::map<uint64_t, Copy> copies_;                             // in the order they were written
  std::map<Thing, uint64_t> newest_;                            // thing -> key of copies_
  std::map<uint64_t, std::map<uint32_t, Position>> positions_;  // by epoch, stream
};

}  // namespace casebox::log::internal
