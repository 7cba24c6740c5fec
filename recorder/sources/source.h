#pragma once

// A source: one device, program or file that yields items of one or more streams (step 1 and 2 of a
// record's path). Each implementation is one file pair here and one line in factory.cpp; it keeps
// its own clock and hands out case times with their bounds.
//
// A source fails alone: open() and next() return an error that names file and place, and the
// recorder goes on with the others. What a source could not read it says twice: as a gap of the
// streams concerned, and as a Skipped for the person who asked for the import.
//
// Thread safety: one thread owns a Source; stop() may be called from any other.
// Lifetime: the Context's clock outlives the source.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "casebox/v1/config.pb.h"
#include "casebox/v1/control.pb.h"
#include "casebox/v1/event.pb.h"
#include "casebox/v1/media.pb.h"
#include "casebox/v1/stream.pb.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace casebox::recorder {

/// Samples of one channel: `ints` or `reals` by the channel's type. Both empty: all missing.
struct Column {
  std::vector<int64_t> ints;
  std::vector<double> reals;
  std::vector<bool> missing;  // empty: none
};

/// A run of consecutive ticks of one sample stream.
struct Samples {
  std::vector<Column> columns;  // one per channel, in registry order
  int64_t t_src = 0;            // of the first tick, in the stream's source_time_unit
  int64_t t_src_step = 0;       // between ticks; 0 for a single tick or when it is not even
};

/// One playable piece of video or audio with its packet table.
struct Fragment {
  v1::MediaFragment media;
  bool sync = false;  // starts with a key frame
};

struct Item {
  size_t stream = 0;  // index into Source::streams()
  CaseTime t;         // of the first item, estimated; of a gap, where it begins
  uint32_t u95_us = 0;
  Duration duration;
  CaseTime arrival;    // case time at which it reached the recorder
  MonoTime captured;   // the same on the machine's clock; set by whoever takes it from the source
  uint32_t count = 1;  // item numbers it takes; of a gap, see the gap
  std::variant<Samples, v1::Event, Fragment, v1::Gap> what;

  bool is_gap() const { return std::holds_alternative<v1::Gap>(what); }
};

/// A device clock as it stands to case time.
struct ClockState {
  uint32_t clock_id = 0;  // as in the source's streams
  int64_t offset_ns = 0;
  double rate_ppm = 0;
  uint64_t u95_ns = 0;
  uint32_t resets = 0;  // how often it was set so far
  bool broken = false;
};

/// The time of day that a source's first item tells, and of what clock: UTC, one of a place that is
/// not named, or one without a date. Times of one kind lie to one another as they tell.
struct Wall {
  enum class Kind { kNone, kUtc, kLocal, kClock };
  Kind kind = Kind::kNone;
  int64_t ns = 0;  // since 1970; of a clock since midnight
};

/// A part of a file that could not be read.
struct Skipped {
  std::string file;     // name without its folder
  uint64_t offset = 0;  // bytes into the file
  std::string reason;
  bool damage = false;  // something is lost, and a gap says so
};

/// What a source may need of the recorder it belongs to.
struct Context {
  v1::SourceConfig config;
  std::string procedure;                        // simulator
  Clock* clock = nullptr;                       // live sources stamp arrivals with it
  MonoTime case_zero;                           // where case time zero lies on it
  Duration fragment = milliseconds(150);        // longest media fragment
  const std::atomic<bool>* stopping = nullptr;  // true: opening may give up
  int attempt = 0;  // openings that failed before: a device is looked at longer after the first
};

class Source {
 public:
  virtual ~Source() = default;

  /// Registry entries, in the order of Item::stream; stream_id is 0, clock ids are the source's
  /// own.
  const std::vector<v1::Stream>& streams() const { return streams_; }

  /// Appends what comes next, in the order of each stream; false once there is nothing more. Blocks
  /// on a live source.
  virtual Result<bool> next(std::vector<Item>& out) = 0;

  virtual std::vector<ClockState> clocks() const { return {}; }
  virtual const std::vector<Skipped>& skipped() const { return skipped_; }
  /// Live: paced by its device, must not be kept waiting. Otherwise the recorder sets the pace.
  virtual bool live() const { return false; }
  /// The time that the source tells of its first item.
  virtual Wall wall() const { return {}; }
  /// Moves all its items in case time; before the first next(). Nothing for a live source.
  virtual void move(Duration) {}
  /// Length, where known beforehand; 0: not known.
  virtual Duration length() const { return {}; }
  /// Items each stream's device says it sent so far, counted by itself; empty where it does not
  /// say.
  virtual std::vector<uint64_t> sent() const { return {}; }
  /// Of a simulated source: truth.json once all has been said.
  virtual std::string truth() const { return {}; }

  /// Puts all streams into one class, as the configuration wants it; before the recording begins.
  void set_class(v1::StreamClass wanted) {
    for (v1::Stream& stream : streams_) stream.set_stream_class(wanted);
  }
  /// The recording ends: next() hands out what has arrived, then returns false within 0.3 s.
  void stop() { stopping_.store(true); }

 protected:
  std::vector<v1::Stream> streams_;
  std::vector<Skipped> skipped_;
  std::atomic<bool> stopping_{false};
};

/// Opens the source that `context.config.type` names. kUnsupported for an unknown type; otherwise
/// the errors of the source: kInvalidArgument for bad input, kNotFound, kIo, kUnavailable for a
/// device or URL that does not answer (try again).
Result<std::unique_ptr<Source>> open_source(Context context);

/// Whether it delivers as things happen, and may be away and come back: a URL, a pipe, a device
/// file. What else there is are files.
bool is_device(const v1::SourceConfig& source);

/// The type of source a file needs: "media", "vital", "csv", "edf", "xdf", "wfdb", "phases"
/// or "instruments". kNotFound if it is absent.
Result<std::string> source_type_of(const std::string& file);

/// Paths of the files that a file of this type is read with, where it does not hold everything.
std::vector<std::string> companions_of(const std::string& type, const std::string& file);

}  // namespace casebox::recorder
