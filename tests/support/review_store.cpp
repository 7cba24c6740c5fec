#include "tests/support/review_store.h"

#include <cmath>

#include "casebox/v1/media.pb.h"
#include "casebox/v1/sample.pb.h"
#include "proto/codec/codec.h"

namespace casebox::testing {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

/// Ends the test program with a message: a fixture that cannot be made is no result.
template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "review store: %s\n", result.error().message.c_str());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Bytes box(const char* type, const Bytes& content) {
  Bytes out;
  append_be<uint32_t>(out, static_cast<uint32_t>(content.size() + 8));
  return out + type + content;
}

Bytes u32(std::initializer_list<uint32_t> values) {
  Bytes out;
  for (uint32_t value : values) append_be<uint32_t>(out, value);
  return out;
}

/// Boxes that a server needs; no decoder would show them.
Bytes init_segment() {
  return box("ftyp", "isom") +
         box("moov", box("mvhd", Bytes(100, '\0')) +
                         box("trak", box("tkhd", Bytes(84, '\0')) +
                                         box("mdia", box("mdhd", u32({0, 1, 2, 1000, 500, 0})))));
}

Bytes fragment(int second) {
  const Bytes tfdt = box("tfdt", u32({0, static_cast<uint32_t>(second) * 1000}));
  const Bytes trun = box("trun", u32({0x1, 1, 100}));
  return box("moof",
             box("mfhd", u32({0, 1})) + box("traf", box("tfhd", u32({0, 1})) + tfdt + trun)) +
         box("mdat", Bytes(1000, static_cast<char>('a' + second % 26)));
}

v1::Stream stream(const std::string& name, v1::StreamKind kind, double rate_hz = 0,
                  const std::string& channel = "", const std::string& unit = "") {
  v1::Stream out;
  out.set_name(name);
  out.set_kind(kind);
  out.set_device(name.substr(0, name.find('.')));
  out.set_clock_id(1);
  out.mutable_tick_rate_hz()->set_num(static_cast<uint64_t>(rate_hz));
  out.mutable_tick_rate_hz()->set_den(1);
  if (!channel.empty()) {
    v1::Channel& entry = *out.add_channels();
    entry.set_id(1);
    entry.set_name(channel);
    entry.set_unit(unit);
    entry.set_type(v1::SAMPLE_TYPE_INT);
    entry.set_gain(0.01);
    entry.set_samples_per_tick(1);
  }
  return out;
}

/// Writes one case into a producer, second by second.
class Writer {
 public:
  Writer(producer::Producer& producer, Clock& clock, const ReviewCase& what)
      : producer_(producer), clock_(clock), what_(what) {}

  void write() {
    const StreamId ecg =
        add(stream("monitor.ecg", v1::STREAM_KIND_WAVE, what_.rate_hz, "ECG_II", "mV"));
    const StreamId map =
        add(stream("monitor.numerics", v1::STREAM_KIND_NUMERIC, 1, "ART_M", "mm[Hg]"));
    v1::Stream scope = stream("scope.video", v1::STREAM_KIND_VIDEO, 10);
    scope.mutable_media()->set_codec("h264");
    scope.mutable_media()->set_codec_string("avc1.42c00d");
    scope.mutable_media()->set_width(320);
    scope.mutable_media()->set_height(180);
    scope.mutable_media()->set_init_segment(init_segment());
    scope.mutable_media()->mutable_time_base()->set_num(1);
    scope.mutable_media()->mutable_time_base()->set_den(1000);
    const StreamId video = add(scope);
    v1::Stream audio = stream("room.audio", v1::STREAM_KIND_AUDIO);
    audio.set_by_policy_absent(true);
    audio.set_policy_reason("audio-off");
    add(audio);
    const int hz = static_cast<int>(what_.rate_hz);
    for (int s = 0; s < what_.seconds; ++s) {
      std::vector<int64_t> wave;
      for (int k = 0; k < hz; ++k) wave.push_back((s * 31 + k * 7) % 200);
      if (s != 30) samples(ecg, s, wave);
      samples(map, s, {static_cast<int64_t>(7500 + 500 * std::sin(s * 0.05))});
      if (what_.seconds < 1000 && (s < 60 || s >= 70)) media(video, s);
      if (s == 30) gap(ecg, static_cast<uint64_t>(hz), false);
      if (s == 60) gap(video, 0, true);
      must(producer_.beat(CaseTime{(s + 1) * kSecond}));
    }
    events();
    v1::ClockRecord clock;
    v1::SourceClock& source = *clock.add_sources();
    source.set_clock_id(1);
    source.set_offset_ns(1440 * kSecond);
    source.set_rate_ppm(23);
    source.set_u95_ns(10'000'000);
    source.set_broken(what_.broken_clock);
    must(producer_.append_clock(clock, CaseTime{what_.seconds * kSecond}));
    must(producer_.close(CaseTime{what_.seconds * kSecond}));
  }

