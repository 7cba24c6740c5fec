#pragma once

// A small table from outside about the cases of a cohort, e.g. each case's risk or room: CSV with a
// header, two columns: the case's key, and a value. No quotes: keys and codes have no commas.
//
// Thread safety: free functions. Errors: kIo, kInvalidArgument `<file>:<line>: ...`.

#include <filesystem>
#include <map>
#include <string>

#include "proto/base/result.h"

namespace casebox::tools {

/// Values by case. A case named twice is an error; at most 1,000,000 lines.
Result<std::map<std::string, std::string>> read_case_table(const std::filesystem::path& path);

/// The same, each value a number between `low` and `high`, both excluded.
Result<std::map<std::string, double>> read_case_numbers(const std::filesystem::path& path,
                                                        double low, double high);

}  // namespace casebox::tools
