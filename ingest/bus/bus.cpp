#include "ingest/bus/bus.h"

namespace casebox::bus {

const char* to_string(Lane lane) {
  switch (lane) {
    case Lane::kEvent: return "event";
    case Lane::kWave: return "wave";
    case Lane::kMedia: return "media";
  }
  return "unknown";
}

Lane lane_of(v1::StreamKind kind) {
  switch (kind) {
    case v1::STREAM_KIND_WAVE:
    case v1::STREAM_KIND_NUMERIC:
    case v1::STREAM_KIND_TWIN_SERIES: return Lane::kWave;
    case v1::STREAM_KIND_VIDEO:
    case v1::STREAM_KIND_AUDIO: return Lane::kMedia;
    default: return Lane::kEvent;
  }
}

}  // namespace casebox::bus