 private:
  StreamId add(const v1::Stream& entry) { return must(producer_.add_stream(entry)); }

  producer::Data data(StreamId id, int64_t t_ns, uint32_t count, Duration duration) {
    producer::Data out;
    out.stream = id;
    out.t = CaseTime{t_ns};
    out.t_capture = clock_.mono();
    out.u95_us = 10'000;
    out.count = count;
    out.duration = duration;
    return out;
  }

  void samples(StreamId id, int s, const std::vector<int64_t>& values) {
    v1::SampleChunk chunk;
    chunk.add_channels()->set_channel_id(1);
    chunk.mutable_channels(0)->set_coded(codec::encode(values));
    must(producer_.append(data(id, s * kSecond, static_cast<uint32_t>(values.size()), seconds(1)),
                          chunk));
  }

  void media(StreamId id, int s) {
    v1::MediaFragment body;
    body.set_cmaf(fragment(s));
    v1::Packet& packet = *body.add_packets();
    packet.set_pts(s * 1000);
    packet.set_dts(s * 1000);
    packet.set_duration(1000);
    packet.set_flags(1);
    packet.set_size(1000);
    packet.set_offset(static_cast<uint32_t>(body.cmaf().size() - 1000));
    producer::Data at = data(id, s * kSecond, 1, seconds(1));
    at.flags = frame::flag::kSync;
    must(producer_.append(at, body));
  }

  void gap(StreamId id, uint64_t missing, bool unknown) {
    v1::Gap body;
    body.set_origin(v1::Gap::ORIGIN_SOURCE);
    body.set_reason("disconnected");
    body.set_missing(missing);
    body.set_count_unknown(unknown);
    body.set_t_begin_ns((unknown ? 60 : 30) * kSecond);
    body.set_t_end_ns((unknown ? 70 : 31) * kSecond);
    must(producer_.append_gap(id, body));
  }

  template <typename Fill>
  void event(StreamId id, double t_s, Fill fill) {
    v1::EventBatch batch;
    fill(*batch.add_events());
    must(producer_.append(data(id, from_seconds(t_s).ns, 1, {}), batch));
  }

  void events() {
    const StreamId team = add(stream("team.marks", v1::STREAM_KIND_TEAM));
    event(team, 3, [](v1::Event& e) {
      e.mutable_mark()->set_code("time-out");
      e.mutable_mark()->set_label("team");
      e.mutable_mark()->set_role("nurse");
    });
    const StreamId alarms = add(stream("monitor.alarms", v1::STREAM_KIND_ALARM));
    for (bool active : {true, false})
      event(alarms, active ? 20 : 25, [&](v1::Event& e) {
        e.mutable_alarm()->set_code("ART.low");
        e.mutable_alarm()->set_active(active);
        e.mutable_alarm()->set_unit("mm[Hg]");
        e.mutable_alarm()->set_value(55);
        e.mutable_alarm()->set_limit(60);
      });
    const StreamId phases = add(stream("surgeon.phases", v1::STREAM_KIND_PHASE));
    const double cut = 5 + what_.preparation_s, end = what_.seconds - 10;
    for (const auto& [label, t0, t1] :
         {std::tuple{"Preparation", 5.0, cut}, std::tuple{"GallbladderDissection", cut, end}})
      event(phases, t0, [&, name = label, from = t0, to = t1](v1::Event& e) {
        e.mutable_interval()->set_level(v1::Interval::LEVEL_PHASE);
        e.mutable_interval()->set_origin(v1::Interval::ORIGIN_HUMAN);
        e.mutable_interval()->set_annotator("reviewer");
        e.mutable_interval()->set_label(name);
        e.mutable_interval()->set_duration_ns(from_seconds(to - from).ns);
      });
    const StreamId twin = add(stream("twin.forecast", v1::STREAM_KIND_TWIN_EVENT));
    for (int i = 0; i < 10; ++i)
      event(twin, i * 5, [&](v1::Event& e) {
        v1::TwinForecast& f = *e.mutable_forecast();
        f.set_t_issued_ns(i * 5 * kSecond);
        f.set_t_valid_ns((i * 5 + (i < 2 ? -3 : 30)) * kSecond);  // the first two too late
        f.set_variable("monitor.numerics/ART_M");
        f.set_unit("mm[Hg]");
        f.set_value(75);
        f.set_sd(3);
      });
    event(twin, 50, [](v1::Event& e) {
      e.mutable_shown()->set_message("forecast:ART_M");
      e.mutable_shown()->set_display("monitor 2");
      e.mutable_shown()->set_role("anaesthetist");
      e.mutable_shown()->set_t_on_ns(50 * kSecond);
      e.mutable_shown()->set_t_off_ns(60 * kSecond);
    });
    // Field 1 holds what can be no event.
    v1::CaseFrame no_event;
    no_event.set_case_id("\xff\xff\xff");
    if (what_.bad_forecasts) must(producer_.append(data(twin, 60 * kSecond, 1, {}), no_event));
    v1::Consent said;
    for (v1::ConsentScope scope : what_.consent) said.add_granted(scope);
    if (!what_.alias.empty()) {
      const StreamId details = add(stream("case.details", v1::STREAM_KIND_DETAILS));
      event(details, 0, [&](v1::Event& e) { e.mutable_details()->set_alias(what_.alias); });
    }
    if (!what_.sealed_consent) return must(producer_.append_consent(said, CaseTime{}));
    const StreamId consent = add(stream("team.consent", v1::STREAM_KIND_CONSENT));
    event(consent, 0, [&](v1::Event& e) { *e.mutable_consent() = said; });
  }

