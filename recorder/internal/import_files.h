#pragma once

// The files that the arguments of an import stand for.
//
// Thread safety: free functions.
// Errors: kNotFound for a pattern that nothing matches or a folder with nothing in it that is
// read; kInvalidArgument for more than 100,000 files.

#include <string>
#include <vector>

#include "proto/base/result.h"
#include "recorder/sources/source.h"

namespace casebox::recorder {

struct FoundFile {
  std::string name;  // of its source; empty: none was given
  std::string path;
  bool of_many = false;  // of a folder or a pattern: others may have its name
};

struct ImportFiles {
  std::vector<FoundFile> files;
  std::vector<Skipped> left_out;  // of folders
};

/// `texts` are paths or `name=path`; a path may be a folder, whose files are taken in the order of
/// their names if they are of a kind that is read, or a pattern of the shell's.
Result<ImportFiles> find_import_files(const std::vector<std::string>& texts);

}  // namespace casebox::recorder
