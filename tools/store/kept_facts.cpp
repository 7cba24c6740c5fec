#include "tools/store/kept_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <mutex>

#include "proto/base/file.h"
#include "proto/base/parallel.h"
#include "proto/seal/seal.h"
#include "storage/case_record.h"
#include "storage/found.h"
#include "tools/cli/build_id.h"
#include "tools/store/kept_verdicts.h"

namespace casebox::tools {
namespace {

namespace facts = analytics::facts;
namespace fs = std::filesystem;

// A copy: what it is about (32 bytes), the sizes of its parts (8 bytes each), the sealed parts.
constexpr size_t kHead = sizeof(Digest) + 8 * facts::kKeptParts;
constexpr size_t kMostBytes = 64u << 20;

fs::path file_of(const StoreAccess& access, CaseId id) {
  return access.options().store / "kept" / to_string(id);
}

/// What is bound to each part.
Bytes bound(BytesView about, size_t part) { return Bytes(about) + static_cast<char>(part); }

/// The sealed parts of a copy that is about this; none if it is about something else.
std::optional<std::array<BytesView, facts::kKeptParts>> parts_of(BytesView copy, BytesView about) {
  if (copy.size() < kHead || copy.substr(0, about.size()) != about) return std::nullopt;
  std::array<BytesView, facts::kKeptParts> out;
  BytesView rest = copy.substr(kHead);
  for (size_t i = 0; i < out.size(); ++i) {
    const auto size = load_le<uint64_t>(copy.data() + sizeof(Digest) + 8 * i);
    if (size > rest.size()) return std::nullopt;
    out[i] = rest.substr(0, size);
    rest.remove_prefix(size);
  }
  return out;
}

/// The folder of copies itself: a link in its place would lead out of the store.
Result<Fd> folder_of(const fs::path& path) {
  return Fd::open(path.parent_path(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/// Written whole or not at all, and never synced: a copy that a crash tore does not open.
void write_copy(const fs::path& path, BytesView bytes) {
  const fs::path& folder = path.parent_path();
  ::mkdir(folder.c_str(), 0700);
  const auto into = folder_of(path);
  if (!into) {
    static std::once_flag said;
    std::call_once(said, [&] {
      std::fprintf(stderr,
                   "casebox: %s: is no folder of its own, so no copies of facts are kept there; "
                   "remove what is in its place\n",
                   folder.c_str());
    });
    return;
  }
  ::fchmod(into->get(), 0700);
  const std::string name = path.filename().string();
  const std::string begun = name + "." + std::to_string(::getpid());
  ::unlinkat(into->get(), begun.c_str(), 0);
  const Fd file(
      ::openat(into->get(), begun.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return;
  if (!write_all(file, bytes, folder / begun) ||
      ::renameat(into->get(), begun.c_str(), into->get(), name.c_str()) != 0)
    ::unlinkat(into->get(), begun.c_str(), 0);
}

}  // namespace

void KeptFacts::forget(const StoreAccess& access, CaseId id) {
  const fs::path path = file_of(access, id);
  if (const auto folder = folder_of(path)) ::unlinkat(folder->get(), path.filename().c_str(), 0);
}

Result<KeptFacts> KeptFacts::of(StoreAccess& access) {
  KeptFacts out(access);
  CASEBOX_TRY(out.list_, access.trust_if_any());
  if (access.keystore() != nullptr) out.build_ = build_id();
  return out;
}

Result<facts::CaseFacts> KeptFacts::header(const v1::CaseRecord& record) {
  CASEBOX_TRY(facts::CaseFacts out, facts::header_facts(record));
  CASEBOX_TRY(const KeptVerdict kept, verdict_of(access_, record, address(list_)));
  if (!verify::may_be_shown(kept.verdict)) {
    // The store's row is worth nothing then: what the frames say of it is asked about.
    CASEBOX_TRY(const auto proven, access_.read_accounting(out.id));
    CASEBOX_TRY(out, facts::header_facts(proven->record()));
  }
  out.verdict = verify::to_string(kept.verdict);
  out.complete = verify::is_complete(kept.verdict);
  return out;
}

Bytes KeptFacts::about(const v1::CaseRecord& record) const {
  const Digest digest = seal::sha256({view(seal::sha256(record.SerializeAsString())),
                                      view(trusted(address(list_), record)), build_});
  return Bytes(view(digest));
}

Result<std::optional<verify::Verdict>> KeptFacts::usable(const v1::CaseRecord& record) {
  const std::optional<verify::Verdict> none;
  // A store that lost something, or whose ledger is not what it was, is asked anew.
  // So is a case whose consent only its sealed streams tell.
  if (build_.empty() || record.state() == v1::CASE_STATE_OPEN ||
      !access_.store().notices().empty() || !storage::tells_consent(record))
    return none;
  CASEBOX_TRY(const auto kept, kept_verdict(access_, record, address(list_)));
  if (!kept || !verify::is_complete(kept->verdict)) return none;
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
  if (storage::found(access_.options().store, id)) return none;
  return std::optional(kept->verdict);
}

struct KeptFacts::Copy {
  CaseId id;
  verify::Verdict verdict = verify::Verdict::kUnclosed;
  v1::EpochRecord key;  // the first epoch that has one: a copy's key comes from it
  Bytes about, bytes;
  size_t index = 0;  // into the records asked for
};

Result<std::optional<KeptFacts::Copy>> KeptFacts::copy_of(const v1::CaseRecord& record) {
  const std::optional<Copy> none;
  CASEBOX_TRY(const auto verdict, usable(record));
  if (!verdict) return none;
  Copy out;
  CASEBOX_TRY(out.id, id_from_bytes<CaseId>(record.case_id()));
  out.verdict = *verdict;
  for (const v1::EpochRecord& epoch : record.epochs())
    if (!epoch.sealed_epoch_key().empty() &&
        (out.key.sealed_epoch_key().empty() || epoch.epoch() < out.key.epoch()))
      out.key = epoch;
  out.about = about(record);
  const fs::path path = file_of(access_, out.id);
  if (folder_of(path))
    if (auto bytes = read_file(path, kMostBytes)) out.bytes = *std::move(bytes);
  return parts_of(out.bytes, out.about) ? std::optional(std::move(out)) : none;
}

Result<std::vector<std::optional<facts::CaseFacts>>> KeptFacts::read(
    std::span<const v1::CaseRecord> records, keyring::Purpose purpose, const facts::Needs& needs) {
  std::vector<std::optional<Copy>> looked(records.size());
  std::vector<Result<void>> errors(records.size(), ok());
  for_each_index(records.size(), [&](size_t i) {
    auto copy = copy_of(records[i]);
    if (copy) {
      looked[i] = std::move(*copy);
    } else {
      errors[i] = std::move(copy).error();
    }
  });
  std::vector<Copy> copies;
  std::vector<keyring::Keyring::CohortCase> opened;
  for (size_t i = 0; i < records.size(); ++i) {
    CASEBOX_CHECK(std::move(errors[i]));
    if (!looked[i]) continue;
    opened.push_back({{looked[i]->id, access::consent_of(records[i]), records[i].case_public_key()},
                      {looked[i]->key}});
    copies.push_back(*std::move(looked[i]));
    copies.back().index = i;
  }
  std::vector<std::optional<facts::CaseFacts>> out(records.size());
  CASEBOX_TRY(auto keys, access_.keyring().open_cohort(opened, purpose));
  for_each_index(copies.size(), [&](size_t k) {
    if (!keys[k]) return;
    const Copy& copy = copies[k];
    const auto parts = *parts_of(copy.bytes, copy.about);
    facts::CaseFacts one;
    one.id = copy.id;
    bool whole = true;
    for (size_t p = 0; p < parts.size() && whole; ++p) {
      const auto part = static_cast<facts::KeptPart>(p);
      if (!facts::needed(part, needs)) continue;
      const auto plain = keys[k]->open_kept(parts[p], bound(copy.about, p));
      whole = plain && facts::from_kept(*plain, part, one);
    }
    if (!whole) return;
    one.verdict = verify::to_string(copy.verdict);
    one.complete = true;
    facts::restrict_to(needs, one);
    out[copy.index] = std::move(one);
  });
  return out;
}

Result<facts::CaseFacts> KeptFacts::read_case(const v1::CaseRecord& record,
                                              keyring::Purpose purpose, const facts::Needs& needs) {
  CASEBOX_TRY(const CaseId id, id_from_bytes<CaseId>(record.case_id()));
  CASEBOX_TRY(const auto reader, access_.read_case(id, purpose));
  CASEBOX_TRY(const auto verdict, usable(record));
  // What else there is in a case must not keep a question from what it needs.
  if (!verdict || *verdict != reader->verdict() || !reader->readable())
    return facts::read_facts(*reader, needs);
  auto all = facts::read_facts(*reader, facts::every_need());
  if (!all || all->verdict != verify::to_string(*verdict)) return facts::read_facts(*reader, needs);
  const Bytes about = this->about(record);
  Bytes copy = about;
  Bytes sealed;
  for (size_t p = 0; p < facts::kKeptParts; ++p) {
    CASEBOX_TRY(
        const Bytes part,
        reader->seal_kept(facts::to_kept(*all, static_cast<facts::KeptPart>(p)), bound(about, p)));
    char size[8];
    store_le(size, uint64_t{part.size()});
    copy.append(size, sizeof size);
    sealed += part;
  }
  write_copy(file_of(access_, id), copy + sealed);
  facts::restrict_to(needs, *all);
  return *std::move(all);
}

}  // namespace casebox::tools
