// Rows, media rows, proof rows and keys of the store, as they come from a damaged database.
#include <cstddef>
#include <cstdint>

#include "casebox/v1/case.pb.h"
#include "storage/internal/keys.h"
#include "storage/internal/row.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace casebox;
  using namespace casebox::storage;
  if (size == 0) return 0;
  const BytesView bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      if (auto row = parse_row(bytes); row && row->frame.size() > bytes.size()) __builtin_trap();
      break;
    case 1:
      if (auto row = parse_media_row(bytes)) {
        auto again = parse_media_row(encode_media_row(*row));
        if (!again || again->offset != row->offset || again->header != row->header)
          __builtin_trap();
      }
      break;
    case 2:
      if (auto row = parse_proof_row(bytes)) {
        auto again = parse_proof_row(encode_proof_row(*row));
        if (!again || again->count != row->count || again->leaf != row->leaf) __builtin_trap();
      }
      break;
    case 3:
      for (Table table : {Table::kEvent, Table::kWave})
        if (auto key = parse_row_key(table, bytes); key && row_key(table, *key) != bytes)
          __builtin_trap();
      break;
    default: {
      v1::CaseRecord record;
      (void)record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    }
  }
  return 0;
}
