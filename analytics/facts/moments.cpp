#include "analytics/facts/moments.h"

#include <algorithm>
#include <map>

#include "analytics/device_clocks.h"

namespace casebox::analytics::facts {
namespace {

struct Stream {
  std::string name;
  bool placed = true;
};

std::string priority_of(v1::Alarm::Priority priority) {
  switch (priority) {
    case v1::Alarm::PRIORITY_LOW: return "low";
    case v1::Alarm::PRIORITY_MEDIUM: return "medium";
    case v1::Alarm::PRIORITY_HIGH: return "high";
    default: return "";
  }
}

void put_device(const v1::DeviceEvent& event, Moment& out) {
  out.code = event.code();
  if (event.has_on()) out.on = event.on();
  if (event.has_number()) out.number = event.number();
  if (event.has_text()) out.value = event.text();
  out.unit = event.unit();
}

/// False: it is nothing that happened at a moment.
bool put(const v1::Event& event, v1::StreamKind kind, Moment& out) {
  switch (event.what_case()) {
    case v1::Event::kDevice:
      out.kind = kind == v1::STREAM_KIND_ROOM ? MomentKind::kRoom : MomentKind::kDevice;
      put_device(event.device(), out);
      return true;
    case v1::Event::kAlarm:
      out.kind = MomentKind::kAlarm;
      out.code = event.alarm().code();
      out.priority = priority_of(event.alarm().priority());
      out.on = event.alarm().active();
      if (event.alarm().active() && !event.alarm().unit().empty()) {
        out.number = event.alarm().value();
        out.limit = event.alarm().limit();
        out.unit = event.alarm().unit();
      }
      return true;
    case v1::Event::kMark:
      out.kind = MomentKind::kMark;
      out.code = event.mark().code();
      out.label = event.mark().label();
      out.value = event.mark().reason();
      out.role = event.mark().role();
      return true;
    case v1::Event::kChecklist:
      out.kind = MomentKind::kChecklist;
      out.code = event.checklist().code();
      out.on = event.checklist().complete();
      return true;
    case v1::Event::kShown:
      out.kind = MomentKind::kShown;
      out.code = event.shown().message();
      out.value = event.shown().display();
      out.role = event.shown().role();
      out.length_ns = std::max<int64_t>(0, event.shown().t_off_ns() - event.shown().t_on_ns());
      return true;
    case v1::Event::kText:
      out.kind = MomentKind::kText;
      out.code = event.text().code();
      out.value = event.text().text();
      return true;
    default: return false;
  }
}

void watch(v1::StreamKind kind, Moments& out) {
  switch (kind) {
    case v1::STREAM_KIND_DEVICE: out.watched.insert(MomentKind::kDevice); break;
    case v1::STREAM_KIND_ALARM: out.watched.insert(MomentKind::kAlarm); break;
    case v1::STREAM_KIND_ROOM: out.watched.insert(MomentKind::kRoom); break;
    case v1::STREAM_KIND_TEAM:
      out.watched.insert({MomentKind::kMark, MomentKind::kChecklist});
      break;
    case v1::STREAM_KIND_TWIN_EVENT: out.twin = true; break;
    default: break;
  }
}

}  // namespace

const char* to_string(MomentKind kind) {
  switch (kind) {
    case MomentKind::kDevice: return "device";
    case MomentKind::kAlarm: return "alarm";
    case MomentKind::kMark: return "mark";
    case MomentKind::kChecklist: return "checklist";
    case MomentKind::kRoom: return "room";
    case MomentKind::kShown: return "shown";
    case MomentKind::kText: return "text";
  }
  return "";
}

Result<Moments> read_moments(const storage::CaseReader& reader) {
  Moments out;
  CASEBOX_TRY(const auto records, reader.clocks());
  std::set<uint32_t> broken;
  for (const DeviceClock& clock : device_clocks(records))
    if (clock.broken) broken.insert(clock.clock_id);
  std::map<uint32_t, Stream> streams;
  for (const v1::Stream& stream : reader.streams()) {
    streams[stream.stream_id()] = {stream.name(), !broken.contains(stream.clock_id())};
    if (!stream.by_policy_absent()) watch(stream.kind(), out);
  }
  for (v1::StreamKind kind : {v1::STREAM_KIND_DEVICE, v1::STREAM_KIND_ALARM, v1::STREAM_KIND_TEAM,
                              v1::STREAM_KIND_ROOM, v1::STREAM_KIND_TWIN_EVENT}) {
    CASEBOX_TRY(const auto events, reader.events(kind));
    for (const storage::EventAt& at : events) {
      Moment one;
      if (!put(at.event, kind, one)) continue;
      const auto stream = streams.find(at.source.stream.value);
      if (stream != streams.end()) {
        one.stream = stream->second.name;
        one.placed = stream->second.placed;
      }
      one.t_ns = at.t.ns;
      if (at.u95_us != frame::kUnknownU95) one.u95_ns = int64_t{at.u95_us} * 1000;
      one.source.set_epoch(at.source.epoch.value);
      one.source.set_stream_id(at.source.stream.value);
      one.source.set_stream(one.stream);
      one.source.set_first_number(at.number.value);
      one.source.set_last_number(at.number.value);
      one.source.set_t0_ns(at.t.ns);
      one.source.set_t1_ns(at.t.ns);
      out.all.push_back(std::move(one));
    }
  }
  std::ranges::stable_sort(out.all, {}, &Moment::t_ns);
  return out;
}

bool begins(const Moment& moment) {
  return moment.kind == MomentKind::kChecklist || moment.on.value_or(true);
}

bool door_opened(const Moment& moment) {
  return moment.kind == MomentKind::kRoom && moment.code == "door" && moment.on.value_or(false);
}

}  // namespace casebox::analytics::facts
