#include "proto/log/log.h"

#include <fcntl.h>

#include "proto/base/file.h"
#include "proto/log/internal/layout.h"

namespace casebox::log {

namespace fs = std::filesystem;

Result<std::vector<fs::path>> files(const fs::path& dir) {
  CASEBOX_TRY(const auto indices, internal::file_indices(dir));
  std::vector<fs::path> out;
  out.reserve(indices.size());
  for (uint32_t index : indices) out.push_back(internal::file_path(dir, index));
  return out;
}

bool is_log(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error) || error) return false;
  if (fs::is_regular_file(path / internal::kDurableName, error)) return true;
  auto indices = internal::file_indices(path);
  return indices && !indices->empty();
}

Result<std::string> read_log_id(const fs::path& dir) {
  if (!is_log(dir)) return Error{Code::kNotFound, dir.string() + ": no log is here yet"};
  auto text = read_file(dir / internal::kIdName, 256);
  if (!text && text.error().code == Code::kNotFound) return std::string();
  if (!text) return std::move(text).error();
  std::string id = text->substr(0, text->find('\n'));
  if (id.size() != internal::kIdDigits ||
      id.find_first_not_of("0123456789abcdef") != std::string::npos)
    return Error{Code::kCorrupt, (dir / internal::kIdName).string() +
                                     ": is no log's id; delete it to have the log read from its "
                                     "beginning (the store drops what it has)"};
  return id;
}

Result<v1::LogFileHeader> read_file_header(const fs::path& file, uint32_t* size) {
  CASEBOX_TRY(const Fd fd, Fd::open(file, O_RDONLY));
  CASEBOX_TRY(internal::FileHeader header, internal::load_file_header(fd, file));
  if (size != nullptr) *size = header.size;
  return std::move(header.message);
}

}  // namespace casebox::log
