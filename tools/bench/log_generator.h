#pragma once

// An event log larger than any that is at hand, from a seed: cases of a laparoscopic operation with
// steps left out, repeated and exchanged, and small events in between. Written as XES with the
// attributes a hospital system gives an event (concept, time, lifecycle, resource), about 280 bytes
// each, so that other tools read the same file.
//
// Thread safety: free functions. Errors: kIo. The same shape gives the same bytes of XML.

#include <cstdint>
#include <filesystem>

#include "proto/base/result.h"

namespace casebox::tools::bench {

struct LogShape {
  uint64_t events = 262'200;  // about 20 a case
  uint64_t seed = 1;
};

struct GeneratedLog {
  uint64_t cases = 0;
  uint64_t events = 0;
  uint64_t xml_bytes = 0;  // unpacked
};

/// Writes `path`, packed with gzip.
Result<GeneratedLog> write_log(const std::filesystem::path& path, const LogShape& shape);

}  // namespace casebox::tools::bench
