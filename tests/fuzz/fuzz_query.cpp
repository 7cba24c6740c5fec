// A query: text from outside becomes an expression or an error; the expression's own text parses
// again.

#include <cstdint>
#include <string_view>

#include "tools/query/evaluate.h"
#include "tools/query/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace query = casebox::tools::query;
  auto expr = query::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!expr) return 0;
  const std::vector<query::CaseFacts> cases(2);
  (void)query::evaluate(**expr, cases);
  return 0;
}
