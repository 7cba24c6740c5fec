// RocksDB's checkpoint needs the writer's own process. From outside: open every file of the
// database that is there, note how long those are that grow (the manifest first, then the log,
// which is never behind it), and look whether the list is still the same; then nothing that the
// manifest names was missed, and what is open stays readable whatever the writer deletes.
#include "storage/backup.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "proto/base/file.h"
#include "proto/seal/seal.h"
#include "storage/internal/files.h"
#include "storage/internal/shard_impl.h"
#include "storage/internal/wal.h"

namespace casebox::storage {
namespace {

namespace fs = std::filesystem;

constexpr const char* kList = "backup.list";
constexpr size_t kPiece = size_t{1} << 20;
constexpr int kTries = 50;

struct Source {
  fs::path name;  // below the folder
  Fd fd;
  uint64_t size = 0;
};

class Copy {
 public:
  Copy(fs::path to, const CopyProgress& progress) : to_(std::move(to)), progress_(progress) {}

  /// The first `size` bytes of an open file.
  Result<Digest> file(const Fd& from, const fs::path& source, uint64_t size, const fs::path& name) {
    const fs::path to = to_ / name;
    CASEBOX_CHECK(make_folders(to.parent_path()));
    CASEBOX_TRY(const Fd out, Fd::open(to, O_WRONLY | O_CREAT | O_EXCL, 0600));
    seal::Sha256 hash;
    Bytes piece(std::min<uint64_t>(kPiece, size), '\0');
    for (uint64_t done = 0; done < size;) {
      const auto n =
          ::pread(from.get(), piece.data(), std::min<uint64_t>(piece.size(), size - done),
                  static_cast<off_t>(done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error(source, "reading", errno);
      if (n == 0)
        return Error{Code::kCorrupt,
                     source.string() + ": is shorter than what was committed to it"};
      const auto bytes = BytesView(piece).substr(0, static_cast<size_t>(n));
      CASEBOX_CHECK(write_all(out, bytes, to));
      hash.update(bytes);
      done += bytes.size();
      total.bytes += bytes.size();
      progress_(total.bytes);
    }
    if (::fdatasync(out.get()) != 0) return errno_error(to, "syncing", errno);
    ++total.files;
    return hash.finish();
  }

  Result<void> add(const Fd& from, const fs::path& source, uint64_t size, const fs::path& name) {
    CASEBOX_TRY(const Digest digest, file(from, source, size, name));
    list_[name.string()] = {size, to_hex(digest)};
    return ok();
  }

  Result<void> add(const fs::path& source, std::optional<uint64_t> size, const fs::path& name) {
    CASEBOX_TRY(const Fd fd, Fd::open(source, O_RDONLY));
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return errno_error(source, "looking at", errno);
    return add(fd, source, size.value_or(static_cast<uint64_t>(info.st_size)), name);
  }

  /// A file that was made at the target.
  Result<void> made(const fs::path& name) {
    CASEBOX_TRY(const Bytes bytes, read_file(to_ / name, SIZE_MAX));
    const bool fresh =
        list_.insert_or_assign(name.string(), std::pair(bytes.size(), to_hex(seal::sha256(bytes))))
            .second;
    if (fresh) ++total.files;
    return ok();
  }

  Result<void> finish() {
    std::string text;
    for (const auto& [name, entry] : list_)
      text += entry.second + " " + std::to_string(entry.first) + " " + name + "\n";
    text += "end " + to_hex(seal::sha256(text)) + "\n";
    return write_file_atomic(to_ / kList, text, 0600);
  }

  Copied total;

 private:
  fs::path to_;
  const CopyProgress& progress_;
  std::map<std::string, std::pair<uint64_t, std::string>> list_;
};

bool of_database(const fs::path& name) {
  const std::string text = name.string();
  return text == "CURRENT" || text == "IDENTITY" || text.starts_with("MANIFEST-") ||
         text.starts_with("OPTIONS-") || name.extension() == ".sst" || name.extension() == ".log";
}

std::set<fs::path> names(const fs::path& folder) {
  std::set<fs::path> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec))
    if (of_database(entry.path().filename())) out.insert(entry.path().filename());
  return out;
}

Result<std::vector<Source>> hold_database(const fs::path& folder) {
  for (int tries = 0; tries < kTries; ++tries) {
    if (tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto before = names(folder);
    auto current = read_file(folder / "CURRENT", 4096);
    if (!current) continue;
    std::vector<Source> held;
    for (const fs::path& name : before) {
      auto fd = Fd::open(folder / name, O_RDONLY);
      if (!fd && fd.error().code != Code::kNotFound) return fd.error();
      if (!fd) break;
      held.push_back({name, std::move(*fd), 0});
    }
    if (held.size() != before.size()) continue;
    std::stable_sort(held.begin(), held.end(), [](const Source& a, const Source& b) {
      return (a.name.extension() == ".log") < (b.name.extension() == ".log");
    });
    for (Source& source : held) {
      struct stat info {};
      if (::fstat(source.fd.get(), &info) != 0)
        return errno_error(source.name, "looking at", errno);
      source.size = static_cast<uint64_t>(info.st_size);
    }
    const auto again = read_file(folder / "CURRENT", 4096);
    if (again && *again == *current && names(folder) == before) return held;
  }
  return Error{Code::kUnavailable,
               folder.string() + ": changes faster than it can be listed; try again"};
}

Result<void> copy_shard(const fs::path& store, const fs::path& out, const fs::path& shard,
                        const Options& options, Copy& copy) {
  const fs::path from = store / shard, to = out / shard;
  // Before the database: it is never behind this file.
  CASEBOX_TRY(const auto mark, CommitFile::read(from / "commits"));
  CASEBOX_TRY(auto held, hold_database(from / "db"));
  std::vector<fs::path> logs;
  for (const Source& source : held) {
    const fs::path name = shard / "db" / source.name;
    if (source.name.extension() == ".log") logs.push_back(name);
    CASEBOX_CHECK(copy.add(source.fd, from / "db" / source.name, source.size, name));
  }
  held.clear();
  CASEBOX_TRY(const auto checked, check_wal(to / "db"));
  for (const WalFile& file : checked) {
    if (file.damage.empty()) continue;
    const auto name = file.path.filename().string();
    if (!file.tail)
      return Error{Code::kCorrupt,
                   (from / "db" / name).string() + ": has " + file.damage +
                       "; run casebox ingest, which reads again what is behind it, then back up"};
    std::error_code ec;
    fs::resize_file(file.path, file.whole, ec);  // the writer was in the middle of a commit
    CASEBOX_CHECK(copy.made(shard / "db" / name));
  }
  CASEBOX_TRY(auto db, Database::open(to, options));
  CASEBOX_TRY(const auto at, read_commit(*db));
  const uint64_t here = at ? at->counter : 0;
  if (mark && here < mark->counter)
    return Error{Code::kCorrupt, from.string() + ": the store lost its newest " +
                                     std::to_string(mark->counter - here) +
                                     " commits; run casebox ingest, then back up"};
  if (at) {
    const uint64_t count = at->ledger_records, last = at->ledger.size() / kLedgerRecordSize;
    Bytes ledger;
    if (count > last)
      CASEBOX_CHECK(read_ledger(from / "ledger", 0, count - last, true, [&](BytesView record) {
        ledger += record;
        return ok();
      }));
    ledger += at->ledger;
    if (!ledger.empty()) {
      CASEBOX_CHECK(append_ledger(to / "ledger", 0, ledger, true));
      CASEBOX_CHECK(copy.made(shard / "ledger"));
    }
    CASEBOX_TRY(auto commits, CommitFile::lock(to / "commits", std::chrono::seconds(1)));
    CASEBOX_CHECK(commits->write({0, here, count, at->ledger_head, false, false}, true));
    CASEBOX_CHECK(copy.made(shard / "commits"));
  }
  copy.total.commits += here;
  CASEBOX_CHECK(db->each(Family::kCase, {}, {}, [&](BytesView, BytesView) {
    ++copy.total.cases;
    return ok();
  }));
  return db->each(Family::kSegment, {}, {}, [&](BytesView key, BytesView value) -> Result<void> {
    if (key.size() != 24 || value.size() != 8)
      return Error{Code::kCorrupt, from.string() + ": segment row is damaged; restore a backup"};
    CASEBOX_TRY(const auto id, id_from_bytes<CaseId>(key.substr(0, 16)));
    const auto path = segment_path("media", id, StreamId{load_be<uint32_t>(key.data() + 16)},
                                   load_be<uint32_t>(key.data() + 20));
    return copy.add(from / path, load_be<uint64_t>(value.data()), shard / path);
  });
}

/// The logs below a store: what says how far they are durable before the logs themselves.
Result<void> copy_logs(const fs::path& store, Copy& copy) {
  std::vector<fs::path> files;
  std::error_code ec;
  for (auto it = fs::recursive_directory_iterator(store / "logs", ec);
       !ec && it != fs::recursive_directory_iterator(); it.increment(ec))
    if (it->is_regular_file(ec)) files.push_back(it->path());
  std::sort(files.begin(), files.end());
  std::stable_sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return (a.extension() == ".cblog") < (b.extension() == ".cblog");
  });
  for (const fs::path& file : files) {
    auto done = copy.add(file, std::nullopt, file.lexically_relative(store));
    if (!done && done.error().code != Code::kNotFound) return done;
  }
  return ok();
}

Result<void> new_folder(const fs::path& dir) {
  std::error_code ec;
  if (fs::exists(dir, ec) && !fs::is_empty(dir, ec))
    return Error{Code::kAlreadyExists, dir.string() + ": is there already; name a new folder"};
  return make_folders(dir);
}

void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Result<Copied> backup_store(const fs::path& store, const fs::path& out,
                            const CopyProgress& progress) {
  if (!is_store(store))
    return Error{Code::kNotFound,
                 store.string() + ": not a store; give the folder that holds store.json"};
  std::error_code inside_ec;
  const fs::path there = fs::weakly_canonical(out, inside_ec);
  const fs::path inside = there.lexically_relative(fs::weakly_canonical(store, inside_ec));
  if (!inside_ec && !inside.empty() && *inside.begin() != "..")
    return Error{Code::kInvalidArgument,
                 out.string() + ": lies in the store itself; name a folder outside it"};
  CASEBOX_CHECK(new_folder(out));
  allow_many_files();
  Options options;
  options.read_only = true;
  Copy copy(out, progress);
  // The first shard first: it holds the offsets, which must not be ahead of another shard's rows.
  std::vector<uint32_t> shards;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(store / "shards", ec))
    shards.push_back(
        static_cast<uint32_t>(std::strtoul(entry.path().filename().c_str(), nullptr, 10)));
  std::sort(shards.begin(), shards.end());
  for (uint32_t shard : shards)
    CASEBOX_CHECK(
        copy_shard(store, out, fs::path("shards") / std::to_string(shard), options, copy));
  CASEBOX_CHECK(copy_logs(store, copy));
  // What readers found of its cases goes along: the copy is no better.
  for (const auto& entry : fs::directory_iterator(store / "found", ec))
    if (entry.is_regular_file(ec))
      CASEBOX_CHECK(
          copy.add(entry.path(), std::nullopt, fs::path("found") / entry.path().filename()));
  CASEBOX_CHECK(copy.add(store / "store.json", std::nullopt, "store.json"));
  CASEBOX_CHECK(copy.finish());
  return copy.total;
}

