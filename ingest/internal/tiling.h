#pragma once

// Which of several frames that claim the same numbers are the producer's? A beat signs the head of
// the chain over all frames before a number, so of all ways to tile the numbers from one signed
// position to the next only the producer's has that head. The search is depth first over what was
// stored or came first, so that without a forgery the first way is the right one, and it computes
// at most `budget` heads: a stranger who offers many alternatives for many numbers can make it give
// up (what was stored stays, and the next beat tries again), never make it cost more.
//
// Thread safety: free functions.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "proto/base/bytes.h"

namespace casebox::ingest {

/// Where a chain stands: its head over all numbers below `next`.
struct Position {
  uint64_t next = 0;
  Digest head{};
  bool operator==(const Position&) const = default;
};

/// A frame that may stand at a number.
struct Link {
  uint64_t next = 0;
  Digest leaf{};
  size_t what = 0;  // the caller's
};

/// By first number; those of one number in the order in which they are tried.
using Links = std::map<uint64_t, std::vector<Link>>;

constexpr size_t kSearchBudget = 4096;

/// The `what` of the links that lead from `from` to `to`, in number order; nullopt if none do
/// within the budget.
std::optional<std::vector<size_t>> find_path(const Position& from, const Position& to,
                                             const Links& links, size_t budget);

}  // namespace casebox::ingest
