#include "tools/bench/recording.h"

#include <cmath>

#include "casebox/v1/sample.pb.h"
#include "ingest/bus/log_bus.h"
#include "ingest/ingest.h"
#include "proto/codec/codec.h"
#include "proto/keyring/keystore.h"
#include "proto/producer/producer.h"
#include "recorder/sim/signals.h"
#include "recorder/sim/streams.h"

namespace casebox::tools::bench {
namespace {

namespace sim = recorder::sim;

/// One sampled stream: ticks already given out, and what makes the next.
struct Source {
  v1::Stream stream;
  StreamId id;
  std::unique_ptr<sim::Signal> signal;
  double tick_s = 0;
  uint64_t ticks = 0;
};

Result<void> append_frame(Source& source, Duration frame, producer::Producer& producer,
                          Recording& recording) {
  const auto channels = static_cast<size_t>(source.stream.channels_size());
  const auto ticks = static_cast<uint32_t>(std::lround(frame.seconds() / source.tick_s));
  if (ticks == 0) return ok();
  std::vector<std::vector<int64_t>> codes(channels);
  std::vector<double> values(channels);
  for (uint32_t i = 0; i < ticks; ++i) {
    source.signal->sample(static_cast<double>(source.ticks + i) * source.tick_s, values.data());
    for (size_t c = 0; c < channels; ++c) {
      const int decimals = static_cast<int>(source.stream.channels(static_cast<int>(c)).decimals());
      codes[c].push_back(std::llround(values[c] * std::pow(10, decimals)));
    }
  }
  v1::SampleChunk chunk;
  for (size_t c = 0; c < channels; ++c) {
    v1::ChannelChunk& channel = *chunk.add_channels();
    channel.set_channel_id(source.stream.channels(static_cast<int>(c)).id());
    channel.set_coded(codec::encode(codes[c]));
    recording.coded_bytes += channel.coded().size();
  }
  producer::Data data;
  data.stream = source.id;
  data.t = CaseTime{} + from_seconds(static_cast<double>(source.ticks) * source.tick_s);
  data.count = ticks;
  data.duration = frame;
  data.u95_us = 500;
  CASEBOX_CHECK(producer.append(data, chunk));
  source.ticks += ticks;
  recording.frames += 1;
  recording.samples += ticks * channels;
  recording.raw_bytes += ticks * channels * 2;
  return ok();
}

Result<std::vector<Source>> make_sources(const sim::Plan& plan, const sim::Physiology& body,
                                         producer::Producer& producer) {
  std::vector<Source> sources;
  for (v1::Stream& stream : sim::streams_of(plan)) {
    if (stream.kind() != v1::STREAM_KIND_WAVE) continue;
    Source source;
    source.signal = sim::make_signal(stream.name(), plan, body);
    if (!source.signal) continue;
    source.tick_s = static_cast<double>(stream.tick_rate_hz().den()) /
                    static_cast<double>(stream.tick_rate_hz().num());
    CASEBOX_TRY(source.id, producer.add_stream(stream));
    source.stream = std::move(stream);
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace

Result<Recording> make_recording(const std::filesystem::path& dir,
                                 const RecordingOptions& options) {
  sim::Options room;
  room.seed = options.seed;
  room.video = false;
  CASEBOX_TRY(const sim::Plan plan, sim::make_plan(room));
  const sim::Physiology body(plan);

  Recording recording;
  recording.log = dir / "log";
  recording.keys = dir / "keys";
  ManualClock clock(MonoTime{1'000'000'000}, UtcTime{1'760'000'000'000'000'000});
  CASEBOX_TRY(auto keystore, keyring::Keystore::open(recording.keys, clock, true, 1));
  CASEBOX_TRY(const auto key, keystore->take_case_key());
  CASEBOX_TRY(auto signing_key, keystore->signing_key("recorder"));
  CASEBOX_TRY(auto writer, log::Writer::open(recording.log, clock));
  producer::Options how;
  recording.case_id = how.case_id = random_id<CaseId>();
  how.producer_id = random_id<ProducerId>();
  how.case_public_key = key.public_key;
  how.details.set_procedure(room.procedure);
  how.details.set_start_utc_ns(static_cast<uint64_t>(clock.utc().ns));
  CASEBOX_TRY(auto producer, producer::Producer::open(how, std::move(signing_key), *writer, clock));
  CASEBOX_TRY(auto sources, make_sources(plan, body, *producer));

  const auto steps = static_cast<int64_t>(options.seconds / options.frame.seconds());
  int64_t beats = 0;
  for (int64_t step = 0; step < steps; ++step) {
    for (Source& source : sources)
      CASEBOX_CHECK(append_frame(source, options.frame, *producer, recording));
    clock.advance(options.frame);
    const Duration now = options.frame * (step + 1);
    if (now.ns / seconds(1).ns > beats) {
      beats = now.ns / seconds(1).ns;
      CASEBOX_CHECK(producer->beat(CaseTime{} + now));
    }
  }
  CASEBOX_CHECK(producer->close(CaseTime{} + options.frame * steps));
  CASEBOX_CHECK(writer->sync());
  return recording;
}

Result<void> fill_store(const Recording& recording, const std::filesystem::path& dir) {
  SystemClock clock;
  storage::Options how;
  how.create = true;
  CASEBOX_TRY(auto store, storage::Store::open(dir, how));
  CASEBOX_TRY(auto subscriber, bus::LogSubscriber::open({recording.log}));
  CASEBOX_TRY(auto keystore, keyring::Keystore::open(recording.keys, clock));
  CASEBOX_TRY(const auto trust, keystore->trust());
  CASEBOX_TRY(auto loop, ingest::Ingest::open(*subscriber, *store, trust, clock));
  return loop->drain(milliseconds(1));
}

}  // namespace casebox::tools::bench
