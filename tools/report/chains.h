#pragma once

// What each number of the committee's page was computed from: the annex that its references lead
// to.
//
// Thread safety: values and pure functions. Errors: none.

#include <string>
#include <vector>

#include "tools/report/html.h"

namespace casebox::tools::report {

struct Chain {
  std::string name, what, command;
  std::vector<std::string> inputs;  // tags of findings, or ids of cases (only their count is shown)
  bool inputs_are_tags = false;
};

/// A box a chain, those of one name once. Findings are listed as long as they are few.
Html annex_of(const std::vector<Chain>& chains);

/// As one word of a shell's command line.
std::string quoted(const std::string& text);

}  // namespace casebox::tools::report
