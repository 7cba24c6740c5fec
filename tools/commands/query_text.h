#pragma once

// What `query` prints for people, and as CSV.
//
// Thread safety: free functions; answers go to standard output, what is about them to standard
// error.

#include <string>

#include "tools/query/evaluate.h"
#include "tools/query/sql_answer.h"

namespace casebox::tools {

void print_rows(const query::Answer& answer);
/// `GROUP  MATCHING of ASKED`, a line a group; one line without groups.
void print_groups(const query::Answer& answer);
/// How many cases match, and how many could not be asked and why.
void print_summary(const query::Answer& answer, const std::string& store);

void print_table(const query::SqlAnswer& answer);
/// RFC 4180 with a header line; NULL is nothing, a text that is empty is "".
void print_csv(const query::SqlAnswer& answer);
void print_summary(const query::StoreAnswer& answer);
void print_relations();

}  // namespace casebox::tools
