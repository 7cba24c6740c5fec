#pragma once

// Real data for tests: $CASEBOX_TEST_DATA, else ../shared/data from the project's root. A test that
// needs a file that is not there skips and says so.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace casebox::test {

inline std::filesystem::path data_path(const std::string& file) {
  const char* set = std::getenv("CASEBOX_TEST_DATA");
  const std::filesystem::path root =
      set != nullptr ? std::filesystem::path(set)
                     : std::filesystem::path(CASEBOX_SOURCE_DIR) / ".." / "shared" / "data";
  return root / file;
}

}  // namespace casebox::test

/// Declares `const std::filesystem::path name`, or skips the test.
#define CASEBOX_TEST_DATA(name, file)                                  \
  const std::filesystem::path name = ::casebox::test::data_path(file); \
  if (!std::filesystem::exists(name)) GTEST_SKIP() << "no " << name << "; set CASEBOX_TEST_DATA"
