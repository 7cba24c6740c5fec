#include "tools/store/channel_digest.h"

#include <algorithm>

#include "tools/cli/names.h"

namespace casebox::tools {
namespace {

std::string device_text(const v1::DeviceEvent& device) {
  switch (device.value_case()) {
    case v1::DeviceEvent::kOn: return device.code() + (device.on() ? " on" : " off");
    case v1::DeviceEvent::kNumber:
      return device.code() + " " + shortest(device.number()) +
             (device.unit().empty() ? "" : " " + device.unit());
    case v1::DeviceEvent::kText: return device.code() + " " + device.text();
    default: return device.code();
  }
}

std::string mark_text(const v1::TeamMark& mark) {
  std::string out = mark.code();
  if (!mark.label().empty()) out += " " + mark.label();
  if (!mark.reason().empty()) out += " (" + mark.reason() + ")";
  return out;
}

/// Appends a run's present samples in the source's own form.
void append_samples(const storage::SampleRun& run, v1::SampleType type, bool wide, Bytes& out,
                    ChannelDigest& sum) {
  const size_t n = type == v1::SAMPLE_TYPE_INT ? run.codes.size() : run.values.size();
  char field[8];
  for (size_t i = 0; i < n; ++i) {
    if (!run.missing.empty() && run.missing[i]) continue;
    ++sum.count;
    const CaseTime t = run.times.empty()
                           ? run.t0 + from_seconds(static_cast<double>(i) / run.rate_hz)
                           : run.times[i];
    sum.first = std::min(sum.first, t);
    sum.last = std::max(sum.last, t);
    size_t size = 8;
    if (type == v1::SAMPLE_TYPE_INT && !wide) {
      store_le(field, static_cast<int32_t>(run.codes[i]));
      size = 4;
    } else if (type == v1::SAMPLE_TYPE_INT) {
      store_le(field, run.codes[i]);
    } else if (type == v1::SAMPLE_TYPE_F32) {
      store_le(field, static_cast<float>(run.values[i]));
      size = 4;
    } else {
      store_le(field, run.values[i]);
    }
    out.append(field, size);
  }
}

}  // namespace

std::string event_text(const v1::Event& event) {
  switch (event.what_case()) {
    case v1::Event::kDevice: return device_text(event.device());
    case v1::Event::kAlarm: return event.alarm().code() + (event.alarm().active() ? " on" : " off");
    case v1::Event::kMark: return mark_text(event.mark());
    case v1::Event::kChecklist:
      return event.checklist().code() +
             (event.checklist().complete() ? " complete" : " incomplete");
    case v1::Event::kInterval: return event.interval().label();
    case v1::Event::kText: return event.text().text();
    case v1::Event::kForecast:
      return event.forecast().variable() + " " + shortest(event.forecast().value());
    case v1::Event::kSnapshot: return event.snapshot().uri();
    case v1::Event::kShown: return event.shown().message();
    case v1::Event::kFinding: return event.finding().kind() + " " + event.finding().text();
    case v1::Event::kConsent: return "consent";
    case v1::Event::kDetails: return "details";
    case v1::Event::kNote: return "note";
    case v1::Event::kSummary: return "summary";
    default: return "";
  }
}

Result<ChannelDigest> channel_digest(const storage::CaseReader& reader, const v1::Stream& stream,
                                     const v1::Channel& channel) {
  bool wide = false;
  if (channel.type() == v1::SAMPLE_TYPE_INT)
    CASEBOX_CHECK(
        reader.samples(stream.name(), channel.name(), {}, [&](const storage::SampleRun& run) {
          for (int64_t code : run.codes) wide |= code != static_cast<int32_t>(code);
          return ok();
        }));
  ChannelDigest out;
  seal::Sha256 hash;
  Bytes buffer;
  CASEBOX_CHECK(
      reader.samples(stream.name(), channel.name(), {}, [&](const storage::SampleRun& run) {
        buffer.clear();
        append_samples(run, channel.type(), wide, buffer, out);
        hash.update(buffer);
        return ok();
      }));
  out.sha256 = hash.finish();
  return out;
}

Result<ChannelDigest> stream_digest(const storage::CaseReader& reader, const v1::Stream& stream) {
  ChannelDigest out;
  seal::Sha256 hash;
  if (stream.kind() == v1::STREAM_KIND_VIDEO || stream.kind() == v1::STREAM_KIND_AUDIO) {
    CASEBOX_CHECK(reader.packets(stream.name(), {}, [&](const storage::PacketAt& packet) {
      ++out.count;
      out.first = std::min(out.first, packet.t);
      out.last = std::max(out.last, packet.t);
      hash.update(packet.payload);
      return ok();
    }));
  } else {
    CASEBOX_TRY(const auto events, reader.events_of(stream.name()));
    for (const storage::EventAt& at : events) {
      ++out.count;
      out.first = std::min(out.first, at.t);
      out.last = std::max(out.last, at.t);
      hash.update(std::to_string(at.t.ns) + "\t" + event_text(at.event) + "\n");
    }
  }
  out.sha256 = hash.finish();
  return out;
}

}  // namespace casebox::tools
