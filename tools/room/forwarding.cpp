#include "tools/room/forwarding.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "ingest/bus/forwarder.h"
#include "ingest/bus/kafka_publisher.h"
#include "ingest/bus/kafka_topics.h"
#include "tools/cli/kafka_args.h"

namespace casebox::tools {
namespace {

constexpr Duration kTopicPatience = seconds(3);
constexpr Duration kForwardStep = milliseconds(100);
constexpr auto kForwardRest = std::chrono::milliseconds(500);
constexpr Duration kLastWords = seconds(1);

}  // namespace

Result<void> check_topics(const v1::KafkaConfig& config, Duration patience) {
  CASEBOX_TRY(const bus::KafkaOptions options, kafka_options(config));
  for (bus::Lane lane : options.lanes) {
    const std::string topic = bus::topic_of(options.topic_prefix, lane);
    CASEBOX_TRY(const uint32_t there, bus::partition_count(options, topic, patience));
    if (there != config.partitions())
      return Error{Code::kConflict, topic + ": has " + std::to_string(there) + " partitions, and " +
                                        "'kafka.partitions' says " +
                                        std::to_string(config.partitions()) +
                                        "; write what the topics have"};
  }
  return ok();
}

struct Forwarding::Impl {
  v1::KafkaConfig config;
  std::filesystem::path spool;
  Clock* clock = nullptr;
  std::function<void(const std::string&)> say;
  mutable std::mutex mutex;
  ForwardStatus status{"away", "no broker has answered yet", 0, 0};
  MonoTime since;  // nothing has been acknowledged, while something waits
  std::atomic<bool> stopping{false};
  std::thread thread;

  void tell(const char* state, const std::string& message, const bus::Forwarder* forwarder) {
    bool news = false;
    {
      std::lock_guard lock(mutex);
      news = status.state != state;
      status.state = state;
      status.message = message;
      if (forwarder != nullptr) {
        const bus::ForwarderStats stats = forwarder->stats();
        status.frames = stats.frames;
        status.lag_s = stats.lag_s;
      }
    }
    if (news && say)
      say(std::string("forwarding: ") + state + (message.empty() ? "" : ": " + message));
  }
  void rest() const {
    if (!stopping) std::this_thread::sleep_for(kForwardRest);
  }

  void run() {
    std::unique_ptr<bus::Forwarder> forwarder;
    bool fits = false;
    std::optional<MonoTime> last;  // by then it ends
    while (true) {
      if (stopping && !last) last = clock->mono() + kLastWords;
      if (last && (!forwarder || clock->mono() >= *last)) return;
      if (!fits) {
        auto topics = check_topics(config, kTopicPatience);
        if (!topics) {
          const bool away = topics.error().code == Code::kUnavailable;
          tell(away ? "away" : "refused", topics.error().message, nullptr);
          waits();
          rest();
          continue;
        }
        fits = true;
      }
      if (!forwarder) {
        bus::ForwarderOptions options;
        options.log_dir = spool;
        options.partitions = config.partitions();
        options.flush_timeout = seconds(2);
        auto opened = bus::Forwarder::open(
            options,
            [this]() -> Result<std::unique_ptr<bus::Publisher>> {
              CASEBOX_TRY(const auto how, kafka_options(config));
              CASEBOX_TRY(auto made, bus::KafkaPublisher::create(how));
              return std::unique_ptr<bus::Publisher>(std::move(made));
            },
            *clock);
        if (!opened) {
          tell("refused", opened.error().message, nullptr);
          rest();
          continue;
        }
        forwarder = std::move(*opened);
      }
      const auto step = forwarder->step(kForwardStep);
      if (step) {
        tell("forwarding", "", forwarder.get());
        if (last && *step == 0) return;  // all is sent
        continue;
      }
      const bool away = step.error().code == Code::kUnavailable;
      tell(away ? "away" : "refused", step.error().message, forwarder.get());
      if (!away) {
        fits = false;
        rest();
      }
    }
  }
  /// Without a forwarder the lag is how long none could be had.
  void waits() {
    std::lock_guard lock(mutex);
    status.lag_s = (clock->mono() - since).seconds();
  }
};

Forwarding::Forwarding() : impl_(std::make_unique<Impl>()) {}

Forwarding::~Forwarding() {
  impl_->stopping = true;
  if (impl_->thread.joinable()) impl_->thread.join();
}

std::unique_ptr<Forwarding> Forwarding::start(const v1::KafkaConfig& config,
                                              const std::filesystem::path& spool, Clock& clock,
                                              std::function<void(const std::string&)> say) {
  std::unique_ptr<Forwarding> made(new Forwarding);
  Impl& impl = *made->impl_;
  impl.config = config;
  impl.spool = spool;
  impl.clock = &clock;
  impl.say = std::move(say);
  impl.since = clock.mono();
  impl.thread = std::thread([&impl] { impl.run(); });
  return made;
}

ForwardStatus Forwarding::status() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

}  // namespace casebox::tools