  producer::Producer& producer_;
  Clock& clock_;
  const ReviewCase& what_;
};

v1::Finding finding(int i, v1::Certainty certainty, const std::string& kind,
                    const std::string& step, const v1::SourceRange& source) {
  v1::Finding out;
  out.set_id(Bytes(32, static_cast<char>(i)));
  out.set_kind("departure");
  out.set_certainty(certainty);
  out.set_step(step);
  out.set_text("The protocol expects " + step + ".");
  out.set_t0_ns(i * 15 * kSecond);
  out.set_t1_ns(i * 15 * kSecond + kSecond);
  (*out.mutable_labels())["deviation"] = kind;
  (*out.mutable_values())["margin"] = 2;
  out.mutable_run()->set_job("conformance");
  out.mutable_run()->set_protocol("norm@1.0.0");
  *out.add_sources() = source;
  return out;
}

}  // namespace

ReviewStore::ReviewStore() {
  tools::StoreOptions options;
  options.store = dir();
  options.create = options.write = true;
  SystemClock clock;
  must(keyring::Keystore::open(dir() / "keys", clock, true, 16));  // a full stock takes seconds
  must(tools::StoreAccess::open(options));
}

CaseId ReviewStore::record(const ReviewCase& what, const std::filesystem::path& log_dir) {
  SystemClock clock;
  auto keystore = must(keyring::Keystore::open(dir() / "keys", clock));
  const auto case_key = must(keystore->take_case_key());
  producer::Options recorder;
  recorder.case_id = random_id<CaseId>();
  recorder.producer_id = random_id<ProducerId>();
  recorder.case_public_key = case_key.public_key;
  recorder.details.set_procedure("lap-cholecystectomy");
  recorder.details.set_room("or-1");
  recorder.details.set_start_utc_ns(1'772'352'000'000'000'000);  // 2026-03-01T08:00:00Z
  auto log = must(log::Writer::open(log_dir, clock));
  auto producer = must(
      producer::Producer::open(recorder, must(keystore->signing_key("recorder")), *log, clock));
  Writer(*producer, clock, what).write();
  must(log->sync());
  return recorder.case_id;
}

CaseId ReviewStore::add(const ReviewCase& what) {
  tools::StoreOptions options;
  options.store = dir();
  options.write = true;
  auto access = must(tools::StoreAccess::open(options));
  const CaseId case_id = record(what, access->log_dir("import"));
  must(access->drain());
  {
    auto reader = must(storage::CaseReader::open(access->store(), case_id, access->keyring(),
                                                 keyring::Purpose::kAnalysis));
    const auto marks = must(reader->events(v1::STREAM_KIND_TEAM));
    const storage::EventAt& mark = marks.at(0);
    auto source =
        must(reader->source_range(mark.source.epoch, mark.source.stream, mark.number, mark.number));
    auto log = must(access->open_log("analysis"));
    auto producer =
        must(access->begin_derived(*log, "analysis", case_id, v1::PRODUCER_ROLE_ANALYSIS));
    const StreamId id =
        must(producer->add_stream(stream("analysis.findings", v1::STREAM_KIND_FINDING)));
    int i = 0;
    for (const auto& [certainty, kind, step] :
         {std::tuple{v1::CERTAINTY_CERTAIN, "missing", "instrument-count"},
          std::tuple{v1::CERTAINTY_AMBIGUOUS, "order", "sign-out"},
          std::tuple{v1::CERTAINTY_UNOBSERVED, "unobserved", "critical-view"},
          std::tuple{v1::CERTAINTY_JUSTIFIED, "justified", "cholangiography"}}) {
      v1::EventBatch batch;
      *batch.add_events()->mutable_finding() = finding(++i, certainty, kind, step, source);
      producer::Data data;
      data.stream = id;
      data.t = CaseTime{i * 15 * kSecond};
      data.t_capture = access->clock().mono();
      must(producer->append(data, batch));
    }
    must(producer->close(CaseTime{what.seconds * kSecond}));
    must(log->sync());
  }
  must(access->drain());
  return case_id;
}

}  // namespace casebox::testing
