#include "analytics/readers/internal/byte_source.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace casebox::analytics::readers::internal {
namespace {

class GzSource final : public ByteSource {
 public:
  GzSource(std::string name, gzFile file, uint64_t limit)
      : ByteSource(std::move(name)), file_(file), left_(limit), limit_(limit) {}
  ~GzSource() override { gzclose(file_); }

  Result<size_t> read(char* into, size_t size) override {
    const int n = gzread(file_, into, static_cast<unsigned>(std::min<size_t>(size, 1 << 20)));
    int code = Z_OK;
    const char* what = gzerror(file_, &code);
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
      return Error{code == Z_ERRNO ? Code::kIo : Code::kInvalidArgument,
                   name() + ": cannot be unpacked: " + what + "; fetch the file again"};
    if (static_cast<uint64_t>(n) > left_)
      return Error{Code::kInvalidArgument,
                   name() + ": larger than " + std::to_string(limit_) + " bytes; split it"};
    left_ -= static_cast<uint64_t>(n);
    return static_cast<size_t>(n);
  }

 private:
  gzFile file_;
  uint64_t left_, limit_;
};

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::string_view bytes, std::string name)
      : ByteSource(std::move(name)), bytes_(bytes) {}

  Result<size_t> read(char* into, size_t size) override {
    const size_t n = std::min(size, bytes_.size());
    std::memcpy(into, bytes_.data(), n);
    bytes_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view bytes_;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> ByteSource::open(const std::filesystem::path& path,
                                                     uint64_t limit) {
  std::error_code ec;
  if (!std::filesystem::exists(path, ec))
    return Error{Code::kNotFound, path.string() + ": no such file; check the path"};
  if (std::filesystem::is_directory(path, ec))
    return Error{Code::kInvalidArgument, path.string() + ": is a folder; name a file"};
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr)
    return Error{Code::kIo, path.string() + ": cannot be opened: " + std::strerror(errno) +
                                "; check its rights"};
  gzbuffer(file, 1 << 18);
  return std::unique_ptr<ByteSource>(new GzSource(path.string(), file, limit));
}

std::unique_ptr<ByteSource> ByteSource::of(std::string_view bytes, std::string name) {
  return std::make_unique<MemorySource>(bytes, std::move(name));
}

Result<std::string> read_all(ByteSource& source) {
  std::string out;
  char buffer[1 << 16];
  for (;;) {
    CASEBOX_TRY(const size_t n, source.read(buffer, sizeof buffer));
    if (n == 0) return out;
    out.append(buffer, n);
  }
}

}  // namespace casebox::analytics::readers::internal
