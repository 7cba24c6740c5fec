// What the bus held and the store never read.
#include "storage/internal/shard_impl.h"

namespace casebox::storage {
namespace {

/// "skipped/" from[8] source -> to[8] time[8] dropped[1]
Bytes skipped_key(uint64_t from, const std::string& source) {
  Bytes key = kSkippedPrefix;
  append_be(key, from);
  return key + source;
}

constexpr size_t kFromSize = 8;
constexpr size_t kValueSize = 17;

}  // namespace

void Batch::put_skipped(const Skipped& skipped) {
  const Bytes key = skipped_key(skipped.from, skipped.source);
  if (skipped.to <= skipped.from) return impl_->remove(Family::kMeta, key);
  Bytes value;
  append_be(value, skipped.to);
  append_be(value, static_cast<uint64_t>(skipped.at.ns));
  value.push_back(skipped.dropped ? '\1' : '\0');
  impl_->put(Family::kMeta, key, value);
}

Result<std::vector<Skipped>> Shard::skipped() const {
  std::vector<Skipped> out;
  const Bytes prefix = kSkippedPrefix;
  CASEBOX_TRY(const auto db, impl_->reading());
  CASEBOX_CHECK(
      db->each(Family::kMeta, prefix, after_prefix(prefix),
               [&](BytesView key, BytesView value) -> Result<void> {
                 const BytesView rest = key.substr(prefix.size());
                 if (rest.size() < kFromSize || value.size() != kValueSize)
                   return Error{Code::kCorrupt, impl_->dir.string() +
                                                    ": what it says of offsets that were "
                                                    "never read is damaged; restore from a backup"};
                 Skipped one;
                 one.from = load_be<uint64_t>(rest.data());
                 one.source = std::string(rest.substr(kFromSize));
                 one.to = load_be<uint64_t>(value.data());
                 one.at = UtcTime{static_cast<int64_t>(load_be<uint64_t>(value.data() + 8))};
                 one.dropped = value.back() != '\0';
                 out.push_back(std::move(one));
                 return ok();
               }));
  return out;
}

}  // namespace casebox::storage
