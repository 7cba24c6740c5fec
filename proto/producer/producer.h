#pragma once

// A producer makes the frames of one epoch of one case and appends them to its log: it numbers
// items, seals bodies, keeps the chains, and signs beats. The recorder, imports and analysis each
// own one. Steps 3 and 4 of a record's path (docs/life-of-a-record.md).
//
// Thread safety: one thread owns a Producer and its log::Writer.
// What a case, stream, gap or pause frame says in the clear is made of known words and codes
// (proto/vocabulary): names of streams and channels that are not are sealed, an unknown reason or
// role and a procedure or room that is no code are kInvalidArgument.
//
// Errors: a failed append takes no number; retry the same call or make a gap. Another body under
// the same number is refused (kConflict): two bodies sealed with one nonce would open each other.
// A message with text that is not UTF-8 is refused (kInvalidArgument): it would never parse again.
// Lifetime: `log`, `clock` outlive the Producer.

#include <google/protobuf/message_lite.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/case.pb.h"
#include "casebox/v1/control.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/base/ids.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/frame/frame.h"
#include "proto/log/log.h"
#include "proto/seal/seal.h"

namespace casebox::producer {

struct Options {
  CaseId case_id;
  ProducerId producer_id;
  v1::ProducerRole role = v1::PRODUCER_ROLE_RECORDER;
  std::array<uint8_t, 32> case_public_key{};
  bool case_key_reused = false;
  v1::CaseFrame details;  // procedure, room, start_utc_ns, config, ...: ids and keys are filled in,
                          // and the config is sealed but for its numbers and codes
  bool seal = true;       // false only in benchmarks that measure what evidence costs
  Duration key_period = seconds(60);
  CaseTime opened_at;  // case time at which this epoch begins
};

/// One data frame to be.
struct Data {
  StreamId stream;
  CaseTime t;  // of the first item
  uint32_t u95_us = 0;
  MonoTime t_capture;
  Duration duration;
  uint32_t count = 1;
  uint8_t flags = 0;  // sync, first, last
};

class Producer {
 public:
  /// Begins an epoch: begins the case in `log`, writes the case frame.
  static Result<std::unique_ptr<Producer>> open(Options options, seal::SigningKey key,
                                                log::Writer& log, Clock& clock);
  ~Producer();

  /// Registers a stream and writes its stream frame and first key frame. `stream.stream_id` 0 asks
  /// for the next free id. A second call with the same id replaces the entry (a new init segment,
  /// say).
  /// Its true names; the stream frame shows those of the vocabulary.
  Result<StreamId> add_stream(v1::Stream stream);

  /// Appends a data frame; returns the number of its first item.
  Result<ItemNumber> append(const Data& data, const google::protobuf::MessageLite& body);
  /// Appends a gap that takes `gap.missing` numbers (at least one; one when the count is unknown).
  Result<ItemNumber> append_gap(StreamId stream, const v1::Gap& gap);
  Result<void> append_clock(const v1::ClockRecord& record, CaseTime t);
  Result<void> append_pause(const v1::Pause& pause, CaseTime t);
  /// What consent is from `t` on, in the clear: codes only. An analysis has none to tell.
  Result<void> append_consent(const v1::Consent& consent, CaseTime t);

  /// Ends the current key period: what follows can be disclosed apart from what was. Pauses and
  /// consent do so themselves.
  void cut_period();

  /// Signs where every stream stands. Once a second, and at close.
  Result<void> beat(CaseTime t);
  /// Ends the case: close frame naming every stream's next number, a last beat, the end of the case
  /// in the log. `cause`: why the recording ends there.
  Result<void> close(CaseTime t, v1::CloseFrame::Cause cause = v1::CloseFrame::CAUSE_SOURCES_ENDED);

  Epoch epoch() const;
  CaseId case_id() const;
  /// One past the last number of a stream.
  ItemNumber next_number(StreamId stream) const;
  const std::vector<v1::Stream>& streams() const;

 private:
  Producer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::producer
