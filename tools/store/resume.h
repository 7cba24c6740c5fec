#pragma once

// Where a bus source goes on (`ingest --resume-at SOURCE=OFFSET`): for frames that the quarantine
// had no room for, which the bus still has, and after a restore. What a store has already is known
// when it comes again, so going back costs time and nothing else; going forward leaves frames out
// of every case.
//
// Thread safety: free functions.
// Errors: kInvalidArgument for a place that cannot be; those of the store.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ingest/bus/kafka_topics.h"
#include "storage/store.h"

namespace casebox::tools {

struct ResumeAt {
  std::string source;
  uint64_t offset = 0;
};
/// "casebox.wave.v1/3=1200"
Result<ResumeAt> parse_resume_at(const std::string& text);

/// A source that is read, and what it holds.
struct ResumeSource {
  std::string name;
  std::function<Result<bus::HeldOffsets>()> held;
  bool from_zero = false;  // its offsets count records: what lies before the first was there once
};

struct Resumed {
  std::string source;
  std::optional<uint64_t> before;  // where the store stood; nullopt: it never read this source
  uint64_t at = 0;
  bool skips = false;  // frames that no case has, and that were not read
  uint64_t from = 0;   // where what is passed over begins: [from, at), empty if nothing is
};
/// Checks all places and then sets them in one write a shard; what was counted beyond the
/// quarantine's bound from there on is forgotten, since it is about to be read again. Without
/// `force` a place ahead of the store is refused. What is passed over, because of `force` or
/// because the bus has dropped it, the store remembers and says (storage::Skipped) until it is
/// read.
Result<std::vector<Resumed>> set_resume(storage::Store& store, const std::vector<ResumeAt>& places,
                                        const std::vector<ResumeSource>& sources, bool force,
                                        UtcTime now);

/// What happened, what it means and what to do, in one line.
std::string skipped_text(const storage::Skipped& skipped);

}  // namespace casebox::tools
