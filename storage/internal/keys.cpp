#include "storage/internal/keys.h"

namespace casebox::storage {
namespace {

void append_number(Bytes& out, uint64_t number) {
  for (int shift = 40; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(static_cast<uint8_t>(number >> shift)));
}

uint64_t load_number(const char* at) {
  uint64_t number = 0;
  for (int i = 0; i < 6; ++i) number = (number << 8) | static_cast<uint8_t>(at[i]);
  return number;
}

}  // namespace

Bytes row_key(Table table, const RowKey& key) {
  Bytes out;
  out.reserve(kRowKeySize);
  out.append(key.case_id.view());
  if (table != Table::kEvent) append_be(out, key.stream.value);
  append_be(out, key.t.ns);
  if (table == Table::kEvent) append_be(out, key.stream.value);
  append_be(out, key.epoch_index);
  append_number(out, key.number);
  return out;
}

Result<RowKey> parse_row_key(Table table, BytesView bytes) {
  if (bytes.size() != kRowKeySize)
    return Error{Code::kCorrupt, "row key has " + std::to_string(bytes.size()) + " bytes, not 36"};
  RowKey key;
  CASEBOX_TRY(key.case_id, id_from_bytes<CaseId>(bytes.substr(0, 16)));
  const char* at = bytes.data() + 16;
  if (table != Table::kEvent) {
    key.stream.value = load_be<uint32_t>(at);
    key.t.ns = load_be<int64_t>(at + 4);
  } else {
    key.t.ns = load_be<int64_t>(at);
    key.stream.value = load_be<uint32_t>(at + 8);
  }
  key.epoch_index = load_be<uint16_t>(at + 12);
  key.number = load_number(at + 14);
  return key;
}

Bytes proof_prefix(CaseId case_id, uint16_t epoch_index, StreamId stream) {
  Bytes out;
  out.reserve(kProofKeySize);
  out.append(case_id.view());
  append_be(out, epoch_index);
  append_be(out, stream.value);
  return out;
}

Bytes proof_key(CaseId case_id, uint16_t epoch_index, StreamId stream, uint64_t number) {
  Bytes out = proof_prefix(case_id, epoch_index, stream);
  append_number(out, number);
  return out;
}

uint64_t proof_number(BytesView key) {
  return key.size() == kProofKeySize ? load_number(key.data() + 22) : 0;
}

Bytes tail_key(CaseId case_id, Table table, StreamId stream) {
  Bytes out(case_id.view());
  out.push_back(static_cast<char>(table));
  append_be(out, stream.value);
  return out;
}

Bytes segment_key(CaseId case_id, StreamId stream, uint32_t file) {
  Bytes out(case_id.view());
  append_be(out, stream.value);
  append_be(out, file);
  return out;
}

Bytes after_prefix(Bytes prefix) {
  while (!prefix.empty()) {
    auto& last = reinterpret_cast<uint8_t&>(prefix.back());
    if (last != 0xFF) {
      ++last;
      return prefix;
    }
    prefix.pop_back();
  }
  return prefix;
}

}  // namespace casebox::storage
