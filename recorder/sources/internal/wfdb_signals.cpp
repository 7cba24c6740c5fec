#include "recorder/sources/internal/wfdb_signals.h"

#include <algorithm>

#include "recorder/sources/internal/flac_input.h"

namespace casebox::recorder::internal {
namespace {

/// So many samples in so many bytes; what a shorter last group holds.
struct Packing {
  uint64_t samples, bytes;
};

std::optional<Packing> packing_of(int format) {
  switch (format) {
    case 8:
    case 80: return Packing{1, 1};
    case 16:
    case 61:
    case 160: return Packing{1, 2};
    case 24: return Packing{1, 3};
    case 32: return Packing{1, 4};
    case 212: return Packing{2, 3};
    case 310:
    case 311: return Packing{3, 4};
    default: return std::nullopt;
  }
}

bool is_flac(int format) { return format == 508 || format == 516 || format == 524; }

int32_t signed_of(uint32_t value, unsigned bits) {
  return static_cast<int32_t>(value << (32 - bits)) >> (32 - bits);
}

/// One group of bytes, which may be padded, as samples.
void unpack(int format, const char* at, std::vector<int32_t>& out) {
  const auto byte = [at](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(at[i])); };
  switch (format) {
    case 8: out.push_back(static_cast<int8_t>(at[0])); break;
    case 80: out.push_back(static_cast<int32_t>(byte(0)) - 128); break;
    case 16: out.push_back(load_le<int16_t>(at)); break;
    case 61: out.push_back(signed_of(byte(0) << 8 | byte(1), 16)); break;
    case 160: out.push_back(static_cast<int32_t>(byte(0) | byte(1) << 8) - 32'768); break;
    case 24: out.push_back(signed_of(byte(0) | byte(1) << 8 | byte(2) << 16, 24)); break;
    case 32: out.push_back(load_le<int32_t>(at)); break;
    case 212:
      out.push_back(signed_of(byte(0) | (byte(1) & 0x0f) << 8, 12));
      out.push_back(signed_of(byte(2) | (byte(1) & 0xf0) << 4, 12));
      break;
    case 310:
      out.push_back(signed_of(byte(0) >> 1 | (byte(1) & 0x07) << 7, 10));
      out.push_back(signed_of(byte(2) >> 1 | (byte(3) & 0x07) << 7, 10));
      out.push_back(signed_of(byte(1) >> 3 | (byte(3) >> 3) << 5, 10));
      break;
    case 311: {
      const auto word = load_le<uint32_t>(at);
      for (unsigned i = 0; i < 3; ++i) out.push_back(signed_of(word >> (10 * i) & 0x3ff, 10));
      break;
    }
    default: break;
  }
}

/// Samples whose bits lie within the first `bytes` of a group.
uint64_t within(int format, uint64_t bytes) {
  if (format == 212) return bytes >= 2 ? 1 : 0;
  if (format == 310) return bytes >= 2 ? 1 : 0;
  if (format == 311) return bytes * 8 / 10;
  return 0;
}

}  // namespace

std::optional<int32_t> wfdb_invalid(int format) {
  switch (format) {
    case 80:
    case 508: return -128;
    case 16:
    case 61:
    case 160:
    case 516: return -32'768;
    case 24:
    case 524: return -8'388'608;
    case 32: return INT32_MIN;
    case 212: return -2048;
    case 310:
    case 311: return -512;
    default: return std::nullopt;
  }
}

WfdbSamples::WfdbSamples() = default;
WfdbSamples::~WfdbSamples() = default;
WfdbSamples::WfdbSamples(WfdbSamples&&) noexcept = default;
WfdbSamples& WfdbSamples::operator=(WfdbSamples&&) noexcept = default;

Result<WfdbSamples> WfdbSamples::open(ByteInput input, int format, uint64_t offset, size_t channels,
                                      const std::string& name) {
  WfdbSamples out;
  out.format_ = format;
  out.offset_ = offset;
  if (is_flac(format)) {
    CASEBOX_TRY(out.flac_, FlacInput::open(std::move(input), channels, name));
    return out;
  }
  if (!packing_of(format))
    return Error{Code::kUnsupported, name + ": its signals are in format " +
                                         std::to_string(format) +
                                         ", which is not read; write them as format 16 with xform"};
  out.input_ = std::move(input);
  return out;
}

std::optional<uint64_t> WfdbSamples::count() const {
  const auto packing = packing_of(format_);
  if (!packing) return std::nullopt;
  const uint64_t bytes = input_.size() - std::min(offset_, input_.size());
  return bytes / packing->bytes * packing->samples + within(format_, bytes % packing->bytes);
}

void WfdbSamples::read(size_t n, std::vector<int32_t>& out) {
  if (flac_) return flac_->read(n, out);
  const Packing packing = *packing_of(format_);
  const uint64_t all = *count();
  n = static_cast<size_t>(std::min<uint64_t>(n, all - std::min(next_, all)));
  if (n == 0) return;
  const uint64_t first = next_ / packing.samples;
  const uint64_t groups = (next_ + n + packing.samples - 1) / packing.samples - first;
  Bytes bytes =
      input_.read_at(offset_ + first * packing.bytes, static_cast<size_t>(groups * packing.bytes));
  bytes.resize(static_cast<size_t>(groups * packing.bytes), '\0');
  std::vector<int32_t> all_of;
  all_of.reserve(static_cast<size_t>(groups * packing.samples));
  for (uint64_t g = 0; g < groups; ++g) unpack(format_, bytes.data() + g * packing.bytes, all_of);
  const auto skip = static_cast<ptrdiff_t>(next_ - first * packing.samples);
  out.insert(out.end(), all_of.begin() + skip, all_of.begin() + skip + static_cast<ptrdiff_t>(n));
  next_ += n;
}

}  // namespace casebox::recorder::internal
