#pragma once

// The open side of an epoch: numbers, chains, gaps, beats and the close frame. A Producer adds
// streams and sealing; recovery picks an epoch up where a crash left it.
//
// Thread safety: one thread. Errors: those of the log; a failed append changes nothing here.
// Lifetime: `log` and `clock` outlive it.

#include <map>
#include <optional>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "proto/base/time.h"
#include "proto/frame/frame.h"
#include "proto/log/log.h"
#include "proto/seal/seal.h"

namespace casebox::producer {

class EpochWriter {
 public:
  /// A sealed frame that the log refused. Part of it may be on the disk, so its key must seal no
  /// other frame of its number.
  struct Refused {
    KeyPeriod period;
    Digest leaf;
  };

  /// Where a stream stands.
  struct Chain {
    uint64_t next = 0;
    Digest head{};
    uint64_t gap_frames = 0;
    std::optional<Refused> refused;  // under number `next`; periods never go back, so the last one
  };

  EpochWriter(CaseId case_id, ProducerId producer, Epoch epoch, v1::ProducerRole role,
              seal::SigningKey key, log::Writer& log, Clock& clock);

  /// Starts a chain at its first head, if it is not there yet.
  Chain& chain(StreamId stream);
  /// Continues one from a known position.
  void resume(StreamId stream, const Chain& at) { chains_[stream.value] = at; }

  /// Completes the header (epoch, first number, derived flag), encodes, appends, and moves the
  /// chain.
  Result<ItemNumber> append(frame::Header header, BytesView body);
  /// The header as `append` will complete it: what a seal authenticates.
  frame::Header complete(frame::Header header);

  Result<ItemNumber> append_control(frame::Kind kind, CaseTime t,
                                    const google::protobuf::MessageLite& body);
  Result<ItemNumber> append_gap(StreamId stream, const v1::Gap& gap);
  Result<void> beat(CaseTime t);
  Result<void> close(CaseTime t, v1::CloseFrame::Reason reason,
                     v1::CloseFrame::Cause cause = v1::CloseFrame::CAUSE_UNSPECIFIED);

  CaseId case_id() const { return case_id_; }
  Epoch epoch() const { return epoch_; }
  const seal::SigningKey& key() const { return key_; }
  Clock& clock() { return clock_; }
  log::Writer& log() { return log_; }

 private:
  frame::Header control_header(frame::Kind kind, CaseTime t) const;
  v1::StreamPosition position(uint32_t stream, const Chain& chain) const;

  CaseId case_id_;
  ProducerId producer_;
  Epoch epoch_;
  v1::ProducerRole role_;
  seal::SigningKey key_;
  log::Writer& log_;
  Clock& clock_;
  std::map<uint32_t, Chain> chains_;  // by stream id, 0 included
};

}  // namespace casebox::producer
