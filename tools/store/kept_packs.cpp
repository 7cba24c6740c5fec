#include "tools/store/kept_packs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <set>

#include "proto/base/parallel.h"

namespace casebox::tools {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPacks = 64;
constexpr BytesView kPackMagic{"CBkept\x02\n", 8};
constexpr size_t kPackHead = kPackMagic.size() + 8;
constexpr size_t kParts = analytics::facts::kKeptParts;
constexpr size_t kEntryBytes = 16 + sizeof(Digest) + 16 * kParts;
constexpr uint64_t kMostEntries = 1u << 22;
constexpr uint64_t kMostPartBytes = 64u << 20;

size_t pack_of(CaseId id) { return static_cast<uint8_t>(id.view()[0]) % kPacks; }

std::string pack_name(size_t number) {
  char name[16];
  std::snprintf(name, sizeof name, "%02zx.pack", number);
  return name;
}

std::optional<Bytes> read_at(const Fd& file, uint64_t from, uint64_t size) {
  Bytes out(size, '\0');
  for (size_t done = 0; done < out.size();) {
    const ssize_t n =
        ::pread(file.get(), out.data() + done, out.size() - done, static_cast<off_t>(from + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    done += static_cast<size_t>(n);
  }
  return out;
}

/// The folder of packs itself: a link in its place would lead out of the store.
Result<Fd> folder_of(const fs::path& store) {
  return Fd::open(store / "kept", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/// The folder, made if it is not there; says once what is in its place.
Result<Fd> made_folder(const fs::path& store) {
  const fs::path path = store / "kept";
  ::mkdir(path.c_str(), 0700);
  auto folder = folder_of(store);
  if (folder) {
    ::fchmod(folder->get(), 0700);
    return folder;
  }
  static std::once_flag said;
  std::call_once(said, [&] {
    std::fprintf(stderr,
                 "casebox: %s: is no folder of its own, so no copies of facts are kept there; "
                 "remove what is in its place\n",
                 path.c_str());
  });
  return folder;
}

/// Written whole or not at all, and never synced: a copy that a crash tore does not open.
void write_pack(const Fd& folder, const std::string& name, BytesView bytes) {
  const std::string begun = name + "." + std::to_string(::getpid());
  ::unlinkat(folder.get(), begun.c_str(), 0);
  const Fd file(
      ::openat(folder.get(), begun.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return;
  if (!write_all(file, bytes, begun) ||
      ::renameat(folder.get(), begun.c_str(), folder.get(), name.c_str()) != 0)
    ::unlinkat(folder.get(), begun.c_str(), 0);
}

/// Files of the first form, one a case.
void remove_first_form(const fs::path& folder) {
  std::error_code ec;
  std::vector<fs::path> old;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    if (parse_id<CaseId>(it->path().filename().string())) old.push_back(it->path());
  for (const fs::path& path : old) fs::remove(path, ec);
}

Bytes encode_pack(const std::map<CaseId, NewCopy>& copies) {
  size_t size = kPackHead + copies.size() * kEntryBytes;
  std::map<CaseId, std::array<uint64_t, kParts>> offsets;
  for (size_t part = 0; part < kParts; ++part)
    for (const auto& [id, copy] : copies) {
      offsets[id][part] = size;
      size += copy.parts[part].size();
    }
  Bytes out(kPackMagic);
  out.reserve(size);
  char number[8];
  const auto append = [&](uint64_t value) {
    store_le(number, value);
    out.append(number, sizeof number);
  };
  append(copies.size());
  for (const auto& [id, copy] : copies) {
    out += id.view();
    out += view(copy.about);
    for (size_t part = 0; part < kParts; ++part) {
      append(offsets[id][part]);
      append(copy.parts[part].size());
    }
  }
  for (size_t part = 0; part < kParts; ++part)
    for (const auto& [id, copy] : copies) out += copy.parts[part];
  return out;
}

}  // namespace

KeptPacks::Pack KeptPacks::open_pack(const fs::path& store, size_t number) {
  Pack out;
  if (!folder_of(store)) return out;
  auto file = Fd::open(store / "kept" / pack_name(number), O_RDONLY);
  if (!file) return out;
  struct stat info {};
  const auto head = read_at(*file, 0, kPackHead);
  if (!head || !head->starts_with(kPackMagic) || ::fstat(file->get(), &info) != 0) return out;
  const auto count = load_le<uint64_t>(head->data() + kPackMagic.size());
  const auto size = static_cast<uint64_t>(info.st_size);
  if (count > kMostEntries || kPackHead + count * kEntryBytes > size) return out;
  const auto index = read_at(*file, kPackHead, count * kEntryBytes);
  if (!index) return out;
  for (uint64_t i = 0; i < count; ++i) {
    const char* at = index->data() + i * kEntryBytes;
    Entry one;
    one.id = *id_from_bytes<CaseId>({at, 16});
    std::memcpy(one.about.data(), at + 16, one.about.size());
    bool fits = true;
    for (size_t part = 0; part < kParts; ++part) {
      const char* place = at + 16 + sizeof(Digest) + 16 * part;
      one.parts[part] = {load_le<uint64_t>(place), load_le<uint64_t>(place + 8)};
      const auto& [offset, bytes] = one.parts[part];
      fits = fits && bytes <= kMostPartBytes && offset <= size && bytes <= size - offset;
    }
    if (fits) out.entries.push_back(one);
  }
  std::ranges::sort(out.entries, {}, &Entry::id);
  out.file = std::move(*file);
  return out;
}

KeptPacks KeptPacks::open(const fs::path& store) {
  KeptPacks out;
  out.packs_.resize(kPacks);
  for_each_index(kPacks, [&](size_t i) { out.packs_[i] = open_pack(store, i); });
  return out;
}

const KeptPacks::Entry* KeptPacks::find(CaseId id) const {
  const auto& entries = packs_[pack_of(id)].entries;
  const auto at = std::ranges::lower_bound(entries, id, {}, &Entry::id);
  return at == entries.end() || at->id != id ? nullptr : &*at;
}

std::optional<Bytes> KeptPacks::read_part(const Pack& pack, const Entry& entry, size_t part) {
  return read_at(pack.file, entry.parts[part].first, entry.parts[part].second);
}

std::optional<Bytes> KeptPacks::read(const Entry& entry, analytics::facts::KeptPart part) const {
  return read_part(packs_[pack_of(entry.id)], entry, static_cast<size_t>(part));
}

void KeptPacks::put(const fs::path& store, std::map<CaseId, NewCopy> copies,
                    const std::vector<CaseId>& gone) {
  std::erase_if(copies, [](const auto& one) {
    return std::ranges::any_of(one.second.parts,
                               [](const Bytes& part) { return part.size() > kMostPartBytes; });
  });
  const fs::path folder = store / "kept";
  const auto into = made_folder(store);
  if (!into) return;
  remove_first_form(folder);
  std::array<std::map<CaseId, NewCopy>, kPacks> of_pack;
  for (auto& [id, copy] : copies) of_pack[pack_of(id)].emplace(id, std::move(copy));
  std::set<size_t> changed;
  for (size_t i = 0; i < kPacks; ++i)
    if (!of_pack[i].empty()) changed.insert(i);
  for (const CaseId id : gone) changed.insert(pack_of(id));
  for (const size_t i : changed) {
    const Pack before = open_pack(store, i);
    for (const Entry& entry : before.entries) {
      if (std::ranges::find(gone, entry.id) != gone.end()) continue;
      const auto [at, fresh] = of_pack[i].try_emplace(entry.id);
      if (!fresh) continue;
      at->second.about = entry.about;
      bool whole = true;
      for (size_t part = 0; part < kParts; ++part) {
        auto bytes = read_part(before, entry, part);
        whole = whole && bytes;
        if (bytes) at->second.parts[part] = *std::move(bytes);
      }
      if (!whole) of_pack[i].erase(at);
    }
    write_pack(*into, pack_name(i), encode_pack(of_pack[i]));
  }
}

}  // namespace casebox::tools
