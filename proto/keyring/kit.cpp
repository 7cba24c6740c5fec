#include "proto/keyring/kit.h"

#include <unistd.h>

#include <cerrno>
#include <map>
#include <sstream>
#include <utility>

#include "proto/keyring/internal/folder.h"
#include "proto/keyring/internal/stock.h"

namespace casebox::keyring {

namespace fs = std::filesystem;
using internal::kPrivate;
using internal::lock_folder;

namespace {

constexpr const char* kFirstLine = "casebox recorder kit 1";

Result<trust::PublicKey> key_of(const std::string& hex, const fs::path& path) {
  const auto raw = from_hex(hex);
  const auto key = raw ? to_digest(*raw) : Result<Digest>(raw.error());
  if (!key)
    return Error{Code::kCorrupt, path.string() +
                                     ": a key in it is not 64 hex digits; have the kit "
                                     "made anew (casebox keys kit)"};
  return *key;
}

std::string text_of(const KitOptions& options, const trust::PublicKey& own,
                    const trust::PublicKey& site) {
  return std::string(kFirstLine) + "\nrecorder: " + options.recorder + "\nroom: " + options.room +
         "\nkey: " + to_hex(own) + "\nsite-key: " + to_hex(site) + "\n";
}

}  // namespace

bool Kit::is_kit(const fs::path& dir) {
  std::error_code ec;
  return fs::exists(dir / "kit.txt", ec);
}

Result<std::unique_ptr<Kit>> Kit::open(const fs::path& dir) {
  const fs::path path = dir / "kit.txt";
  auto text = read_file(path, 4096);
  if (!text && text.error().code == Code::kNotFound)
    return Error{Code::kNotFound,
                 dir.string() + ": no recorder's kit here; have one made with `casebox keys kit`"};
  if (!text) return std::move(text).error();
  std::istringstream lines(*text);
  std::string line;
  if (!std::getline(lines, line) || line != kFirstLine)
    return Error{Code::kUnsupported,
                 path.string() + ": not a kit this program knows; have it made anew"};
  std::map<std::string, std::string> fields;
  while (std::getline(lines, line))
    if (const size_t colon = line.find(": "); colon != std::string::npos)
      fields[line.substr(0, colon)] = line.substr(colon + 2);
  std::unique_ptr<Kit> kit(new Kit);
  kit->dir_ = dir;
  kit->recorder_ = fields["recorder"];
  kit->room_ = fields["room"];
  CASEBOX_TRY(kit->public_key_, key_of(fields["key"], path));
  CASEBOX_TRY(kit->site_key_, key_of(fields["site-key"], path));
  CASEBOX_CHECK(kit->signing_key("recorder"));
  if (const auto loose = internal::loose_modes(dir); !loose.empty()) kit->untold_.push_back(loose);

  // Recording goes on without an enrolment, but what it records then waits in quarantine.
  const auto bytes = read_file(dir / "trust.list", trust::kMaxListBytes);
  const auto list = bytes ? trust::TrustList::parse(*bytes, kit->site_key_)
                          : Result<trust::TrustList>(bytes.error());
  if (!list)
    kit->untold_.push_back((dir / "trust.list").string() + ": " + list.error().message);
  else if (list->find(view(kit->public_key_)) == nullptr)
    kit->untold_.push_back(dir.string() +
                           ": the site's list does not know this recorder; what it "
                           "records waits until the site enrols it");
  return kit;
}

Result<void> Kit::make(Keystore& keystore, const fs::path& dir, const KitOptions& options) {
  CASEBOX_TRY(const auto list, keystore.trust());
  CASEBOX_TRY(const Digest site, to_digest(list.message().site_key()));
  std::error_code ec;
  if (is_kit(dir)) {
    CASEBOX_TRY(const auto kit, open(dir));
    if (kit->recorder() != options.recorder || kit->site_key() != site)
      return Error{
          Code::kAlreadyExists,
          dir.string() + ": holds the kit of another recorder or site; name another folder"};
    CASEBOX_TRY(const Fd lock, lock_folder(dir));
    CASEBOX_TRY(const auto names, keystore.make_case_keys(options.stock));
    for (const std::string& name : names) CASEBOX_CHECK(internal::put_in_stock(dir, name));
    CASEBOX_TRY(const Bytes bytes, keystore.signed_trust());
    return write_file_atomic(dir / "trust.list", bytes, kPrivate);
  }
  if (fs::exists(dir, ec) && !fs::is_empty(dir, ec))
    return Error{Code::kAlreadyExists,
                 dir.string() + ": there is something else here; name a folder that is not there"};

  for (const v1::TrustedProducer& known : list.message().producers())
    if (known.name() == options.recorder)
      return Error{Code::kAlreadyExists,
                   "'" + options.recorder +
                       "': a producer of this name is enrolled already; give "
                       "the folder of its kit with --out to refill it, or another name"};
  const auto key = seal::SigningKey::generate();
  v1::TrustedProducer producer;
  producer.set_name(options.recorder);
  producer.set_role(v1::PRODUCER_ROLE_RECORDER);
  producer.set_room(options.room);
  producer.set_key(Bytes(view(key.public_key())));
  const fs::path half = dir.string() + ".half";
  fs::remove_all(half, ec);
  CASEBOX_CHECK(internal::make_private_dir(half));
  CASEBOX_CHECK(internal::make_private_dir(half / "stock"));
  CASEBOX_CHECK(write_file_atomic(half / "recorder.seed", key.seed(), kPrivate));
  CASEBOX_CHECK(
      write_file_atomic(half / "kit.txt", text_of(options, key.public_key(), site), kPrivate));
  CASEBOX_TRY(const auto names, keystore.make_case_keys(options.stock));
  for (const std::string& name : names) CASEBOX_CHECK(internal::put_in_stock(half, name));
  if (auto enrolled = keystore.enrol(producer); !enrolled) {
    fs::remove_all(half, ec);
    return std::move(enrolled).error();
  }
  CASEBOX_TRY(const Bytes bytes, keystore.signed_trust());
  CASEBOX_CHECK(write_file_atomic(half / "trust.list", bytes, kPrivate));
  if (::rename(half.c_str(), dir.c_str()) != 0) return errno_error(dir, "rename", errno);
  return sync_directory(fs::absolute(dir).lexically_normal().parent_path());
}

Result<CaseKey> Kit::take_case_key() {
  std::lock_guard guard(mutex_);
  CASEBOX_TRY(const Fd lock, lock_folder(dir_));
  return internal::take_from_stock(dir_, how_to_refill());
}

Result<seal::SigningKey> Kit::signing_key(const std::string& role) {
  if (role != "recorder")
    return Error{Code::kDenied,
                 dir_.string() + ": a recorder's kit signs recordings and nothing else"};
  const fs::path path = dir_ / "recorder.seed";
  seal::Secret seed;
  CASEBOX_CHECK(internal::read_secret(path, &seed));
  CASEBOX_TRY(auto key, seal::SigningKey::from_seed(seed.view()));
  if (key.public_key() != public_key_)
    return Error{Code::kCorrupt, path.string() +
                                     ": is not the key that kit.txt names; have the kit "
                                     "made anew (casebox keys kit)"};
  return key;
}

std::string Kit::how_to_refill() const {
  return "have the kit refilled at the site: casebox keys kit --recorder " + recorder_ +
         " --out <this folder> --stock 100";
}

void Kit::on_notice(const std::function<void(const std::string&)>& notice) {
  std::lock_guard guard(mutex_);
  for (const std::string& one : std::exchange(untold_, {})) notice(one);
}

}  // namespace casebox::keyring
