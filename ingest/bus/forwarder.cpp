#include "ingest/bus/forwarder.h"

#include <utility>

#include "ingest/bus/internal/cursor_file.h"
#include "ingest/bus/log_bus.h"

namespace casebox::bus {

struct Forwarder::Impl {
  explicit Impl(internal::CursorFile cursor) : cursor_file(std::move(cursor)) {}

  internal::CursorFile cursor_file;
  ForwarderOptions options;
  MakePublisher make;
  Clock* clock = nullptr;
  std::unique_ptr<LogSubscriber> log;
  std::unique_ptr<Publisher> publisher;
  std::optional<Delivery> held;    // read, not yet taken by the publisher
  std::optional<MonoTime> oldest;  // when the first frame of the open batch was read
  uint64_t reached = 0;            // cursor once the open batch is acknowledged
  size_t batch_frames = 0;
  size_t batch_bytes = 0;
  ForwarderStats stats;

  Result<void> rewind() {
    held.reset();
    oldest.reset();
    batch_frames = batch_bytes = 0;
    reached = stats.cursor;
    log.reset();
    publisher.reset();
    CASEBOX_TRY(auto made, make());
    CASEBOX_TRY(auto opened, LogSubscriber::open({options.log_dir}));
    const auto source = LogSubscriber::source_of(options.log_dir);
    if (source) {
      CASEBOX_CHECK(opened->resume({{*source, stats.cursor}}));
    } else if (source.error().code != Code::kNotFound) {  // no log yet: from its beginning
      return source.error();
    }
    publisher = std::move(made);
    log = std::move(opened);
    return ok();
  }

  bool full() const {
    return batch_frames >= options.batch_frames || batch_bytes >= options.batch_bytes;
  }

  // Fills the batch from what is there; kUnavailable leaves `held` for the next step.
  Result<void> fill(Duration wait) {
    while (!full()) {
      if (!held) {
        CASEBOX_TRY(held, log->poll(batch_frames == 0 ? wait : Duration{}));
        if (!held) return ok();
        if (!oldest) oldest = clock->mono();
      }
      if (held->message.partition >= options.partitions)
        return Error{Code::kInvalidArgument,
                     held->source + ": the case belongs to partition " +
                         std::to_string(held->message.partition) + " and the topics have " +
                         std::to_string(options.partitions) +
                         "; forward with the partition count that the recorder is configured for"};
      CASEBOX_CHECK(publisher->publish(held->message));
      ++batch_frames;
      batch_bytes += held->message.frame.size();
      reached = held->next_offset;
      held.reset();
    }
    return ok();
  }

  Result<size_t> step(Duration wait) {
    if (!publisher) CASEBOX_CHECK(rewind());
    Result<void> filled = fill(wait);
    if (!filled && (filled.error().code != Code::kUnavailable || batch_frames == 0))
      return std::move(filled).error();
    if (batch_frames == 0) return size_t{0};
    CASEBOX_CHECK(publisher->flush(options.flush_timeout));
    CASEBOX_CHECK(cursor_file.write(reached));
    const size_t acknowledged = batch_frames;
    stats.frames += batch_frames;
    stats.bytes += batch_bytes;
    stats.cursor = reached;
    batch_frames = batch_bytes = 0;
    oldest.reset();
    if (held) oldest = clock->mono();
    return acknowledged;
  }
};

Forwarder::Forwarder() = default;
Forwarder::~Forwarder() = default;

Result<std::unique_ptr<Forwarder>> Forwarder::open(ForwarderOptions options, MakePublisher make,
                                                   Clock& clock) {
  if (options.cursor_file.empty()) options.cursor_file = options.log_dir / "forward.cursor";
  CASEBOX_TRY(auto file, internal::CursorFile::open(options.cursor_file));
  CASEBOX_TRY(const uint64_t cursor, file.read());
  std::unique_ptr<Forwarder> forwarder(new Forwarder);
  forwarder->impl_ = std::make_unique<Impl>(std::move(file));
  forwarder->impl_->options = std::move(options);
  forwarder->impl_->make = std::move(make);
  forwarder->impl_->clock = &clock;
  forwarder->impl_->stats.cursor = cursor;
  forwarder->impl_->reached = cursor;
  return forwarder;
}

Result<size_t> Forwarder::step(Duration wait) {
  Result<size_t> result = impl_->step(wait);
  if (!result && result.error().code != Code::kUnavailable && impl_->publisher) {
    impl_->publisher.reset();
    impl_->batch_frames = impl_->batch_bytes = 0;
    ++impl_->stats.replays;
  }
  return result;
}

ForwarderStats Forwarder::stats() const {
  ForwarderStats stats = impl_->stats;
  stats.in_flight = impl_->batch_frames;
  if (impl_->oldest) stats.lag_s = (impl_->clock->mono() - *impl_->oldest).seconds();
  return stats;
}

}  // namespace casebox::bus
