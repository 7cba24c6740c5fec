#pragma once

// From what was found in a case's epochs to signers, verdict, and what is and is not proven.
//
// Thread safety: free functions.

#include <map>

#include "proto/verify/internal/epoch_state.h"
#include "proto/verify/verify.h"

namespace casebox::verify::internal {

using Epochs = std::map<uint64_t, EpochState>;

/// Fills in `streams`: rows of one stream over its epochs.
void report_streams(const Epochs& epochs, const std::vector<uint64_t>& order, Report& report);

/// Fills in `signers`, and problems of those that nobody vouches for.
void name_signers(const Epochs& epochs, const std::vector<uint64_t>& order, const Options& options,
                  Report& report);

/// Fills in `verdict` (never better than the problems made it), `proven`, `not_proven` and
/// `valid_to_s`. `torn`: the end of something was lost in a crash.
void judge(const Epochs& epochs, const std::vector<uint64_t>& order, const Options& options,
           bool torn, Report& report);

}  // namespace casebox::verify::internal
