#pragma once

// A short recording in a log, made by the real producer: waves, events, media, one gap, beats. For
// tests of producer, verification, ingest and tools. Thread safety: none.

#include <memory>
#include <string>
#include <vector>

#include "casebox/v1/event.pb.h"
#include "casebox/v1/media.pb.h"
#include "casebox/v1/sample.pb.h"
#include "proto/codec/codec.h"
#include "proto/keyring/keystore.h"
#include "proto/producer/producer.h"
#include "tests/support/frames.h"

namespace casebox::testing {

class Recording {
 public:
  explicit Recording(const std::filesystem::path& where, log::WriterOptions options = {})
      : dir(where / "log"),
        keystore(*keyring::Keystore::open(where / "keys", clock, true, 2)),
        log(*log::Writer::open(dir, clock, options)) {
    begin();
  }

  /// An epoch of the case; called again, another one.
  void begin(v1::ProducerRole role = v1::PRODUCER_ROLE_RECORDER) {
    producer::Options options;
    options.case_id = case_id;
    options.producer_id = producer_id;
    options.role = role;
    if (case_key.public_key == std::array<uint8_t, 32>{}) case_key = *keystore->take_case_key();
    options.case_public_key = case_key.public_key;
    options.details.set_procedure("lap-cholecystectomy");
    options.details.set_start_utc_ns(static_cast<uint64_t>(clock.utc().ns));
    options.opened_at = CaseTime{second * 1'000'000'000ll};
    producer = *producer::Producer::open(options, *keystore->signing_key("recorder"), *log, clock);
    wave = add("monitor.ecg", v1::STREAM_KIND_WAVE);
    team = add("team.marks", v1::STREAM_KIND_TEAM);
    video = add("scope.video", v1::STREAM_KIND_VIDEO);
  }

  /// Seconds of case time, each with 100 samples, 2 events, one fragment and a beat.
  void record(int seconds_of_case) {
    for (int i = 0; i < seconds_of_case; ++i, ++second) {
      producer::Data data;
      data.t = CaseTime{second * 1'000'000'000ll};
      data.t_capture = clock.mono();
      data.u95_us = 500;
      std::vector<int64_t> samples;
      for (int k = 0; k < 100; ++k) samples.push_back((second * 7919 + k * 31) % 2048);
      v1::SampleChunk chunk;
      chunk.add_channels()->set_channel_id(1);
      chunk.mutable_channels(0)->set_coded(codec::encode(samples));
      data.stream = wave;
      data.count = 100;
      data.duration = seconds(1);
      ok = ok && producer->append(data, chunk);
      v1::EventBatch batch;
      batch.add_events()->mutable_mark()->set_code("time-out");
      batch.add_events()->mutable_mark()->set_code("sign-out");
      data.stream = team;
      data.count = 2;
      data.duration = {};
      ok = ok && producer->append(data, batch);
      v1::MediaFragment fragment;
      fragment.set_cmaf(Bytes(2000, static_cast<char>('a' + second % 26)));
      data.stream = video;
      data.count = 1;
      ok = ok && producer->append(data, fragment);
      clock.advance(seconds(1));
      ok = ok && producer->beat(CaseTime{(second + 1) * 1'000'000'000ll});
    }
  }

  void gap(uint64_t missing) {
    v1::Gap gap;
    gap.set_origin(v1::Gap::ORIGIN_SOURCE);
    gap.set_reason("disconnected");
    gap.set_missing(missing);
    gap.set_count_unknown(missing == 0);
    gap.set_t_begin_ns(second * 1'000'000'000ll);
    gap.set_t_end_ns(second * 1'000'000'000ll + 1);
    ok = ok && producer->append_gap(wave, gap);
  }

  void close() {
    ok = ok && producer->close(CaseTime{second * 1'000'000'000ll});
    ok = ok && log->sync();
  }

  std::filesystem::path dir;
  ManualClock clock{MonoTime{1'000'000'000}, UtcTime{1'760'000'000'000'000'000}};
  std::unique_ptr<keyring::Keystore> keystore;
  std::unique_ptr<log::Writer> log;
  CaseId case_id = random_id<CaseId>();
  ProducerId producer_id = random_id<ProducerId>();
  keyring::CaseKey case_key;
  std::unique_ptr<producer::Producer> producer;
  StreamId wave, team, video;
  int64_t second = 0;
  bool ok = true;  // every call so far succeeded

 private:
  StreamId add(const char* name, v1::StreamKind kind) {
    v1::Stream stream;
    stream.set_name(name);
    stream.set_kind(kind);
    if (kind == v1::STREAM_KIND_WAVE) {
      v1::Channel& channel = *stream.add_channels();
      channel.set_id(1);
      channel.set_name("ECG_II");
      channel.set_unit("mV");
      channel.set_type(v1::SAMPLE_TYPE_INT);
      channel.set_gain(0.005);
      channel.set_samples_per_tick(1);
      stream.mutable_tick_rate_hz()->set_num(100);
      stream.mutable_tick_rate_hz()->set_den(1);
    }
    auto id = producer->add_stream(stream);
    ok = ok && id;
    return id ? *id : StreamId{};
  }
};

}  // namespace casebox::testing
