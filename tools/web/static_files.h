#pragma once

// The page's files, from one folder. A name may hold letters, digits, '.', '_', '-' and '/', no
// part may begin with a dot, and symbolic links out of the folder are not followed.
//
// Thread safety: free function. Errors: kNotFound.

#include <filesystem>
#include <string>

#include "tools/web/router.h"

namespace casebox::tools::web {

/// "/" is index.html. Files above 16 MiB are refused.
Result<Response> static_file(const std::filesystem::path& dir, const std::string& path);

}  // namespace casebox::tools::web
