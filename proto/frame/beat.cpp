#include "proto/frame/beat.h"

#include <algorithm>
#include <vector>

namespace casebox::frame {
namespace {

template <typename T>
void append_le(Bytes& out, T value) {
  char field[sizeof(T)];
  store_le(field, value);
  out.append(field, sizeof field);
}

}  // namespace

Bytes beat_message(CaseId case_id, ProducerId producer, Epoch epoch, const v1::Beat& beat) {
  std::vector<const v1::StreamPosition*> positions;
  for (const auto& position : beat.positions()) positions.push_back(&position);
  std::ranges::sort(positions, {}, [](const auto* p) { return p->stream_id(); });
  Bytes message = "casebox.beat.v1";
  message.push_back('\0');
  message += case_id.view();
  message += producer.view();
  append_le(message, epoch.value);
  append_le(message, beat.t_ns());
  append_le(message, static_cast<uint32_t>(positions.size()));
  for (const auto* position : positions) {
    append_le(message, position->stream_id());
    append_le(message, position->next_number());
    // A head of another length would let two beats share one message.
    Bytes head = position->head();
    head.resize(32, '\0');
    message += head;
  }
  return message;
}

}  // namespace casebox::frame
