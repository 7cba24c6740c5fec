#include "recorder/sources/internal/gzip_reader.h"

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace casebox::recorder::internal {
namespace {

/// More than any recording of days; a bomb of zeros stops here.
constexpr uint64_t kMaxOutput = uint64_t{16} << 30;

}  // namespace

struct GzipReader::Impl {
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Closer> file;
  Bytes memory;
  size_t taken = 0;  // of memory
  std::array<unsigned char, 64 << 10> in;
  z_stream z{};
  uint64_t consumed = 0;  // bytes handed to inflate
  bool ended = false;     // a whole member was read and nothing follows
};

GzipReader::GzipReader() : impl_(std::make_unique<Impl>()) {
  inflateInit2(&impl_->z, 15 + 16);  // cannot fail but for memory
}

GzipReader::~GzipReader() { inflateEnd(&impl_->z); }

Result<std::unique_ptr<GzipReader>> GzipReader::open(const std::string& file) {
  std::unique_ptr<GzipReader> reader(new GzipReader);
  reader->impl_->file.reset(std::fopen(file.c_str(), "rb"));
  if (!reader->impl_->file)
    return Error{errno == ENOENT ? Code::kNotFound : Code::kIo,
                 file + ": " + std::strerror(errno) + "; check the path"};
  unsigned char magic[2] = {};
  if (std::fread(magic, 1, 2, reader->impl_->file.get()) != 2 || magic[0] != 0x1f ||
      magic[1] != 0x8b)
    return Error{Code::kInvalidArgument, file + ":0: not a gzip file; is this a .vital file?"};
  std::rewind(reader->impl_->file.get());
  return reader;
}

std::unique_ptr<GzipReader> GzipReader::over(Bytes bytes) {
  std::unique_ptr<GzipReader> reader(new GzipReader);
  reader->impl_->memory = std::move(bytes);
  return reader;
}

bool GzipReader::refill() {
  Impl& impl = *impl_;
  size_t n = 0;
  if (impl.file) {
    n = std::fread(impl.in.data(), 1, impl.in.size(), impl.file.get());
  } else {
    n = std::min(impl.in.size(), impl.memory.size() - impl.taken);
    std::memcpy(impl.in.data(), impl.memory.data() + impl.taken, n);
    impl.taken += n;
  }
  impl.z.next_in = impl.in.data();
  impl.z.avail_in = static_cast<uInt>(n);
  impl.consumed += n;
  return n > 0;
}

void GzipReader::read(size_t size, Bytes& out) {
  Impl& impl = *impl_;
  out.clear();
  if (!trouble_.empty() || impl.ended) return;
  std::array<char, 64 << 10> piece;
  while (out.size() < size) {
    if (impl.z.avail_in == 0 && !refill()) {
      trouble_ = "the file ends early";
      return;
    }
    const size_t want = std::min(piece.size(), size - out.size());
    impl.z.next_out = reinterpret_cast<Bytef*>(piece.data());
    impl.z.avail_out = static_cast<uInt>(want);
    const int said = inflate(&impl.z, Z_NO_FLUSH);
    const size_t got = want - impl.z.avail_out;
    out.append(piece.data(), got);
    produced_ += got;
    if (produced_ > kMaxOutput) {
      trouble_ = "more than 16 GiB unpacked";
      return;
    }
    if (said == Z_STREAM_END) {
      // Files may be several members behind one another.
      if (impl.z.avail_in == 0 && !refill()) {
        impl.ended = true;
        return;
      }
      inflateReset(&impl.z);
    } else if (said != Z_OK && said != Z_BUF_ERROR) {
      trouble_ = "damaged: the compressed data does not hold together";
      return;
    }
  }
}

uint64_t GzipReader::file_offset() const { return impl_->consumed - impl_->z.avail_in; }

}  // namespace casebox::recorder::internal
