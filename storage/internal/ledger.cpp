#include "storage/internal/ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "proto/base/file.h"
#include "proto/frame/frame.h"
#include "proto/seal/seal.h"

namespace casebox::storage {
namespace {

constexpr size_t kHeadAt = 80;
constexpr size_t kReadAtOnce = 4096;  // records

Digest head_after(BytesView record, const Digest& previous) {
  const char tag = 0x20;
  return seal::sha256({BytesView(&tag, 1), view(previous), record.substr(4, kHeadAt - 4)});
}

Error damaged(const std::filesystem::path& file, uint64_t number, const char* what) {
  return Error{Code::kCorrupt, file.string() + ": record " + std::to_string(number) + " " + what +
                                   "; restore a backup, or ingest again into a new store"};
}

}  // namespace

Bytes encode_ledger(const LedgerEntry& entry, const Digest& previous) {
  Bytes out(kLedgerRecordSize, '\0');
  char* at = out.data();
  at[4] = entry.closed ? 2 : 1;
  at[5] = static_cast<char>(entry.role);
  store_le(at + 8, entry.number);
  std::memcpy(at + 16, entry.case_id.view().data(), 16);
  store_le(at + 32, entry.epoch.value);
  std::memcpy(at + 40, entry.leaf.data(), entry.leaf.size());
  store_le(at + 72, entry.commit);
  const Digest head = head_after(out, previous);
  std::memcpy(at + kHeadAt, head.data(), head.size());
  store_le(at, frame::crc32c(0, BytesView(out).substr(4)));
  return out;
}

Result<LedgerEntry> parse_ledger(BytesView record) {
  if (record.size() != kLedgerRecordSize ||
      load_le<uint32_t>(record.data()) != frame::crc32c(0, record.substr(4)) ||
      (record[4] != 1 && record[4] != 2))
    return Error{Code::kCorrupt, "ledger record is damaged"};
  LedgerEntry entry;
  entry.closed = record[4] == 2;
  entry.role = static_cast<uint8_t>(record[5]);
  entry.number = load_le<uint64_t>(record.data() + 8);
  CASEBOX_TRY(entry.case_id, id_from_bytes<CaseId>(record.substr(16, 16)));
  entry.epoch.value = load_le<uint64_t>(record.data() + 32);
  std::memcpy(entry.leaf.data(), record.data() + 40, entry.leaf.size());
  entry.commit = load_le<uint64_t>(record.data() + 72);
  return entry;
}

Digest ledger_head(BytesView record) {
  Digest head{};
  std::memcpy(head.data(), record.data() + kHeadAt, head.size());
  return head;
}

bool follows(BytesView record, const Digest& previous) {
  return head_after(record, previous) == ledger_head(record);
}

Result<void> append_ledger(const std::filesystem::path& file, uint64_t at, BytesView records,
                           bool sync) {
  CASEBOX_TRY(const Fd fd, Fd::open(file, O_WRONLY | O_CREAT, 0600));
  if (::lseek(fd.get(), static_cast<off_t>(at * kLedgerRecordSize), SEEK_SET) < 0)
    return errno_error(file, "seeking", errno);
  CASEBOX_CHECK(write_all(fd, records, file));
  if (sync && ::fdatasync(fd.get()) != 0) return errno_error(file, "syncing", errno);
  return at == 0 && sync ? sync_directory(file.parent_path()) : ok();
}

Result<void> read_ledger(const std::filesystem::path& file, uint64_t from, uint64_t count,
                         bool chain, const std::function<Result<void>(BytesView)>& visit) {
  if (from >= count) return ok();
  auto fd = Fd::open(file, O_RDONLY);
  if (!fd && fd.error().code == Code::kNotFound) return damaged(file, from, "is missing");
  if (!fd) return fd.error();
  Digest head{};
  Bytes some;
  for (uint64_t at = from; at < count;) {
    some.resize(std::min<uint64_t>(count - at, kReadAtOnce) * kLedgerRecordSize);
    const auto n =
        ::pread(fd->get(), some.data(), some.size(), static_cast<off_t>(at * kLedgerRecordSize));
    if (n < 0) return errno_error(file, "reading", errno);
    const size_t whole = static_cast<size_t>(n) / kLedgerRecordSize;
    for (size_t i = 0; i < whole; ++i, ++at) {
      const BytesView record = BytesView(some).substr(i * kLedgerRecordSize, kLedgerRecordSize);
      auto entry = parse_ledger(record);
      if (!entry || entry->number != at) return damaged(file, at, "is damaged");
      if (chain && (at > from || from == 0) && !follows(record, head))
        return damaged(file, at, "does not follow the one before");
      head = ledger_head(record);
      CASEBOX_CHECK(visit(record));
    }
    if (whole * kLedgerRecordSize < some.size() && at < count) {
      if (whole == 0 || static_cast<size_t>(n) % kLedgerRecordSize != 0)
        return damaged(file, at, "is missing");
    }
  }
  return ok();
}

}  // namespace casebox::storage
