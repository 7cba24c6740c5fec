#pragma once

// The embedded bus: log folders are the bus. A producer's log is already durable and has offsets,
// so the subscriber reads the folders directly (steps 5 and 6 of a record's path without a broker).
//
// A source is "log/<folder name>.<the log's id>", and an offset is log::Offset::packed(): the store
// keeps its place by that name. Two logs in folders of one name are two sources; a log whose folder
// was renamed is read again, and the store drops what it has. Only what is below the
// log's durable offset is delivered, and the copies at the front of a log file are not: each frame
// arrives once, where it was first written. A message's lane comes from its stream's entry in the
// registry frames before it, its partition from its case frame. Bytes of a log that are not a frame
// are delivered as they are, in their place, so that the store can put them into quarantine; a torn
// tail behind the durable offset is a crash's doing and is not.
//
// A folder put back from a backup, or a second recorder made from the same image, has the name of a
// log and other frames in it. Where the store's place is not behind the message that it read last,
// the log is read from its beginning, and `take_notices` says so.
//
// Thread safety: one thread owns a subscriber; producers may append meanwhile.
// Errors: kInvalidArgument for two copies of one log under one name, kIo and kCorrupt from the log.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ingest/bus/bus.h"
#include "proto/log/log.h"

namespace casebox::bus {

class LogSubscriber final : public Subscriber {
 public:
  /// A folder that does not exist yet is a source without messages until it does.
  static Result<std::unique_ptr<LogSubscriber>> open(
      const std::vector<std::filesystem::path>& dirs);
  ~LogSubscriber() override;

  Result<void> resume(const std::vector<Position>& positions) override;
  Result<std::optional<Delivery>> poll(Duration timeout) override;

  /// What people should know of the logs, once each.
  std::vector<std::string> take_notices();
  /// Folders in which there was no log so far.
  std::vector<std::filesystem::path> absent() const;
  /// The sources that were found so far.
  std::vector<std::string> found() const;

  /// The source name of a log folder; kNotFound while there is no log in it.
  static Result<std::string> source_of(const std::filesystem::path& dir);

 private:
  LogSubscriber();
  struct Source;
  Result<bool> find(Source& source);
  Result<void> place(Source& source);

  std::vector<std::unique_ptr<Source>> sources_;
  std::map<std::string, Position> resume_;  // by source
  std::vector<std::string> notices_;
  size_t turn_ = 0;
};

/// Copies messages into a log: the other end of a LogSubscriber, for a bus in files between two
/// programs. One producer's cases, one after the other; a change of case begins a new file. Thread
/// safety: one thread. Errors: those of log::Writer. Lifetime: `log` outlives it.
class LogPublisher final : public Publisher {
 public:
  explicit LogPublisher(log::Writer& log) : log_(log) {}

  Result<void> publish(const Message& message) override;
  Result<void> flush(Duration timeout) override;

 private:
  log::Writer& log_;
  CaseId case_id_;
  ProducerId producer_;
};

}  // namespace casebox::bus
