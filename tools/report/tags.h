#pragma once

// Short names that are the same in every document: a reader who meets a number in one of them finds
// its evidence in another, and on the page.
//
//   F-<10 hex>  a stored finding: the beginning of its id (`casebox why` takes it)
//   R-<10 hex>  the record itself: the beginning of the case digest (`casebox verify`)
//   T-<10 hex>  a result computed over several cases when the report was made: the beginning of
//               SHA-256 over "casebox/report/1", job, place and its inputs' ids, each with its
//               length
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "casebox/v1/finding.pb.h"
#include "proto/seal/seal.h"
#include "tools/report/html.h"

namespace casebox::tools::report {

std::string finding_tag(const v1::Finding& finding);
std::string record_tag(const Digest& case_digest);
std::string result_tag(const std::string& job, const std::string& place,
                       const std::vector<std::string>& inputs);

/// A link to where the document explains the tag.
Html reference(const std::string& tag);

}  // namespace casebox::tools::report
