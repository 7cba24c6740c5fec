#include "recorder/expected.h"

#include "recorder/sources/source_types.h"

namespace casebox::recorder {

v1::Stream expected_stream(const v1::SourceConfig& source) {
  const SourceType* type = source_type(source.type());
  v1::Stream stream;
  stream.set_name(source.name() + (type == nullptr ? ".events" : type->stream));
  stream.set_kind(type == nullptr ? v1::STREAM_KIND_DEVICE : type->kind);
  if (source.type() == "csv" &&
      (source.device() == "digital-twin" || source.name().starts_with("twin")))
    stream.set_kind(v1::STREAM_KIND_TWIN_SERIES);
  stream.set_stream_class(type == nullptr ? v1::STREAM_CLASS_A : type->kept);
  stream.set_device(!source.device().empty() ? source.device()
                    : type == nullptr        ? ""
                                             : type->device);
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
