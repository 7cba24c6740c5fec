// Makes a recording for tests without the recorder: `make_recording log DIR KEYS SECONDS` writes a
// case with events, waves, media and gaps; `make_recording junk BROKERS` sends one record that is
// not a frame.

#include <charconv>
#include <cstdio>
#include <cstring>

#include "casebox/v1/event.pb.h"
#include "casebox/v1/media.pb.h"
#include "casebox/v1/sample.pb.h"
#include "ingest/bus/kafka_publisher.h"
#include "proto/codec/codec.h"
#include "proto/keyring/keystore.h"
#include "proto/producer/producer.h"

namespace casebox {
namespace {

// Per second: waves in 100 frames of 5 samples, 2 events, 1 fragment of media.
constexpr int kWaveFrames = 100;
constexpr int kSamples = 5;
constexpr size_t kFragment = 40 << 10;

v1::Stream stream(const char* name, v1::StreamKind kind, uint64_t ticks_per_s) {
  v1::Stream out;
  out.set_name(name);
  out.set_kind(kind);
  out.mutable_tick_rate_hz()->set_num(ticks_per_s);
  out.mutable_tick_rate_hz()->set_den(1);
  if (kind == v1::STREAM_KIND_WAVE) {
    v1::Channel& channel = *out.add_channels();
    channel.set_id(1);
    channel.set_name("ECG_II");
    channel.set_unit("mV");
    channel.set_type(v1::SAMPLE_TYPE_INT);
    channel.set_gain(0.005);
    channel.set_samples_per_tick(1);
  }
  return out;
}

Result<void> write_log(const char* dir, const char* keys, int n_seconds) {
  ManualClock clock(MonoTime{1'000'000'000}, UtcTime{1'760'000'000'000'000'000});
  CASEBOX_TRY(auto keystore, keyring::Keystore::open(keys, clock, true, 2));
  CASEBOX_TRY(const auto case_key, keystore->take_case_key());
  CASEBOX_TRY(auto signing_key, keystore->signing_key("recorder"));
  CASEBOX_TRY(auto writer, log::Writer::open(dir, clock));
  producer::Options options;
  options.case_id = random_id<CaseId>();
  options.producer_id = random_id<ProducerId>();
  options.case_public_key = case_key.public_key;
  options.details.set_procedure("lap-cholecystectomy");
  options.details.set_room("OR-1");
  options.details.set_start_utc_ns(static_cast<uint64_t>(clock.utc().ns));
  CASEBOX_TRY(auto producer,
              producer::Producer::open(options, std::move(signing_key), *writer, clock));
  CASEBOX_TRY(const StreamId wave,
              producer->add_stream(stream("monitor.ecg", v1::STREAM_KIND_WAVE, 500)));
  CASEBOX_TRY(const StreamId team,
              producer->add_stream(stream("team.marks", v1::STREAM_KIND_TEAM, 0)));
  CASEBOX_TRY(const StreamId video,
              producer->add_stream(stream("scope.video", v1::STREAM_KIND_VIDEO, 0)));
  for (int s = 0; s < n_seconds; ++s) {
    producer::Data data;
    data.t = CaseTime{s * 1'000'000'000ll};
    data.u95_us = 500;
    data.t_capture = clock.mono();
    v1::EventBatch events;
    events.add_events()->mutable_mark()->set_code(s == 0 ? "time-out" : "note");
    events.add_events()->mutable_mark()->set_code(s + 1 == n_seconds ? "sign-out" : "note");
    data.stream = team;
    data.count = 2;
    CASEBOX_CHECK(producer->append(data, events));
    v1::MediaFragment fragment;
    Bytes media(kFragment, '\0');
    for (size_t i = 0; i < media.size(); ++i)
      media[i] = static_cast<char>((i * 2654435761u + static_cast<unsigned>(s)) >> 11);
    fragment.set_cmaf(media);
    data.stream = video;
    data.count = 1;
    CASEBOX_CHECK(producer->append(data, fragment));
    if (s % 10 == 5) {
      v1::Gap gap;
      gap.set_origin(v1::Gap::ORIGIN_SOURCE);
      gap.set_reason("disconnected");
      gap.set_missing(250);
      gap.set_t_begin_ns(data.t.ns);
      gap.set_t_end_ns(data.t.ns + 500'000'000);
      CASEBOX_CHECK(producer->append_gap(wave, gap));
    }
    for (int i = 0; i < kWaveFrames; ++i) {
      std::vector<int64_t> samples;
      for (int k = 0; k < kSamples; ++k) samples.push_back((s * 7919 + i * 31 + k * k) % 2048);
      v1::SampleChunk chunk;
      v1::ChannelChunk& channel = *chunk.add_channels();
      channel.set_channel_id(1);
      channel.set_coded(codec::encode(samples));
      data.stream = wave;
      data.t = CaseTime{s * 1'000'000'000ll + i * 10'000'000ll};
      data.count = kSamples;
      data.duration = milliseconds(10);
      CASEBOX_CHECK(producer->append(data, chunk));
      data.duration = Duration{};
    }
    clock.advance(seconds(1));
    CASEBOX_CHECK(producer->beat(CaseTime{(s + 1) * 1'000'000'000ll}));
  }
  CASEBOX_CHECK(producer->close(CaseTime{n_seconds * 1'000'000'000ll}));
  return writer->sync();
}

Result<void> send_junk(const char* brokers) {
  bus::KafkaOptions options;
  options.brokers = brokers;
  CASEBOX_TRY(auto publisher, bus::KafkaPublisher::create(options));
  bus::Message message;
  message.case_id = random_id<CaseId>();
  message.frame = "this is not a frame";
  CASEBOX_CHECK(publisher->publish(message));
  return publisher->flush(seconds(20));
}

}  // namespace
}  // namespace casebox

int main(int argc, char** argv) {
  using namespace casebox;
  Result<void> result =
      Error{Code::kInvalidArgument, "usage: make_recording log DIR KEYS SECONDS | junk BROKERS"};
  if (argc == 5 && std::strcmp(argv[1], "log") == 0) {
    int n_seconds = 0;
    std::from_chars(argv[4], argv[4] + std::strlen(argv[4]), n_seconds);
    result = write_log(argv[2], argv[3], n_seconds);
  } else if (argc == 3 && std::strcmp(argv[1], "junk") == 0) {
    result = send_junk(argv[2]);
  }
  if (result) return 0;
  std::fprintf(stderr, "make_recording: %s\n", result.error().message.c_str());
  return 1;
}
