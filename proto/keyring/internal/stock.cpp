#include "proto/keyring/internal/stock.h"

#include <unistd.h>

#include <cerrno>

#include "proto/keyring/internal/folder.h"

namespace casebox::keyring::internal {

namespace fs = std::filesystem;

namespace {

Result<std::vector<std::string>> names_of(const fs::path& dir) {
  CASEBOX_TRY(auto names, names_in(dir / "stock", ".pub"));
  std::erase_if(names, [](const std::string& name) { return name.size() != 64; });
  return names;
}

}  // namespace

Result<size_t> stock_size(const fs::path& dir) {
  CASEBOX_TRY(const auto names, names_of(dir));
  return names.size();
}

Result<void> put_in_stock(const fs::path& dir, const std::string& name) {
  return write_file_atomic(dir / "stock" / (name + ".pub"), name + "\n", kPrivate);
}

Result<CaseKey> take_from_stock(const fs::path& dir, const std::string& how_to_refill) {
  CASEBOX_TRY(const auto names, names_of(dir));
  CaseKey taken;
  std::string name;
  if (!names.empty()) {
    name = names.front();
    taken.left = names.size() - 1;
    const fs::path file = dir / "stock" / (name + ".pub");
    CASEBOX_CHECK(write_file_atomic(dir / "last.pub", name + "\n", kPrivate));
    if (::unlink(file.c_str()) != 0) return errno_error(file, "unlink", errno);
    CASEBOX_CHECK(sync_directory(dir / "stock"));
  } else {
    auto last = read_file(dir / "last.pub", 256);
    if (!last)
      return Error{
          Code::kNotFound,
          dir.string() + ": no case key in stock and none was ever taken; " + how_to_refill};
    name = last->substr(0, 64);
    taken.reused = true;
  }
  CASEBOX_TRY(const Bytes raw, from_hex(name));
  CASEBOX_TRY(taken.public_key, to_digest(raw));
  return taken;
}

}  // namespace casebox::keyring::internal
