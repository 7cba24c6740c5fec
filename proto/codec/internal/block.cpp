#include "proto/codec/internal/block.h"

#include <algorithm>

#include "proto/codec/codec.h"
#include "proto/codec/internal/bits.h"

namespace casebox::codec::internal {
namespace {

constexpr uint8_t kMethodMask = 0x3F;
constexpr uint8_t kMissingBitmap = 0x40;
constexpr uint8_t kMissingRuns = 0x80;

// Lengths of present and missing runs in turn, the first present; the last is implied.
Bytes write_runs(const std::vector<bool>& missing) {
  Bytes out;
  bool state = false;
  size_t run = 0;
  for (bool m : missing) {
    if (m != state) {
      put_varint(out, run);
      state = m;
      run = 0;
    }
    ++run;
  }
  Bytes counted;
  uint64_t runs = 0;
  for (char c : out) runs += (static_cast<uint8_t>(c) & 0x80) == 0;
  put_varint(counted, runs);
  return counted + out;
}

Bytes write_bitmap(const std::vector<bool>& missing) {
  Bytes out;
  BitWriter bits(out);
  for (bool m : missing) bits.put(m, 1);
  bits.finish();
  return out;
}

bool take_runs(BytesView& in, size_t count, std::vector<bool>& missing) {
  uint64_t runs = 0;
  if (!take_varint(in, runs) || runs == 0 || runs > count) return false;
  missing.assign(count, true);
  size_t at = 0;
  for (uint64_t i = 0; i < runs; ++i) {
    uint64_t run = 0;
    if (!take_varint(in, run) || run > count - at || (run == 0 && i > 0)) return false;
    if (i % 2 == 0) std::fill_n(missing.begin() + static_cast<ptrdiff_t>(at), run, false);
    at += run;
  }
  if (at == count) return false;
  if (runs % 2 == 0) std::fill(missing.begin() + static_cast<ptrdiff_t>(at), missing.end(), false);
  return true;
}

bool take_bitmap(BytesView& in, size_t count, std::vector<bool>& missing) {
  const size_t size = (count + 7) / 8;
  if (in.size() < size) return false;
  BitReader bits(in.substr(0, size));
  missing.resize(count);
  for (size_t i = 0; i < count; ++i) missing[i] = bits.get(1) != 0;
  in.remove_prefix(size);
  return bits.at_end();
}

Error bad_head(const std::string& what) { return {Code::kCorrupt, "coded samples: " + what}; }

}  // namespace

Bytes write_head(Method method, size_t count, const std::vector<bool>& missing) {
  const bool any = std::find(missing.begin(), missing.end(), true) != missing.end();
  Bytes runs, bitmap;
  if (any) {
    runs = write_runs(missing);
    bitmap = write_bitmap(missing);
  }
  const bool as_runs = runs.size() <= bitmap.size();
  uint8_t first = static_cast<uint8_t>(method);
  if (any) first |= as_runs ? kMissingRuns : kMissingBitmap;
  Bytes out(1, static_cast<char>(first));
  put_varint(out, count);
  return out + (as_runs ? runs : bitmap);
}

Result<Head> take_head(BytesView& in, size_t expected) {
  if (expected > kMaxSamples)
    return bad_head("a block of " + std::to_string(expected) + " samples; the limit is " +
                    std::to_string(kMaxSamples));
  if (in.empty()) return bad_head("no bytes");
  const auto first = static_cast<uint8_t>(in.front());
  in.remove_prefix(1);
  uint64_t count = 0;
  if (!take_varint(in, count)) return bad_head("cut off in the head");
  if (count != expected)
    return bad_head(std::to_string(count) + " samples where the frame has " +
                    std::to_string(expected));
  Head head;
  head.method = static_cast<Method>(first & kMethodMask);
  head.present = expected;
  const uint8_t form = first & static_cast<uint8_t>(~kMethodMask);
  if (form != 0) {
    const bool good = form == kMissingRuns     ? take_runs(in, expected, head.missing)
                      : form == kMissingBitmap ? take_bitmap(in, expected, head.missing)
                                               : false;
    const auto gone = std::count(head.missing.begin(), head.missing.end(), true);
    if (!good || gone == 0) return bad_head("bad list of missing samples");
    head.present -= static_cast<size_t>(gone);
  }
  return head;
}

}  // namespace casebox::codec::internal
