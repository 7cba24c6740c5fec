#pragma once

// Which event log a file holds, by its first bytes more than by its name: an export is often named
// .xml or .txt. What other logs there are is refused by what it is.
//
// Thread safety: free functions.
// Errors: kUnsupported for logs that are not read (object-centric ones, MXML, tables of other
// programs) and for process models; kInvalidArgument for what is no log by its name; those of
// opening a file.

#include <filesystem>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace casebox::analytics::readers {

enum class LogKind { kXes, kCsv };

Result<LogKind> log_kind(const std::filesystem::path& path);
/// The same of the first kLogHead bytes of a file, unpacked.
inline constexpr size_t kLogHead = 16 << 10;
Result<LogKind> log_kind_of(std::string_view head, const std::string& path);

}  // namespace casebox::analytics::readers
