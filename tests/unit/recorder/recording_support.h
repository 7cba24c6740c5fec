#pragma once

// A keystore, a log and a session in a folder of their own, for tests of the recorder.

#include <gtest/gtest.h>

#include "proto/keyring/keystore.h"
#include "proto/verify/verify.h"
#include "recorder/session.h"
#include "tests/support/frames.h"

namespace casebox::testing {

class SessionTest : public ::testing::Test {
 protected:
  void begin(recorder::FrameLimits limits = {}) {
    keystore_ = *keyring::Keystore::open(dir_.path() / "keys", clock_, true, 5);
    log_ = *log::Writer::open(dir_.path() / "log", clock_);
    recorder::SessionOptions options;
    options.config.set_procedure("lap-cholecystectomy");
    options.limits = limits;
    auto session = recorder::Session::open(std::move(options), *keystore_, *log_, clock_);
    ASSERT_TRUE(session) << session.error().message;
    session_ = std::move(*session);
  }
  static v1::Stream wave(const std::string& name, uint64_t rate,
                         v1::StreamClass kept = v1::STREAM_CLASS_B) {
    v1::Stream stream;
    stream.set_name(name);
    stream.set_kind(v1::STREAM_KIND_WAVE);
    stream.set_stream_class(kept);
    stream.mutable_tick_rate_hz()->set_num(rate);
    stream.mutable_tick_rate_hz()->set_den(1);
    stream.set_clock_id(1);
    v1::Channel& channel = *stream.add_channels();
    channel.set_id(1);
    channel.set_name("X");
    channel.set_type(v1::SAMPLE_TYPE_INT);
    channel.set_samples_per_tick(1);
    return stream;
  }
  static v1::Stream events(const std::string& name) {
    v1::Stream stream;
    stream.set_name(name);
    stream.set_kind(v1::STREAM_KIND_DEVICE);
    stream.set_stream_class(v1::STREAM_CLASS_A);
    stream.mutable_tick_rate_hz()->set_den(1);
    stream.set_clock_id(1);
    return stream;
  }
  /// `ticks` samples of stream 0 from a time on.
  static recorder::Item run(CaseTime t, uint32_t ticks, int64_t step_ns, int64_t first = 0) {
    recorder::Item item;
    recorder::Samples samples;
    recorder::Column column;
    for (uint32_t i = 0; i < ticks; ++i) column.ints.push_back(first + i);
    samples.columns.push_back(std::move(column));
    samples.t_src = t.ns;
    samples.t_src_step = step_ns;
    item.t = t;
    item.count = ticks;
    item.duration = nanoseconds(step_ns * ticks);
    item.arrival = t + item.duration;
    item.what = std::move(samples);
    return item;
  }
  static recorder::Item event(CaseTime t, const std::string& text) {
    recorder::Item item;
    v1::Event what;
    what.mutable_text()->set_text(text);
    item.t = item.arrival = t;
    item.what = std::move(what);
    return item;
  }
  recorder::StreamCount count(const std::string& name) const {
    for (const auto& row : session_->counts())
      if (row.name == name) return row;
    ADD_FAILURE() << "no stream " << name;
    return {};
  }

  TempDir dir_;
  SystemClock clock_;
  std::unique_ptr<keyring::Keystore> keystore_;
  std::unique_ptr<log::Writer> log_;
  std::unique_ptr<recorder::Session> session_;
};

}  // namespace casebox::testing
