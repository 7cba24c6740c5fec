#include "recorder/sim/streams.h"

namespace casebox::recorder::sim {
namespace {

struct ChannelSpec {
  const char* name;
  const char* unit;
  uint32_t decimals;
};

v1::Stream stream(const char* name, v1::StreamKind kind, v1::StreamClass stream_class,
                  uint32_t clock, const Plan& plan) {
  v1::Stream out;
  out.set_name(name);
  out.set_kind(kind);
  out.set_stream_class(stream_class);
  out.set_clock_id(clock);
  out.set_device(plan.clocks[clock - 1].device);
  out.set_source_time_unit("ns");
  out.mutable_tick_rate_hz()->set_num(0);
  out.mutable_tick_rate_hz()->set_den(1);
  return out;
}

v1::Stream sampled(v1::Stream out, uint64_t num, uint64_t den,
                   std::initializer_list<ChannelSpec> specs) {
  out.mutable_tick_rate_hz()->set_num(num);
  out.mutable_tick_rate_hz()->set_den(den);
  uint32_t id = 0;
  for (const ChannelSpec& spec : specs) {
    v1::Channel& channel = *out.add_channels();
    channel.set_id(id++);
    channel.set_name(spec.name);
    channel.set_unit(spec.unit);
    channel.set_type(v1::SAMPLE_TYPE_INT);
    channel.set_decimals(spec.decimals);
    channel.set_samples_per_tick(1);
    channel.mutable_text()->set_style(v1::TextFormat::STYLE_FIXED);
    channel.mutable_text()->set_precision(spec.decimals);
  }
  return out;
}

}  // namespace

std::vector<v1::Stream> streams_of(const Plan& plan) {
  using namespace v1;  // NOLINT: a table of enumerators
  const auto make = [&](const char* name, StreamKind kind, StreamClass cls, uint32_t clock) {
    return stream(name, kind, cls, clock, plan);
  };
  const StreamClass a = STREAM_CLASS_A, b = STREAM_CLASS_B, c = STREAM_CLASS_C;
  std::vector<Stream> out;
  out.push_back(sampled(make("monitor.numerics", STREAM_KIND_NUMERIC, b, 1), 125, 128,
                        {{"HR", "/min", 0},
                         {"SpO2", "%", 0},
                         {"ART_S", "mm[Hg]", 0},
                         {"ART_D", "mm[Hg]", 0},
                         {"ART_M", "mm[Hg]", 0},
                         {"TEMP", "Cel", 1},
                         {"PERF", "1", 2}}));
  out.push_back(
      sampled(make("monitor.ecg", STREAM_KIND_WAVE, b, 1), 500, 1, {{"ECG_II", "mV", 3}}));
  out.push_back(
      sampled(make("monitor.pleth", STREAM_KIND_WAVE, b, 1), 125, 1, {{"PLETH", "1", 3}}));
  out.push_back(make("monitor.alarms", STREAM_KIND_ALARM, a, 1));
  out.push_back(sampled(make("anaesthesia.waves", STREAM_KIND_WAVE, b, 2), 50, 1,
                        {{"PAW", "cm[H2O]", 1},
                         {"FLOW", "L/min", 1},
                         {"VOL", "mL", 0},
                         {"CO2", "mm[Hg]", 1},
                         {"O2", "%", 1},
                         {"N2O", "%", 1},
                         {"AGENT", "%", 2}}));
  out.push_back(make("anaesthesia.state", STREAM_KIND_DEVICE, a, 2));
  out.push_back(sampled(make("esu.state", STREAM_KIND_WAVE, b, 3), 25, 1,
                        {{"CUT", "1", 0}, {"COAG", "1", 0}, {"POWER", "W", 0}}));
  out.push_back(sampled(make("insufflator.state", STREAM_KIND_WAVE, b, 4), 25, 1,
                        {{"P_ACTUAL", "mm[Hg]", 1},
                         {"P_TARGET", "mm[Hg]", 0},
                         {"FLOW_ACTUAL", "L/min", 1},
                         {"FLOW_TARGET", "L/min", 0},
                         {"SUPPLY", "bar", 1},
                         {"VOLUME", "L", 1}}));
  out.push_back(sampled(make("pump.state", STREAM_KIND_WAVE, b, 5), 25, 1,
                        {{"IRRIGATION", "mL/min", 0},
                         {"SUCTION", "mL/min", 0},
                         {"VOLUME_IN", "mL", 0},
                         {"VOLUME_OUT", "mL", 0},
                         {"PRESSURE", "mm[Hg]", 0},
                         {"VACUUM", "mm[Hg]", 0},
                         {"MODE", "1", 0}}));
  out.push_back(sampled(make("light.state", STREAM_KIND_WAVE, b, 6), 25, 1,
                        {{"INTENSITY", "%", 0}, {"ON", "1", 0}}));
  out.push_back(sampled(make("motor.state", STREAM_KIND_WAVE, b, 7), 25, 1,
                        {{"SPEED", "/min", 0}, {"TORQUE", "N.cm", 1}, {"ON", "1", 0}}));
  out.push_back(make("instrument.use", STREAM_KIND_DEVICE, a, 8));
  out.push_back(sampled(make("room.sensors", STREAM_KIND_NUMERIC, b, 9), 1, 1,
                        {{"NOISE", "dB[SPL]", 1}, {"PEOPLE", "1", 0}}));
  out.push_back(make("room.door", STREAM_KIND_ROOM, a, 9));
  out.push_back(make("team.marks", STREAM_KIND_TEAM, a, 13));
  out.push_back(make("team.checklist", STREAM_KIND_TEAM, a, 13));
  out.push_back(make("team.consent", STREAM_KIND_CONSENT, a, 13));
  out.push_back(make("case.details", STREAM_KIND_DETAILS, a, 13));
  out.push_back(
      sampled(make("twin.series", STREAM_KIND_TWIN_SERIES, b, 12), 50, 1,
              {{"HR_EST", "/min", 2}, {"MAP_EST", "mm[Hg]", 2}, {"PAW_EST", "cm[H2O]", 2}}));
  out.push_back(make("twin.forecast", STREAM_KIND_TWIN_EVENT, a, 12));
  if (plan.options.video) {
    for (auto [name, clock] : {std::pair{"scope.video", 10u}, std::pair{"room.video", 11u}}) {
      Stream video = make(name, STREAM_KIND_VIDEO, c, clock);
      video.set_source_time_unit("1/90000");
      video.mutable_tick_rate_hz()->set_num(kVideoRate);
      out.push_back(video);
    }
  }
  return out;
}

int index_of(const std::vector<v1::Stream>& streams, const std::string& name) {
  for (size_t i = 0; i < streams.size(); ++i)
    if (streams[i].name() == name) return static_cast<int>(i);
  return -1;
}

bool is_sampled(const v1::Stream& stream) { return stream.channels_size() > 0; }

}  // namespace casebox::recorder::sim
