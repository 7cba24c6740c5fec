// Frames into the store, each batch synced: from a log folder, and from a broker when one is given.
// What is measured is the ingest loop alone; the frames lie ready.

#include "ingest/bus/forwarder.h"
#include "ingest/bus/kafka_publisher.h"
#include "ingest/bus/kafka_subscriber.h"
#include "ingest/bus/kafka_topics.h"
#include "ingest/bus/log_bus.h"
#include "ingest/ingest.h"
#include "proto/keyring/keystore.h"
#include "tools/bench/bench.h"
#include "tools/bench/recording.h"

namespace casebox::tools::bench {
namespace {

namespace fs = std::filesystem;

void add_rates(const std::string& id, const std::string& name, uint64_t frames, uint64_t bytes,
               double took, std::vector<Figure>& figures) {
  Figure rate;
  rate.id = id + ".frames_per_s";
  rate.name = name;
  rate.value = static_cast<double>(frames) / took;
  rate.unit = "frames/s";
  figures.push_back(rate);
  rate.id = id + ".mb_per_s";
  rate.value = static_cast<double>(bytes) / took / 1e6;
  rate.unit = "MB/s";
  figures.push_back(rate);
}

/// Runs the loop until as many frames are stored as were sent; a broker's client may pause on its
/// way.
Result<void> ingest_all(bus::Subscriber& subscriber, const Recording& recording,
                        const fs::path& dir, const std::string& id, const std::string& name,
                        uint64_t expected, std::vector<Figure>& figures) {
  SystemClock clock;
  storage::Options how;
  how.create = true;
  CASEBOX_TRY(auto store, storage::Store::open(dir, how));
  CASEBOX_TRY(auto keystore, keyring::Keystore::open(recording.keys, clock));
  CASEBOX_TRY(const auto trust, keystore->trust());
  CASEBOX_TRY(auto loop, ingest::Ingest::open(subscriber, *store, trust, clock));
  // The clock starts with the first delivery: joining a broker is not ingest.
  while (loop->progress().frames == 0) {
    CASEBOX_TRY(const size_t handled, loop->run_once(seconds(10)));
    if (handled == 0)
      return Error{Code::kUnavailable, "bench ingest: nothing arrived in 10 s; is the broker up?"};
  }
  const uint64_t frames = loop->progress().frames, bytes = loop->progress().bytes;
  const Stopwatch watch;
  while (loop->progress().frames < expected) {
    CASEBOX_TRY(const size_t handled, loop->run_once(seconds(10)));
    if (handled == 0)
      return Error{Code::kUnavailable, "bench ingest: frames are missing; is the broker up?"};
  }
  CASEBOX_CHECK(loop->commit());
  add_rates(id, name, loop->progress().frames - frames, loop->progress().bytes - bytes,
            watch.seconds(), figures);
  return ok();
}

Result<uint64_t> count_frames(const fs::path& log) {
  CASEBOX_TRY(auto reader, log::Reader::open(log));
  uint64_t frames = 0;
  while (true) {
    CASEBOX_TRY(const auto entry, reader->next());
    if (!entry) return frames;
    if (!entry->preamble) ++frames;
  }
}

Result<void> over_kafka(const Context& context, const Recording& recording, uint64_t expected,
                        std::vector<Figure>& figures) {
  SystemClock clock;
  bus::KafkaOptions kafka;
  kafka.brokers = context.brokers;
  kafka.topic_prefix = "casebox-bench-" + to_string(recording.case_id).substr(0, 8);
  kafka.fetch_wait = milliseconds(10);
  CASEBOX_CHECK(bus::create_topics(kafka, bus::topics_of(kafka.topic_prefix, 1), 1, seconds(30)));
  bus::ForwarderOptions forward;
  forward.log_dir = recording.log;
  forward.cursor_file = context.dir / "bench.cursor";
  CASEBOX_TRY(auto forwarder, bus::Forwarder::open(
                                  forward,
                                  [&]() -> Result<std::unique_ptr<bus::Publisher>> {
                                    CASEBOX_TRY(auto publisher, bus::KafkaPublisher::create(kafka));
                                    return std::unique_ptr<bus::Publisher>(std::move(publisher));
                                  },
                                  clock));
  const Stopwatch watch;
  while (forwarder->stats().frames < expected) {
    const auto step = forwarder->step(milliseconds(10));
    if (step || step.error().code == Code::kUnavailable) {
      if (watch.seconds() < 300) continue;
      return Error{Code::kUnavailable, context.brokers + ": no acknowledgement in 300 s"};
    }
    return step.error();
  }
  add_rates("forward.kafka", "log -> Kafka, acknowledged by all replicas",
            forwarder->stats().frames, forwarder->stats().bytes, watch.seconds(), figures);
  CASEBOX_TRY(auto subscriber, bus::KafkaSubscriber::create(kafka, {0}));
  return ingest_all(*subscriber, recording, context.dir / "ingest" / "kafka-store", "ingest.kafka",
                    "Kafka -> store, wave frames", expected, figures);
}

}  // namespace

Result<void> run_ingest(const Context& context, std::vector<Figure>& figures) {
  const fs::path dir = context.dir / "ingest";
  RecordingOptions how;
  how.seconds = context.case_seconds;
  how.seed = context.seed;
  CASEBOX_TRY(const Recording recording, make_recording(dir, how));
  CASEBOX_TRY(const uint64_t expected, count_frames(recording.log));
  CASEBOX_TRY(auto subscriber, bus::LogSubscriber::open({recording.log}));
  CASEBOX_CHECK(ingest_all(*subscriber, recording, dir / "store", "ingest.log",
                           "log -> store, wave frames", expected, figures));
  if (!context.brokers.empty()) CASEBOX_CHECK(over_kafka(context, recording, expected, figures));
  std::error_code ec;
  fs::remove_all(dir, ec);
  return ok();
}

}  // namespace casebox::tools::bench
