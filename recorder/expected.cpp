#include "recorder/expected.h"

namespace casebox::recorder {
namespace {

struct Usual {
  const char* type;
  const char* stream;
  v1::StreamKind kind;
  v1::StreamClass kept;
  const char* device;
};

constexpr Usual kUsual[] = {
    {"media", ".video", v1::STREAM_KIND_VIDEO, v1::STREAM_CLASS_C, "camera"},
    {"vital", ".numerics", v1::STREAM_KIND_NUMERIC, v1::STREAM_CLASS_B, "monitor"},
    {"edf", ".waves", v1::STREAM_KIND_WAVE, v1::STREAM_CLASS_B, "recorder"},
    {"wfdb", ".waves", v1::STREAM_KIND_WAVE, v1::STREAM_CLASS_B, "recorder"},
    {"xdf", ".samples", v1::STREAM_KIND_WAVE, v1::STREAM_CLASS_B, "sensors"},
    {"csv", ".series", v1::STREAM_KIND_NUMERIC, v1::STREAM_CLASS_B, "csv"},
    {"phases", ".phases", v1::STREAM_KIND_PHASE, v1::STREAM_CLASS_A, "annotation"},
    {"instruments", ".use", v1::STREAM_KIND_DEVICE, v1::STREAM_CLASS_A, "instrument"},
    {"", ".events", v1::STREAM_KIND_DEVICE, v1::STREAM_CLASS_A, ""},
};

}  // namespace

v1::Stream expected_stream(const v1::SourceConfig& source) {
  const Usual* usual = kUsual;
  while (*usual->type != '\0' && source.type() != usual->type) ++usual;
  v1::Stream stream;
  stream.set_name(source.name() + usual->stream);
  stream.set_kind(usual->kind);
  if (source.type() == "csv" &&
      (source.device() == "digital-twin" || source.name().starts_with("twin")))
    stream.set_kind(v1::STREAM_KIND_TWIN_SERIES);
  stream.set_stream_class(usual->kept);
  stream.set_device(source.device().empty() ? usual->device : source.device());
  stream.mutable_tick_rate_hz()->set_den(1);
  stream.set_clock_id(1);
  return stream;
}

bool is_continuous(v1::StreamKind kind) {
  switch (kind) {
    case v1::STREAM_KIND_WAVE:
    case v1::STREAM_KIND_NUMERIC:
    case v1::STREAM_KIND_TWIN_SERIES:
    case v1::STREAM_KIND_VIDEO:
    case v1::STREAM_KIND_AUDIO: return true;
    default: return false;
  }
}

}  // namespace casebox::recorder
