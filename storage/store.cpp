#include "storage/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "proto/frame/role.h"
#include "storage/internal/files.h"
#include "storage/internal/shard_impl.h"

namespace casebox::storage {
namespace {

constexpr uint32_t kFormat = 1;
constexpr uint32_t kMaxShards = 4096;

/// The number behind `"name":` of the small file that only we write.
std::optional<uint32_t> number_of(const std::string& text, const std::string& name) {
  const auto at = text.find("\"" + name + "\":");
  if (at == std::string::npos) return std::nullopt;
  const char* from = text.data() + at + name.size() + 3;
  const char* to = text.data() + text.size();
  while (from < to && *from == ' ') ++from;
  uint32_t value = 0;
  const auto end = std::from_chars(from, to, value);
  if (end.ec != std::errc()) return std::nullopt;
  return value;
}

/// Written beside and renamed, so that it is there whole or not at all.
Result<void> write_description(const std::filesystem::path& file, uint32_t shards) {
  const auto part = file.string() + ".part";
  {
    std::ofstream out(part, std::ios::trunc);
    (void)::chmod(part.c_str(), 0600);
    out << "{\"format\": " << kFormat << ", \"store_id\": \"" << to_string(random_id<CaseId>())
        << "\", \"shards\": " << shards << "}\n";
    out.flush();
    if (!out) return Error{Code::kIo, part + ": cannot write; check space and rights"};
  }
  const int fd = ::open(part.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    (void)::fsync(fd);
    ::close(fd);
  }
  std::error_code ec;
  std::filesystem::rename(part, file, ec);
  if (ec) return Error{Code::kIo, file.string() + ": cannot write: " + ec.message()};
  return ok();
}

/// Of a broker's source, "<topic>/<partition>": all its records go to the shard of its partition.
std::optional<uint32_t> partition_of(const std::string& source) {
  const auto slash = source.rfind('/');
  if (slash == std::string::npos || source.starts_with("log/")) return std::nullopt;
  uint32_t value = 0;
  const char* end = source.data() + source.size();
  const auto done = std::from_chars(source.data() + slash + 1, end, value);
  if (done.ec != std::errc() || done.ptr != end) return std::nullopt;
  return value;
}

}  // namespace

struct Store::Impl {
  std::filesystem::path dir;
  std::vector<std::unique_ptr<Shard>> shards;

  Result<void> take_back_offsets();
};

Store::Store() : impl_(std::make_unique<Impl>()) {}
Store::~Store() = default;

bool is_store(const std::filesystem::path& path) {
  std::error_code ec;
  return std::filesystem::is_regular_file(path / "store.json", ec);
}

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& dir,
                                           const Options& options) {
  const auto file = dir / "store.json";
  Options each = options;
  if (!is_store(dir)) {
    if (!options.create || options.read_only)
      return Error{Code::kNotFound,
                   dir.string() + ": no store here; import or ingest something first"};
    if (options.shards == 0 || options.shards > kMaxShards)
      return Error{Code::kInvalidArgument, dir.string() + ": a store has 1 to 4096 shards"};
    CASEBOX_CHECK(make_folders(dir));
    CASEBOX_CHECK(write_description(file, options.shards));
  }
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  const auto format = number_of(text.str(), "format");
  const auto shards = number_of(text.str(), "shards");
  if (!format || !shards || *shards == 0 || *shards > kMaxShards)
    return Error{Code::kCorrupt,
                 file.string() + ": not a store description; restore it from a backup"};
  if (*format != kFormat)
    return Error{Code::kUnsupported, file.string() + ": format " + std::to_string(*format) +
                                         " is not known; use a newer casebox"};
  auto store = std::unique_ptr<Store>(new Store);
  store->impl_->dir = dir;
  each.create = !options.read_only;  // a store whose creation was cut short is completed
  for (uint32_t i = 0; i < *shards; ++i) {
    CASEBOX_TRY(auto shard, Shard::open(dir / "shards" / std::to_string(i), each));
    store->impl_->shards.push_back(std::move(shard));
  }
  if (!options.read_only) CASEBOX_CHECK(store->impl_->take_back_offsets());
  return store;
}

