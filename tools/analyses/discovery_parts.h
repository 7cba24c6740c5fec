#pragma once

// What the analyses of this folder share that look at a log by itself (dfg, variants, profile,
// skeleton, diversity): their options, the cases they can read, and how times and shares are
// written.
//
// Thread safety: free functions.

#include <string>
#include <vector>

#include "analytics/discovery/timed.h"
#include "tools/analyses/analyses.h"

namespace casebox::tools {

/// The cases of a cohort whose events can be read, and those that no key opens: an analysis of
/// sequences must not take these for empty ones.
struct Readable {
  explicit Readable(const Cohort& cohort);

  const analytics::EventLog& log() const { return kept_ ? *kept_ : cohort_.log; }
  analytics::discovery::Withheld withheld() const { return withheld_; }
  const std::vector<analytics::discovery::Excluded>& unread() const { return unread_; }

 private:
  const Cohort& cohort_;
  std::optional<analytics::EventLog> kept_;  // unset: all can be read
  std::vector<std::vector<std::string>> withheld_;
  std::vector<analytics::discovery::Excluded> unread_;
};

/// What orders intervals: dfg, variants, skeleton, diversity.
Arg order_arg();
/// Rows of people's tables.
Arg top_arg();
/// Another log to learn from: profile, skeleton.
Arg reference_arg();
Result<analytics::OrderBasis> order_of(const Args& args);
/// Rows that people's text shows of a list.
size_t rows_shown(const Args& args, size_t all);

/// The log of `--reference`, to learn from, with what withholds its moments; unset: not given. Not
/// with --write: what a study keeps rests on its own cases.
struct Reference {
  analytics::EventLog log;
  std::vector<std::vector<std::string>> withheld;
};
Result<std::optional<Reference>> reference_of(const Args& args);

/// "4.2 s", "3 min 05 s", "2 h 10 min", "3.5 d"; with a sign where below zero.
std::string span_text(double seconds);
/// "12.5 %".
std::string share_text(uint64_t part, uint64_t whole);

/// excluded[]: case_id, phase (null), reason, whole.
Json excluded_json(const std::vector<analytics::discovery::Excluded>& unread,
                   const std::vector<analytics::discovery::Excluded>& excluded);
/// One line each, at most `most` of them: "left out: ...".
std::string excluded_text(const std::vector<analytics::discovery::Excluded>& unread,
                          const std::vector<analytics::discovery::Excluded>& excluded, size_t most);

}  // namespace casebox::tools
