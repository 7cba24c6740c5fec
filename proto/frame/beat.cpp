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

Bytes beat_message(CaseId case_id, ProducerId producer, const Header& header,
                   const v1::Beat& beat) {
  std::vector<const v1::StreamPosition*> positions;
  for (const auto& position : beat.positions()) positions.push_back(&position);
  std::ranges::sort(positions, {}, [](const auto* p) { return p->stream_id(); });
  const bool first_form = beat.form() < 2;
  Bytes message = first_form ? "casebox.beat.v1" : "casebox.beat.v2";
  message.push_back('\0');
  message += case_id.view();
  message += producer.view();
  if (first_form) {
    append_le(message, header.epoch.value);
  } else {
    Header bare = header;
    bare.body_size = 0;
    bare.crc = 0;
    char bytes[kHeaderSize];
    write_header(bare, bytes);
    message.append(bytes, sizeof bytes);
  }
  append_le(message, beat.t_ns());
  append_le(message, static_cast<uint32_t>(positions.size()));
  for (const auto* position : positions) {
    append_le(message, position->stream_id());
    append_le(message, position->next_number());
    // A head of another length would let two beats share one message.
    Bytes head = position->head();
    head.resize(32, '\0');
    message += head;
    if (!first_form) append_le(message, position->gap_frames());
  }
  return message;
}

}  // namespace casebox::frame