/// Offsets stand in the first shard. Where another one lost commits, they go back to what that one
/// says it has all of; a source it does not know may be new in what was lost. Only then the losses
/// are taken for known.
Result<void> Store::Impl::take_back_offsets() {
  std::map<std::string, uint64_t> wanted;
  CASEBOX_TRY(const auto stored, shards.front()->offsets());
  for (size_t k = 1; k < shards.size(); ++k) {
    if (shards[k]->recovered().lost_commits == 0) continue;
    CASEBOX_TRY(const auto own, shards[k]->offsets());
    const std::map<std::string, uint64_t> has(own.begin(), own.end());
    for (const auto& [source, next] : stored) {
      if (partition_of(source).value_or(static_cast<uint32_t>(k)) % shards.size() != k) continue;
      const auto it = has.find(source);
      auto& back = wanted.try_emplace(source, next).first->second;
      back = std::min(back, it == has.end() ? uint64_t{0} : it->second);
    }
  }
  if (!wanted.empty()) {
    auto batch = shards.front()->begin();
    for (const auto& [source, next] : wanted) batch.put_offset(source, next);
    CASEBOX_CHECK(shards.front()->commit(std::move(batch)));
  }
  for (auto& shard : shards) CASEBOX_CHECK(shard->remember_loss());
  return ok();
}

std::vector<std::string> Store::notices() const {
  std::vector<std::string> all;
  for (const auto& shard : impl_->shards)
    for (auto& line : shard->recovered().notices) all.push_back(std::move(line));
  return all;
}

Result<void> Store::refilled() {
  for (auto& shard : impl_->shards) CASEBOX_CHECK(shard->forget_loss());
  return ok();
}

size_t Store::shards() const { return impl_->shards.size(); }
Shard& Store::shard(uint32_t partition) { return *impl_->shards[partition % impl_->shards.size()]; }
const Shard& Store::shard(uint32_t partition) const {
  return *impl_->shards[partition % impl_->shards.size()];
}
const std::filesystem::path& Store::dir() const { return impl_->dir; }

Result<void> Store::refresh() {
  for (auto& shard : impl_->shards) CASEBOX_CHECK(shard->refresh());
  return ok();
}

Result<std::vector<v1::CaseRecord>> Store::cases() const {
  std::vector<v1::CaseRecord> all;
  for (const auto& shard : impl_->shards) {
    CASEBOX_TRY(auto some, shard->cases());
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

Result<std::vector<v1::CaseRecord>> Store::operations() const {
  CASEBOX_TRY(auto all, cases());
  std::erase_if(all, [](const v1::CaseRecord& record) { return !is_operation(record); });
  return all;
}

Result<std::vector<CaseRow>> Store::case_rows() const {
  std::vector<CaseRow> all;
  for (const auto& shard : impl_->shards) {
    CASEBOX_TRY(auto some, shard->case_rows());
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

Result<std::optional<CaseRow>> Store::find_row(CaseId id) const {
  for (const auto& shard : impl_->shards) {
    CASEBOX_TRY(auto found, shard->find_row(id));
    if (found) return found;
  }
  return std::optional<CaseRow>{};
}

Result<std::optional<v1::CaseRecord>> Store::find_case(CaseId id) const {
  for (const auto& shard : impl_->shards) {
    CASEBOX_TRY(auto found, shard->find_case(id));
    if (found) return found;
  }
  return std::optional<v1::CaseRecord>{};
}

const Shard* Store::shard_of(CaseId id) const {
  for (const auto& shard : impl_->shards) {
    auto found = shard->find_case(id);
    if (found && *found) return shard.get();
  }
  return nullptr;
}

Result<Digest> Store::case_digest(CaseId id) const {
  const Shard* shard = shard_of(id);
  if (shard == nullptr)
    return Error{Code::kNotFound, "case " + to_string(id) + " is not in " + dir().string()};
  CASEBOX_TRY(const auto record, shard->find_case(id));
  std::map<uint32_t, const v1::EpochRecord*> recorder;  // by index
  for (const auto& epoch : record->epochs())
    if (frame::owns_case(epoch.role())) recorder[epoch.index()] = &epoch;
  std::map<std::pair<uint32_t, StreamId>, frame::StreamHead> heads;
  CASEBOX_CHECK(shard->for_each_proof(id, nullptr, [&](const Proof& proof) -> Result<void> {
    const auto epoch = recorder.find(proof.epoch_index);
    if (epoch == recorder.end()) return ok();
    const auto [at, fresh] = heads.try_emplace({proof.epoch_index, proof.stream});
    if (fresh) {
      at->second.epoch = Epoch{epoch->second->epoch()};
      at->second.stream = proof.stream;
      const auto producer = id_from_bytes<ProducerId>(epoch->second->producer_id());
      at->second.head = frame::first_head(producer ? *producer : ProducerId{}, id, proof.stream,
                                          at->second.epoch);
    }
    at->second.head = frame::next_head(at->second.head, proof.leaf);
    at->second.next = proof.next();
    return ok();
  }));
  std::vector<frame::StreamHead> all;
  for (const auto& [place, head] : heads) all.push_back(head);
  return frame::case_digest(std::move(all));
}

}  // namespace casebox::storage
