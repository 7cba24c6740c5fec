#pragma once

// Text to Expr, by recursive descent:
//
//   expression := and { "or" and }
//   and        := not { "and" not }
//   not        := "not" not | "(" expression ")" | atom
//   atom       := field op value | "phase" "(" text ")" [ "." part op value ]
//               | "departure" "(" [ text [ "," text ] ] ")"
//   field      := procedure | room | state | date | duration | gaps
//   part       := duration | start | end | entries
//   op         := = | != | < | <= | > | >=
//   value      := text in "..." | number [ ms | s | min | h ] | YYYY-MM-DD | p1 ... p99
//
// `expression` may also be empty text: every case. Limits: 4 KiB, 64 levels.
// Thread safety: free functions. Errors: kInvalidArgument `query:<position>: <what>; <what to do>`,
// where the position counts characters from 1.

#include <memory>
#include <string_view>

#include "proto/base/result.h"
#include "tools/query/expression.h"

namespace casebox::tools::query {

Result<std::unique_ptr<Expr>> parse(std::string_view text);

}  // namespace casebox::tools::query
