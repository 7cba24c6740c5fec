#include "tools/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace casebox::tools {
namespace {

Error failed(const std::filesystem::path& path) {
  const int why = errno;
  return Error{why == ENOSPC ? Code::kNoSpace : Code::kIo,
               path.string() + ": " + std::strerror(why) + "; check the folder and the disk"};
}

}  // namespace

Result<Output> Output::open(const std::filesystem::path& path) {
  Output out;
  if (path.empty() || path == "-") {
    out.file_ = stdout;
    return out;
  }
  // What a link names is written, not the link; and a pipe or a device is written to as it is.
  std::error_code ec;
  out.path_ =
      std::filesystem::is_symlink(path, ec) ? std::filesystem::weakly_canonical(path, ec) : path;
  const auto kind = std::filesystem::status(out.path_, ec).type();
  if (kind == std::filesystem::file_type::directory)
    return Error{Code::kInvalidArgument, path.string() + ": is a folder; name a file in it"};
  const bool file =
      kind == std::filesystem::file_type::regular || kind == std::filesystem::file_type::not_found;
  if (file) {
    out.temporary_ = out.path_;
    out.temporary_ += ".part";
  }
  out.file_ = std::fopen(file ? out.temporary_.c_str() : out.path_.c_str(), "wb");
  if (out.file_ == nullptr) return failed(path);
  return out;
}

Output::Output(Output&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)) {
  other.path_.clear();
}

Output::~Output() {
  if (file_ == nullptr || path_.empty()) return;
  std::fclose(file_);
  std::error_code ec;
  if (!temporary_.empty()) std::filesystem::remove(temporary_, ec);
}

Result<void> Output::finish() {
  if (std::fflush(file_) != 0) return failed(path_.empty() ? "standard output" : path_);
  if (path_.empty()) return ok();
  if (!temporary_.empty() && fsync(fileno(file_)) != 0) return failed(path_);
  std::FILE* file = std::exchange(file_, nullptr);
  if (std::fclose(file) != 0) return failed(path_);
  if (!temporary_.empty() && std::rename(temporary_.c_str(), path_.c_str()) != 0)
    return failed(path_);
  return ok();
}

}  // namespace casebox::tools
