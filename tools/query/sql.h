#pragma once

// SELECT over the relations of tools/query/relations, by SQLite in memory.
//
// A statement is prepared against empty relations first, so that a wrong one opens no case and only
// what it reads is read of each. It can do nothing but read them: an authorizer refuses every other
// action by name; there is no file behind the database, temporary ones stay in memory; it ends at a
// limit of time, of memory and of rows.
//
// Thread safety: one thread per Sql. Errors: kInvalidArgument `query:<position>: ...` for a
// statement that is wrong or not allowed, kUnavailable for one that reached a limit.

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "proto/base/result.h"
#include "tools/query/relations.h"

namespace casebox::tools::query {

struct SqlLimits {
  std::chrono::milliseconds time{10'000};  // of answering, after the cases were read
  uint64_t rows = 1'000'000;
  uint64_t bytes = uint64_t{1} << 30;  // of SQLite's memory
};

struct SqlColumn {
  std::string name;
  std::string type;  // of the relation's column; empty: computed
  std::string unit;  // likewise
};

struct SqlAnswer {
  std::vector<SqlColumn> columns;
  std::vector<Cells> rows;
};

class Sql {
 public:
  /// Prepares `statement` against empty relations.
  static Result<std::unique_ptr<Sql>> prepare(const std::string& statement,
                                              const SqlLimits& limits = {});
  ~Sql();

  /// What it reads: relation -> columns.
  const std::map<std::string, std::set<std::string>>& reads() const;
  /// What has to be read of each case for it.
  Needs needs() const;
  /// Puts a case's rows into the relations that are read.
  Result<void> add(const CaseFacts& facts);
  /// Once, after every case was added.
  Result<SqlAnswer> run();
  /// Texts in quotes of the statement that stand in no row although one like them does.
  std::vector<std::string> notices() const;

 private:
  Sql();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace casebox::tools::query
