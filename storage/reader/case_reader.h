#pragma once

// Reads the content of one case, and is the only way to it: opened once for a purpose that is
// audited, then samples, events, packets and gaps as typed values in case time, each with the frame
// it came from (step 8 of a record's path).
//
// Opening verifies: the case is rebuilt from its signed stream-0 frames, and every chain recomputed
// up to the newest beat (storage/verify). What is read later is found by those proven frames and
// must hash to the leaf that the chain was made of, so no row without a proof, no changed and no
// missing one is passed off as the record.
//
// Thread safety: one thread per CaseReader; several may be open on one Store.
// Errors: of a case whose verdict forbids it, content reads are kCorrupt and say the verdict,
// unless it was opened with `show_unproven`. Of a case that the gate refused (keyring/gate.h) they
// are kRefused, and of a class of streams that it did not open; without a key kDenied or kNotFound.
// streams(), gaps(), clocks() and consent() still work. A frame whose seal does not hold is
// kCorrupt. Lifetime: the Store outlives the reader; the trust list is looked at while opening
// only.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "casebox/v1/control.pb.h"
#include "casebox/v1/event.pb.h"
#include "casebox/v1/media.pb.h"
#include "casebox/v1/sample.pb.h"
#include "proto/keyring/keyring.h"
#include "storage/store.h"
#include "storage/verify/verified_case.h"

namespace casebox::storage {

/// The frame a value came from.
struct SourceRef {
  Epoch epoch;
  StreamId stream;
  ItemNumber first;  // of the frame
  uint32_t count = 0;
};

/// An event with its place.
struct EventAt {
  CaseTime t;
  uint32_t u95_us = 0;
  v1::Event event;
  SourceRef source;
  ItemNumber number;  // of the event itself
  bool derived = false;
};

/// A run of samples of one channel from one frame.
struct SampleRun {
  CaseTime t0;         // of the first sample
  double rate_hz = 0;  // of the channel; 0: `times` has one entry per sample
  std::vector<CaseTime> times;
  std::vector<double> values;  // in the channel's unit; NaN where missing
  std::vector<int64_t> codes;  // SAMPLE_TYPE_INT: as stored, 0 where missing; else empty
  std::vector<bool> missing;   // empty: none
  std::vector<int64_t> t_src;  // source times of items, raw; empty where unknown
  uint32_t u95_us = 0;
  SourceRef source;
};

/// A media packet: payload, and its times as the source had them.
struct PacketAt {
  CaseTime t;         // of presentation
  v1::Packet packet;  // pts, dts, duration, flags in the stream's time base
  Bytes payload;
  SourceRef source;
};

/// A media frame's playable bytes (moof+mdat), for serving and export.
struct FragmentAt {
  CaseTime t;
  Duration duration;
  bool sync = false;
  Bytes cmaf;
  SourceRef source;
};

struct GapAt {
  v1::Gap gap;
  StreamId stream;
  Epoch epoch;
  ItemNumber first;
  uint32_t count = 0;
};

struct ClockAt {
  CaseTime t;
  v1::ClockRecord record;
  SourceRef source;
};

struct Span {
  CaseTime from{INT64_MIN};
  CaseTime to{INT64_MAX};  // half open
};

struct OpenOptions {
  const trust::TrustList* trust = nullptr;  // who may sign; null: not compared
  // Content of a case that is damaged, tampered with or a stranger's is given all the same: whoever
  // asks for it shows the verdict beside it.
  bool show_unproven = false;
};

class CaseReader {
 public:
  /// `keyring` may hold no keystore: content reads then fail, accounting still works.
  static Result<std::unique_ptr<CaseReader>> open(const Store& store, CaseId id,
                                                  keyring::Keyring& keyring,
                                                  keyring::Purpose purpose,
                                                  const OpenOptions& options = {});
  ~CaseReader();

  /// The case as its signed frames tell it. With a key, streams have their true names in it;
  /// without one, what stands in the clear: known words and tokens such as "stream-3", "channel-1".
  const v1::CaseRecord& record() const;
  /// What was proven at opening, and what did not hold when it was read since: ask once more when
  /// all is read. Goes with everything that is shown of the case.
  const verify::Report& report() const;
  verify::Verdict verdict() const { return report().verdict; }
  /// Why no content of this case can be read (its verdict, consent, no keystore, no private key),
  /// or ok.
  Result<void> readable() const;
  /// Consent as it stands: the newest consent frame, or the older form as far as it can be read. A
  /// study, which is of nobody, has every scope.
  const access::Consent& consent() const;
  /// The recorder's stream by its name, e.g. "monitor.ecg"; the newest epoch's entry.
  std::optional<v1::Stream> find_stream(const std::string& name) const;
  /// Registered streams of the recorder (derived = false) or of derived producers, one entry per
  /// name.
  std::vector<v1::Stream> streams(bool derived = false) const;

  /// Events of streams of `kind` in time order; `derived` chooses whose.
  Result<std::vector<EventAt>> events(v1::StreamKind kind, Span span = {},
                                      bool derived = false) const;
  Result<std::vector<EventAt>> events_of(const std::string& stream, Span span = {}) const;

  /// Samples of one channel in time order, over all epochs, one run a frame.
  Result<void> samples(const std::string& stream, const std::string& channel, Span span,
                       const std::function<Result<void>(const SampleRun&)>& visit) const;
  /// All samples of a channel in one run with a time per value (for short or slow channels).
  Result<SampleRun> all_samples(const std::string& stream, const std::string& channel,
                                Span span = {}) const;

  /// Packets in decode order.
  Result<void> packets(const std::string& stream, Span span,
                       const std::function<Result<void>(const PacketAt&)>& visit) const;
  Result<void> fragments(const std::string& stream, Span span,
                         const std::function<Result<void>(const FragmentAt&)>& visit) const;

  /// Headers of a media stream's frames in time order, proven without reading the media.
  Result<void> media_headers(const std::string& stream,
                             const std::function<Result<void>(const frame::Header&)>& visit) const;

  Result<std::vector<GapAt>> gaps() const;
  Result<std::vector<ClockAt>> clocks() const;
  Result<std::vector<std::pair<CaseTime, v1::Pause>>> pauses() const;
  /// The case frame of the recorder's first epoch; its settings are whole only with a key.
  Result<v1::CaseFrame> opening() const;

  /// Seals what was derived of the case for a copy outside the record: opens only with the case's
  /// own private key (keyring/kept_key.h). Errors as readable().
  Result<Bytes> seal_kept(BytesView plain, BytesView about) const;

  /// SHA-256 over the frames of one stream from `first` to `last` number, for a finding's
  /// SourceRange.
  Result<v1::SourceRange> source_range(Epoch epoch, StreamId stream, ItemNumber first,
                                       ItemNumber last) const;

 private:
  CaseReader();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::storage
