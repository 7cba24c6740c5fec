#pragma once

// Text to Expr, by recursive descent, with the types checked:
//
//   expression := and { "or" and }
//   and        := not { "and" not }
//   not        := "not" not | comparison
//   comparison := sum [ op ( sum | p1 ... p99 ) ]
//   sum        := product { ( "+" | "-" ) product }
//   product    := factor { ( "*" | "/" ) factor }
//   factor     := "-" factor | "(" expression ")" | literal | term
//   term       := name [ "(" text { "," text } ")" ] [ "." part ] [ "within" "phase" "(" text ")" ]
//   op         := = | != | < | <= | > | >=
//   literal    := text in "..." | number [ ms | s | min | h ] | YYYY-MM-DD
//
// Names and parts: tools/query/terms.h. What stands in quotes is checked by tools/query/vocabulary,
// which knows the store. `expression` may also be empty text: every case. Limits: 4 KiB, 64 levels.
//
// Thread safety: free functions. Errors: kInvalidArgument `query:<position>: <what>; <what to do>`,
// where the position counts characters from 1.

#include <memory>
#include <string_view>

#include "proto/base/result.h"
#include "tools/query/expression.h"

namespace casebox::tools::query {

Result<std::unique_ptr<Expr>> parse(std::string_view text);

}  // namespace casebox::tools::query