Result<Copied> restore_store(const fs::path& backup, const fs::path& store,
                             const CopyProgress& progress) {
  const fs::path list = backup / kList;
  auto text = read_file(list);
  if (!text && text.error().code == Code::kNotFound)
    return Error{Code::kNotFound, list.string() +
                                      ": is missing, so this is no whole backup; give the folder "
                                      "that casebox backup wrote to its end"};
  if (!text) return text.error();
  const auto end = text->rfind("end ");
  if (end == std::string::npos ||
      text->substr(end) != "end " + to_hex(seal::sha256(BytesView(*text).substr(0, end))) + "\n")
    return Error{Code::kCorrupt, list.string() + ": is damaged; take another backup"};
  CASEBOX_CHECK(new_folder(store));
  Copy copy(store, progress);
  std::istringstream lines(text->substr(0, end));
  std::string digest, name;
  uint64_t size = 0;
  while (lines >> digest >> size && std::getline(lines >> std::ws, name)) {
    const fs::path path = fs::path(name).lexically_normal();
    if (path.is_absolute() || name.find("..") != std::string::npos)
      return Error{Code::kCorrupt, list.string() + ": names a file outside; take another backup"};
    CASEBOX_TRY(const Fd fd, Fd::open(backup / path, O_RDONLY));
    CASEBOX_TRY(const Digest found, copy.file(fd, backup / path, size, path));
    if (to_hex(found) != digest)
      return Error{Code::kCorrupt,
                   (backup / path).string() + ": is not what was backed up; take another backup"};
  }
  Options options;
  options.read_only = true;
  CASEBOX_TRY(const auto opened, Store::open(store, options));
  CASEBOX_TRY(const auto cases, opened->cases());
  copy.total.cases = cases.size();
  for (uint32_t i = 0; i < opened->shards(); ++i) copy.total.commits += opened->shard(i).commits();
  return copy.total;
}

}  // namespace casebox::storage
