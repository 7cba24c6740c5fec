#include "proto/keyring/internal/trail.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

namespace casebox::keyring::internal {

namespace fs = std::filesystem;

namespace {

constexpr BytesView kMagic{"CBaudit\x02", 8};
constexpr BytesView kHeadMagic{"CBhead\0\x01", 8};
constexpr size_t kSlotBytes = 128;  // within one sector, so that a power cut leaves old or new
constexpr size_t kSlotApart = 512;
constexpr size_t kHeadBytes = 2 * kSlotApart;
constexpr size_t kMacBytes = 32;
constexpr uint32_t kMaxRecord = 1 << 20;
constexpr size_t kMaxTrail = size_t{1} << 32;
constexpr char kOfRecord = 1, kOfHead = 2;  // what a MAC is of

Error trail_damaged(const fs::path& path, const std::string& what) {
  return {Code::kCorrupt, path.string() + ": " + what +
                              "; nothing is opened until the keystore is restored from its backup, "
                              "or the trail set aside with `casebox keys audit --accept-damage`"};
}

bool trail_there(const fs::path& path) {
  std::error_code ec;
  return fs::exists(path, ec);
}

/// The bytes of `path` from `from` on.
Result<Bytes> read_from(const Fd& fd, const fs::path& path, uint64_t from, uint64_t size) {
  Bytes out(size - from, '\0');
  for (size_t done = 0; done < out.size();) {
    const ssize_t n =
        ::pread(fd.get(), out.data() + done, out.size() - done, static_cast<off_t>(from + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return errno_error(path, "read", n < 0 ? errno : EIO);
    done += static_cast<size_t>(n);
  }
  return out;
}

Result<void> write_at(const Fd& fd, BytesView bytes, uint64_t at, const fs::path& path) {
  if (::lseek(fd.get(), static_cast<off_t>(at), SEEK_SET) < 0)
    return errno_error(path, "seek", errno);
  CASEBOX_CHECK(write_all(fd, bytes, path));
  if (::fdatasync(fd.get()) != 0) return errno_error(path, "fdatasync", errno);
  return ok();
}

}  // namespace

Result<std::vector<v1::AuditRecord>> read_first_form(BytesView bytes, const std::string& where,
                                                     size_t* whole) {
  std::vector<v1::AuditRecord> records;
  Digest previous{};
  *whole = 0;
  while (bytes.size() - *whole >= 4) {
    const auto size = load_le<uint32_t>(bytes.data() + *whole);
    if (size > kMaxRecord)
      return trail_damaged(where, "record " + std::to_string(records.size() + 1) + " was edited");
    if (bytes.size() - *whole - 4 < size) break;  // torn by a crash: nothing was handed out for it
    const BytesView one = bytes.substr(*whole + 4, size);
    v1::AuditRecord record;
    if (!record.ParseFromArray(one.data(), static_cast<int>(one.size())) ||
        record.previous() != view(previous))
      return trail_damaged(where,
                           "record " + std::to_string(records.size() + 1) +
                               " does not follow from those before it: the trail was edited");
    previous = seal::sha256(one);
    *whole += 4 + size;
    records.push_back(std::move(record));
  }
  return records;
}

Result<seal::Secret> Trail::mac_key() const {
  return seal::hkdf(*site_key_, {}, "casebox.audit.v1");
}

/// One slot of the head: magic, count, length, last hash, whether it is the second copy that a new
/// head is given, MAC.
std::string Trail::slot(const Head& head, bool copy, const seal::Secret& key) const {
  Bytes out(kHeadMagic);
  char numbers[16];
  store_le(numbers, head.count);
  store_le(numbers + 8, head.bytes);
  out.append(numbers, sizeof numbers);
  out += view(head.last);
  out.push_back(copy ? '\1' : '\0');
  out += view(seal::hmac(key, {BytesView(&kOfHead, 1), out}));
  out.resize(kSlotBytes, '\0');
  return out;
}

Result<Trail::Head> Trail::read_head(const seal::Secret& key, bool* torn_slot) const {
  auto bytes = read_file(head_path(), kHeadBytes);
  if (!bytes && bytes.error().code == Code::kNotFound)
    return trail_damaged(head_path(), trail_there(log_path())
                                          ? "is missing, so nobody can tell how long the trail was"
                                          : "is missing, and the trail with it");
  if (!bytes && bytes.error().code != Code::kInvalidArgument) return std::move(bytes).error();
  if (!bytes || bytes->size() != kHeadBytes) return trail_damaged(head_path(), "was changed");
  std::optional<Head> heads[2];
  bool copy[2] = {false, false};
  for (size_t i = 0; i < 2; ++i) {
    const BytesView text = BytesView(*bytes).substr(i * kSlotApart, kSlotBytes);
    Head head;
    head.count = load_le<uint64_t>(text.data() + 8);
    head.bytes = load_le<uint64_t>(text.data() + 16);
    std::copy_n(text.data() + 24, 32, reinterpret_cast<char*>(head.last.data()));
    copy[i] = text[56] == '\1';
    const bool place = (head.count + (copy[i] ? 1 : 0)) % 2 == i;
    if (place && seal::equal_in_constant_time(text, slot(head, copy[i], key))) heads[i] = head;
  }
  *torn_slot = !heads[0] || !heads[1];
  if (*torn_slot) {
    const size_t left = heads[0] ? 0 : 1;
    // Only a slot that was being written can be torn, and then the other is no copy.
    if (!heads[0] && !heads[1])
      return trail_damaged(head_path(), "does not hold under site.key: one of the two was changed");
    if (copy[left]) return trail_damaged(head_path(), "was changed");
    return *heads[left];
  }
  const size_t newer = heads[1]->count > heads[0]->count || copy[0] ? 1 : 0;
  // They are written in turn; only a head that was just begun has the same one twice.
  const uint64_t gap = heads[newer]->count - heads[1 - newer]->count;
  if (copy[newer] || gap != (copy[1 - newer] ? 0u : 1u))
    return trail_damaged(head_path(), "was put together from older copies");
  return *heads[newer];
}

Result<void> Trail::write_head(const Head& head, const seal::Secret& key) {
  CASEBOX_TRY(const Fd fd, Fd::open(head_path(), O_RDWR));
  CASEBOX_CHECK(write_at(fd, slot(head, false, key), (head.count % 2) * kSlotApart, head_path()));
  known_ = head;
  return ok();
}

Result<Bytes> Trail::entry_of(v1::AuditRecord& record, const Head& behind,
                              const seal::Secret& key) const {
  record.set_sequence(behind.count + 1);
  record.set_previous(Bytes(view(behind.last)));
  const Bytes body = record.SerializeAsString();
  if (body.size() > kMaxRecord)
    return Error{Code::kInvalidArgument,
                 "audit record: it names too many cases; open fewer at once"};
  Bytes entry(4, '\0');
  store_le(entry.data(), static_cast<uint32_t>(body.size()));
  entry += body;
  entry += view(seal::hmac(key, {BytesView(&kOfRecord, 1), body}));
  return entry;
}

Result<void> Trail::begin(std::vector<v1::AuditRecord> records) {
  CASEBOX_TRY(const auto key, mac_key());
  Head head;
  Bytes bytes(kMagic);
  for (v1::AuditRecord& record : records) {
    CASEBOX_TRY(const Bytes entry, entry_of(record, head, key));
    bytes += entry;
    head.last = seal::sha256(BytesView(entry).substr(4, entry.size() - 4 - kMacBytes));
    ++head.count;
  }
  head.bytes = bytes.size();
  Bytes slots(kHeadBytes, '\0');
  for (const bool copy : {false, true})
    slots.replace((head.count + (copy ? 1 : 0)) % 2 * kSlotApart, kSlotBytes,
                  slot(head, copy, key));
  CASEBOX_CHECK(write_file_atomic(log_path(), bytes, kPrivate));
  CASEBOX_CHECK(write_file_atomic(head_path(), slots, kPrivate));
  known_ = {};
  return ok();
}

Result<bool> Trail::make(UtcTime now) {
  if (trail_there(head_path())) return false;
  if (!trail_there(earlier_path()) && trail_there(log_path())) {
    CASEBOX_TRY(const Bytes bytes, read_file(log_path(), kMaxTrail));
    if (!bytes.starts_with(kMagic)) {
      size_t whole = 0;
      CASEBOX_CHECK(read_first_form(bytes, log_path().string(), &whole));
      if (::rename(log_path().c_str(), earlier_path().c_str()) != 0)
        return errno_error(earlier_path(), "rename", errno);
      CASEBOX_CHECK(sync_directory(dir_));
    }
  }
  if (!trail_there(earlier_path())) {
    CASEBOX_CHECK(begin({}));
    return false;
  }
  CASEBOX_TRY(const Bytes bytes, read_file(earlier_path(), kMaxTrail));
  size_t whole = 0;
  CASEBOX_TRY(const auto records, read_first_form(bytes, earlier_path().string(), &whole));
  v1::AuditRecord first;
  first.set_utc_ns(static_cast<uint64_t>(now.ns));
  first.set_purpose("upgrade");
  first.set_allowed(true);
  first.mutable_earlier()->set_sha256(Bytes(view(seal::sha256(bytes))));
  first.mutable_earlier()->set_records(records.size());
  CASEBOX_CHECK(begin({first}));
  return true;
}

Result<std::vector<v1::AuditRecord>> Trail::read_earlier(const v1::AuditRecord& first) const {
  if (!first.has_earlier()) return std::vector<v1::AuditRecord>{};
  auto bytes = read_file(earlier_path(), kMaxTrail);
  if (!bytes && bytes.error().code == Code::kNotFound)
    return trail_damaged(earlier_path(), "is missing; it held the " +
                                             std::to_string(first.earlier().records()) +
                                             " openings before this trail");
  if (!bytes) return std::move(bytes).error();
  if (first.earlier().sha256() != view(seal::sha256(*bytes)))
    return trail_damaged(earlier_path(), "was edited or cut");
  size_t whole = 0;
  return read_first_form(*bytes, earlier_path().string(), &whole);
}

/// Takes the record at `bytes`' begin; empty if there is no whole one that holds.
std::optional<v1::AuditRecord> Trail::take(BytesView bytes, Head* at, const seal::Secret& key,
                                           std::string* why) const {
  const std::string which = "record " + std::to_string(at->count + 1);
  *why = which + " is not whole";
  if (bytes.size() < 4) return {};
  const auto size = load_le<uint32_t>(bytes.data());
  if (size > kMaxRecord || bytes.size() - 4 < size + kMacBytes) return {};
  const BytesView body = bytes.substr(4, size), mac = bytes.substr(4 + size, kMacBytes);
  v1::AuditRecord record;
  *why = which + " was edited";
  if (!seal::equal_in_constant_time(mac, view(seal::hmac(key, {BytesView(&kOfRecord, 1), body}))) ||
      !record.ParseFromArray(body.data(), static_cast<int>(body.size())))
    return {};
  *why = which + " is another one than stood there: the trail was rewritten";
  if (record.sequence() != at->count + 1 || record.previous() != view(at->last)) return {};
  at->last = seal::sha256(body);
  at->bytes += 4 + size + kMacBytes;
  ++at->count;
  return record;
}

Result<void> Trail::catch_up(std::vector<v1::AuditRecord>* all) {
  CASEBOX_TRY(const auto key, mac_key());
  bool torn_slot = false;
  CASEBOX_TRY(const Head head, read_head(key, &torn_slot));
  auto opened = Fd::open(log_path(), O_RDWR);
  if (!opened && opened.error().code == Code::kNotFound)
    return trail_damaged(log_path(),
                         "is missing; it held " + std::to_string(head.count) + " records");
  if (!opened) return std::move(opened).error();
  const Fd& fd = *opened;
  const off_t end = ::lseek(fd.get(), 0, SEEK_END);
  if (end < 0) return errno_error(log_path(), "seek", errno);
  const auto size = static_cast<uint64_t>(end);
  if (head.count < known_.count)
    return trail_damaged(head_path(), "was put back from an older copy");
  if (size < known_.bytes || size < kMagic.size() || size > kMaxTrail)
    return trail_damaged(log_path(), "was cut; it held " + std::to_string(head.count) + " records");
  CASEBOX_TRY(const Bytes read, read_from(fd, log_path(), known_.bytes, size));
  BytesView bytes = read;
  Head at = known_;
  if (at.bytes == 0) {
    if (!bytes.starts_with(kMagic))
      return trail_damaged(log_path(), "was edited: it does not begin as one");
    at.bytes = kMagic.size();
    bytes.remove_prefix(kMagic.size());
  }
  std::string why;
  const auto next = [&]() -> std::optional<v1::AuditRecord> {
    const uint64_t before = at.bytes;
    auto record = take(bytes, &at, key, &why);
    if (record) bytes.remove_prefix(at.bytes - before);
    return record;
  };
  while (at.count < head.count) {
    auto record = next();
    if (!record && size < head.bytes)
      return trail_damaged(log_path(), "was cut: " + std::to_string(at.count) + " of " +
                                           std::to_string(head.count) + " records are left");
    if (!record) return trail_damaged(log_path(), why);
    if (at.count == 1) {
      CASEBOX_TRY(auto earlier, read_earlier(*record));
      if (all != nullptr) std::ranges::move(earlier, std::back_inserter(*all));
    }
    if (all != nullptr) all->push_back(*std::move(record));
  }
  if (at.bytes != head.bytes || at.last != head.last)
    return trail_damaged(log_path(), "was rewritten: its records are not those of " +
                                         head_path().filename().string());
  known_ = head;
  return take_in_tail(fd, bytes, torn_slot, key, all);
}

/// What stands behind the head: a record that a crash kept from it, or part of one.
Result<void> Trail::take_in_tail(const Fd& fd, BytesView tail, bool torn_slot,
                                 const seal::Secret& key, std::vector<v1::AuditRecord>* all) {
  Head at = known_;
  std::string why;
  auto record = take(tail, &at, key, &why);
  if (!record && torn_slot)
    return trail_damaged(head_path(), "was changed, or the newest record was cut off");
  if (record) {
    tail.remove_prefix(at.bytes - known_.bytes);
    Head more = at;
    if (take(tail, &more, key, &why))
      return trail_damaged(head_path(), "was put back from an older copy");
    CASEBOX_CHECK(write_head(at, key));
    if (all != nullptr) all->push_back(*std::move(record));
  }
  if (tail.empty()) return ok();
  // Set aside rather than cut off: it is most likely half a record, but nobody knows.
  CASEBOX_TRY(const Fd aside,
              Fd::open(dir_ / "audit.torn", O_WRONLY | O_CREAT | O_APPEND, kPrivate));
  CASEBOX_CHECK(write_all(aside, tail, dir_ / "audit.torn"));
  if (::fsync(aside.get()) != 0) return errno_error(dir_ / "audit.torn", "fsync", errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(known_.bytes)) != 0)
    return errno_error(log_path(), "truncate", errno);
  notes_.push_back(log_path().string() + ": " + std::to_string(tail.size()) +
                   " bytes behind its last record are no record, as a crash leaves them; they are "
                   "in audit.torn now, and nothing had been opened for them");
  return ok();
}

Result<void> Trail::append(v1::AuditRecord record) {
  CASEBOX_CHECK(catch_up(nullptr));
  CASEBOX_TRY(const auto key, mac_key());
  CASEBOX_TRY(const Bytes entry, entry_of(record, known_, key));
  Head head = known_;
  head.last = seal::sha256(BytesView(entry).substr(4, entry.size() - 4 - kMacBytes));
  head.bytes += entry.size();
  ++head.count;
  CASEBOX_TRY(const Fd fd, Fd::open(log_path(), O_RDWR));
  CASEBOX_CHECK(write_at(fd, entry, known_.bytes, log_path()));
  return write_head(head, key);
}

Result<std::vector<v1::AuditRecord>> Trail::read() {
  known_ = {};
  std::vector<v1::AuditRecord> all;
  CASEBOX_CHECK(catch_up(&all));
  return all;
}

Result<std::string> Trail::accept_damage(v1::AuditRecord first, UtcTime now) {
  auto whole = read();
  if (whole)
    return Error{Code::kInvalidArgument, log_path().string() +
                                             ": the trail is whole; there is no "
                                             "damage to accept"};
  if (whole.error().code != Code::kCorrupt) return std::move(whole).error();
  std::string what = whole.error().message.substr(0, whole.error().message.find("; nothing is"));
  what = fs::path(what).filename().string();
  for (const fs::path& path : {log_path(), head_path(), earlier_path()}) {
    const fs::path aside = path.string() + ".damaged-" + std::to_string(now.ns);
    if (trail_there(path) && ::rename(path.c_str(), aside.c_str()) != 0)
      return errno_error(aside, "rename", errno);
  }
  CASEBOX_CHECK(sync_directory(dir_));
  first.set_reason(what);
  CASEBOX_CHECK(begin({first}));
  return what;
}

}  // namespace casebox::keyring::internal
