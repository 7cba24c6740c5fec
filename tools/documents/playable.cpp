#include "tools/documents/playable.h"

#include <algorithm>

#include "tools/documents/playable_init.h"

namespace casebox::tools {
namespace {

constexpr uint32_t kKey = 1, kHidden = 8, kNoPts = 1u << 8, kNoDts = 1u << 9;  // v1::Packet.flags
constexpr uint32_t kSyncSample = 0x0200'0000, kOtherSample = 0x0101'0000;

void set(Bytes& out, size_t at, uint32_t value) {
  Bytes field;
  append_be(field, value);
  out.replace(at, field.size(), field);
}

/// Writes a box around what `content` adds.
template <typename Content>
void box(Bytes& out, const char* type, Content content) {
  const size_t at = out.size();
  append_be<uint32_t>(out, 0);
  out.append(type, 4);
  content();
  set(out, at, static_cast<uint32_t>(out.size() - at));
}

__extension__ typedef __int128 Wide;

int64_t scaled(int64_t value, int64_t by, int64_t per) {
  const Wide wide = static_cast<Wide>(value) * by;
  const Wide half = per / 2;
  return static_cast<int64_t>((wide >= 0 ? wide + half : wide - half) / per);
}

}  // namespace

PlayableWriter::PlayableWriter(const v1::Stream& stream, uint32_t timescale,
                               std::optional<CaseTime> zero, Sink sink)
    : stream_(stream), timescale_(timescale), sink_(std::move(sink)) {
  if (zero) zero_ = units(*zero);
}

int64_t PlayableWriter::units(CaseTime t) const { return scaled(t.ns, timescale_, 1'000'000'000); }

PlayableWriter::Sample PlayableWriter::sample_of(const storage::PacketAt& packet) const {
  const v1::Packet& p = packet.packet;
  const v1::Rational& base = stream_.media().time_base();
  const auto ticks = [&](int64_t n) {
    return base.den() == 0 ? 0
                           : scaled(n, static_cast<int64_t>(base.num()) * timescale_,
                                    static_cast<int64_t>(base.den()));
  };
  Sample out;
  out.present = units(packet.t);
  const bool both = (p.flags() & (kNoPts | kNoDts)) == 0;
  out.decode = out.present - (both ? ticks(p.pts() - p.dts()) : 0);
  out.duration = static_cast<uint32_t>(
      std::clamp<int64_t>(ticks(static_cast<int64_t>(p.duration())), 1, INT32_MAX));
  out.key = (p.flags() & kKey) != 0;
  out.shown = (p.flags() & kHidden) == 0;
  out.payload = packet.payload;
  return out;
}

Result<void> PlayableWriter::add(const storage::PacketAt& packet) {
  Sample sample = sample_of(packet);
  // Where a container does not tell when a picture is decoded, it is so behind the one before, and
  // not after others that are shown first.
  if ((packet.packet.flags() & kNoDts) != 0 && sample.present - behind_ < int64_t{timescale_})
    sample.decode = std::min(sample.present, behind_);
  behind_ = sample.decode + sample.duration;
  if (!sample.shown) {
    if (sample.key) lead_.clear();
    if (sample.key || !lead_.empty()) lead_.push_back(std::move(sample));
    return ok();
  }
  if (!any_ && !sample.key && lead_.empty()) return ok();
  any_ = true;
  const storage::SourceRef& of = packet.source;
  const bool same = !pending_.empty() && of.epoch == from_.epoch && of.first == from_.first;
  if (!pending_.empty() && (!same || (!lead_.empty() && !sample.key))) {
    const bool follows =
        of.epoch == from_.epoch && (same || of.first.value == from_.first.value + from_.count);
    CASEBOX_CHECK(flush(follows ? std::optional(sample.decode) : std::nullopt));
  }
  from_ = of;
  if (!sample.key) squeeze(sample.decode);
  lead_.clear();
  pending_.push_back(std::move(sample));
  return ok();
}

/// What was cut away and must be decoded, right before what is shown.
void PlayableWriter::squeeze(int64_t before) {
  const auto n = static_cast<int64_t>(lead_.size());
  for (int64_t i = 0; i < n; ++i) {
    Sample& sample = lead_[static_cast<size_t>(i)];
    sample.decode = sample.present = before - n + i;
    sample.duration = 1;
    pending_.push_back(std::move(sample));
  }
}

/// Nor may what was cut away be seen until the first shown picture, which is often decoded some
/// pictures before it is shown.
void PlayableWriter::hold_back_hidden() {
  int64_t shown = INT64_MAX, hidden = 0;
  for (const Sample& sample : pending_) {
    if (sample.shown) shown = std::min(shown, sample.present);
    hidden += !sample.shown;
  }
  if (shown == INT64_MAX) return;
  for (Sample& sample : pending_)
    if (!sample.shown) sample.present = shown - hidden--;
}

Result<void> PlayableWriter::begin() {
  int64_t shown = INT64_MAX;
  zero_ = pending_.front().decode;
  for (const Sample& sample : pending_) {
    zero_ = std::min(*zero_, sample.decode);
    if (sample.shown) shown = std::min(shown, sample.present);
  }
  if (shown == INT64_MAX) shown = *zero_;
  CASEBOX_TRY(
      const Bytes init,
      playable_init(stream_.media().init_segment(),
                    static_cast<uint32_t>(std::clamp<int64_t>(shown - *zero_, 0, INT32_MAX))));
  return sink_(init);
}

Result<void> PlayableWriter::flush(std::optional<int64_t> next_decode) {
  if (pending_.empty()) return ok();
  hold_back_hidden();
  if (!zero_) CASEBOX_CHECK(begin());
  int64_t decode = pending_.front().decode;
  if (last_ != INT64_MIN) decode = std::max(decode, last_ + 1);
  const int64_t first = std::max<int64_t>(0, decode - *zero_);
  Bytes out;
  size_t data_offset = 0;
  box(out, "moof", [&] {
    box(out, "mfhd", [&] {
      append_be<uint32_t>(out, 0);
      append_be(out, ++sequence_);
    });
    box(out, "traf", [&] {
      box(out, "tfhd", [&] {
        append_be<uint32_t>(out, 0x02'0000);  // offsets count from this moof
        append_be<uint32_t>(out, 1);
      });
      box(out, "tfdt", [&] {
        append_be<uint32_t>(out, 0x0100'0000);
        append_be(out, static_cast<uint64_t>(first));
      });
      box(out, "trun", [&] {
        append_be<uint32_t>(out, 0x0100'0F01);
        append_be(out, static_cast<uint32_t>(pending_.size()));
        data_offset = out.size();
        append_be<uint32_t>(out, 0);
        for (size_t i = 0; i < pending_.size(); ++i) {
          const Sample& sample = pending_[i];
          const int64_t at = std::max(sample.decode, decode);
          int64_t next = at + sample.duration;
          if (i + 1 < pending_.size()) {
            next = pending_[i + 1].decode;
          } else if (next_decode) {
            next = *next_decode;
          }
          next = std::clamp(next, at + 1, at + INT32_MAX);
          append_be(out, static_cast<uint32_t>(next - at));
          append_be(out, static_cast<uint32_t>(sample.payload.size()));
          append_be(out, sample.key ? kSyncSample : kOtherSample);
          append_be(out, static_cast<uint32_t>(static_cast<int32_t>(
                             std::clamp<int64_t>(sample.present - at, INT32_MIN, INT32_MAX))));
          last_ = at;
          decode = next;
        }
      });
    });
  });
  set(out, data_offset, static_cast<uint32_t>(out.size() + 8));
  box(out, "mdat", [&] {
    for (const Sample& sample : pending_) out += sample.payload;
  });
  pending_.clear();
  return sink_(out);
}

Result<void> PlayableWriter::finish() { return flush(std::nullopt); }

}  // namespace casebox::tools
