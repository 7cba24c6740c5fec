#include "tools/query/sql.h"

#include <sqlite3.h>

#include <algorithm>

#include "tools/cli/nearest.h"
#include "tools/query/lexer.h"

namespace casebox::tools::query {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int kOpsBetweenLooks = 1000;  // of SQLite's machine, between looks at the clock
constexpr size_t kMostTexts = 200'000;  // of rows, that notices compare with
constexpr size_t kLongestStatement = 1 << 16;

/// What an action of SQLite's authorizer is called; null: it is allowed or looked at further.
const char* refused(int action) {
  switch (action) {
    case SQLITE_INSERT: return "INSERT writes";
    case SQLITE_UPDATE: return "UPDATE writes";
    case SQLITE_DELETE: return "DELETE writes";
    case SQLITE_ATTACH: return "ATTACH opens files";
    case SQLITE_DETACH: return "DETACH changes the database";
    case SQLITE_PRAGMA: return "PRAGMA changes settings";
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT: return "a transaction is of no use";
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_VTABLE: return "virtual tables read files";
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE: return nullptr;
    default: return "it changes the database";
  }
}

bool is_dangerous(std::string_view function) {
  static const std::set<std::string_view> kNames = {
      "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "fsdir", "sqlite_log"};
  return kNames.contains(function);
}

const Relation* find_relation(std::string_view name) {
  for (const Relation& relation : relations())
    if (relation.name == name) return &relation;
  return nullptr;
}

std::string create(const Relation& relation) {
  std::string out = "CREATE TABLE " + relation.name + "(";
  for (size_t i = 0; i < relation.columns.size(); ++i)
    out += (i == 0 ? "\"" : ", \"") + relation.columns[i].name + "\" " +
           to_string(relation.columns[i].type);
  return out + ")";
}

/// 'texts' of a statement, comments left out.
std::vector<std::string> texts_of(std::string_view sql) {
  std::vector<std::string> out;
  for (size_t i = 0; i < sql.size(); ++i) {
    if (sql.substr(i, 2) == "--") {
      i = std::min(sql.find('\n', i), sql.size());
    } else if (sql.substr(i, 2) == "/*") {
      i = std::min(sql.find("*/", i + 2), sql.size() - 1) + 1;
    } else if (sql[i] == '"') {
      i = std::min(sql.find('"', i + 1), sql.size());
    } else if (sql[i] == '\'') {
      std::string text;
      for (++i; i < sql.size(); ++i) {
        if (sql[i] == '\'' && (i + 1 == sql.size() || sql[i + 1] != '\'')) break;
        if (sql[i] == '\'') ++i;
        text += sql[i];
      }
      out.push_back(std::move(text));
    }
  }
  return out;
}

}  // namespace

struct Sql::Impl {
  std::string statement;
  SqlLimits limits;
  sqlite3* db = nullptr;
  std::map<std::string, std::set<std::string>> reads;
  std::map<std::string, sqlite3_stmt*> inserts;
  std::set<std::string> texts;  // in rows
  std::string denied;           // what the authorizer refused, for the message
  SteadyTime deadline;
  bool late = false;

  ~Impl() {
    for (auto& [name, insert] : inserts) sqlite3_finalize(insert);
    sqlite3_close(db);
  }

  static int authorize(void* self, int action, const char* a, const char* b, const char*,
                       const char*) {
    auto& impl = *static_cast<Impl*>(self);
    const auto deny = [&](const std::string& why) {
      if (impl.denied.empty()) impl.denied = why;
      return SQLITE_DENY;
    };
    if (const char* why = refused(action)) return deny(why);
    if (action == SQLITE_FUNCTION && b != nullptr && is_dangerous(b))
      return deny(std::string(b) + "() reaches outside of the relations");
    if (action != SQLITE_READ || a == nullptr) return SQLITE_OK;
    if (find_relation(a) == nullptr) {
      // Names of WITH and of subqueries; what SQLite keeps for itself is not for reading.
      const std::string_view name = a;
      if (name.starts_with("sqlite_") || name.starts_with("pragma_") || name == "dbstat")
        return deny(std::string(name) + " is no relation");
      return SQLITE_OK;
    }
    auto& columns = impl.reads[a];
    if (b != nullptr && *b != '\0') columns.insert(b);
    return SQLITE_OK;
  }

  static int look_at_clock(void* self) {
    auto& impl = *static_cast<Impl*>(self);
    impl.late = std::chrono::steady_clock::now() > impl.deadline;
    return impl.late ? 1 : 0;
  }

  Result<void> check(int code) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return ok();
    return error();
  }

  Error error_at_word(const std::string& what) const {
    const int offset = sqlite3_error_offset(db);
    return error_at(statement, offset < 0 ? 0 : static_cast<size_t>(offset), what);
  }

  /// SQLite's last error in the words of the house.
  Error error() const {
    if (late)
      return Error{Code::kUnavailable, "query: the statement ran longer than " +
                                           std::to_string(limits.time.count()) +
                                           " ms; ask for less or raise --limit-ms"};
    const int code = sqlite3_errcode(db);
    if (code == SQLITE_NOMEM)
      return Error{Code::kUnavailable, "query: the statement needs more than " +
                                           std::to_string(limits.bytes >> 20) +
                                           " MiB; ask for less"};
    if (code == SQLITE_TOOBIG)
      return Error{Code::kUnavailable, "query: a text of the answer is too long; ask for less"};
    std::string said = sqlite3_errmsg(db);
    if (!denied.empty())
      return error_at(statement, 0, denied + "; only SELECT over the relations is answered");
    std::string then = "; see `casebox query --schema`";
    const auto after = [&](const char* beginning, bool column) {
      if (!said.starts_with(beginning)) return;
      std::string name = said.substr(std::string_view(beginning).size());
      if (column && name.find('.') != std::string::npos) name = name.substr(name.rfind('.') + 1);
      std::vector<std::string> known;
      for (const Relation& relation : relations()) {
        if (!column) known.push_back(relation.name);
        if (column && (reads.empty() || reads.contains(relation.name)))
          for (const Column& one : relation.columns) known.push_back(one.name);
      }
      if (const std::string best = nearest(name, known); !best.empty())
        then = "; did you mean " + best + "?";
    };
    after("no such table: ", false);
    after("no such column: ", true);
    return error_at_word(said + then);
  }

  Result<void> execute(const std::string& sql) {
    return check(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr));
  }

  Result<void> open() {
    sqlite3_initialize();
    CASEBOX_CHECK(
        check(sqlite3_open_v2(":memory:", &db,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
                                  SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                              nullptr)));
    sqlite3_hard_heap_limit64(static_cast<sqlite3_int64>(limits.bytes));
    // Sorting would otherwise write what it sorts to files.
    CASEBOX_CHECK(execute("PRAGMA temp_store = MEMORY; PRAGMA journal_mode = OFF;"));
    for (const Relation& relation : relations()) CASEBOX_CHECK(execute(create(relation)));
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
    // A misspelt column in double quotes is an error, not a text.
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    const std::pair<int, int> most[] = {
        {SQLITE_LIMIT_LENGTH, 16 << 20},  {SQLITE_LIMIT_SQL_LENGTH, kLongestStatement},
        {SQLITE_LIMIT_EXPR_DEPTH, 200},   {SQLITE_LIMIT_COMPOUND_SELECT, 50},
        {SQLITE_LIMIT_ATTACHED, 0},       {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
        {SQLITE_LIMIT_WORKER_THREADS, 0}, {SQLITE_LIMIT_TRIGGER_DEPTH, 0}};
    for (const auto& [limit, value] : most) sqlite3_limit(db, limit, value);
    return ok();
  }

  /// Prepares the statement for reading alone.
  Result<sqlite3_stmt*> prepare() {
    sqlite3_set_authorizer(db, &authorize, this);
    sqlite3_stmt* out = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v2(db, statement.c_str(),
                                        static_cast<int>(statement.size()) + 1, &out, &rest);
    CASEBOX_CHECK(check(code));
    const auto refuse = [&](size_t at, const std::string& why) {
      sqlite3_finalize(out);
      return error_at(statement, at, why);
    };
    if (out == nullptr) return refuse(0, "there is no statement; write SELECT ...");
    const size_t end =
        statement.find_first_not_of(" \t\r\n;", static_cast<size_t>(rest - statement.c_str()));
    if (end != std::string::npos) return refuse(end, "a second statement; write one SELECT");
    if (sqlite3_stmt_readonly(out) == 0 || sqlite3_stmt_isexplain(out) != 0 ||
        sqlite3_column_count(out) == 0)
      return refuse(0, "only SELECT over the relations is answered; see `casebox query --schema`");
    if (sqlite3_bind_parameter_count(out) > 0)
      return refuse(0, "a '?' or ':name' has no value here; write the value itself");
    return out;
  }

  Result<sqlite3_stmt*> insert_into(const Relation& relation) {
    const auto known = inserts.find(relation.name);
    if (known != inserts.end()) return known->second;
    std::string sql = "INSERT INTO " + relation.name + " VALUES(";
    for (size_t i = 0; i < relation.columns.size(); ++i) sql += i == 0 ? "?" : ",?";
    sqlite3_stmt* out = nullptr;
    CASEBOX_CHECK(check(sqlite3_prepare_v2(db, (sql + ")").c_str(), -1, &out, nullptr)));
    inserts[relation.name] = out;
    return out;
  }

  Result<void> insert(sqlite3_stmt* into, const Cells& cells) {
    sqlite3_reset(into);
    for (size_t i = 0; i < cells.size(); ++i) {
      const int at = static_cast<int>(i) + 1;
      if (const auto* whole = std::get_if<int64_t>(&cells[i])) {
        sqlite3_bind_int64(into, at, *whole);
      } else if (const auto* real = std::get_if<double>(&cells[i])) {
        sqlite3_bind_double(into, at, *real);
      } else if (const auto* text = std::get_if<std::string>(&cells[i])) {
        sqlite3_bind_text(into, at, text->data(), static_cast<int>(text->size()), SQLITE_TRANSIENT);
        if (text->size() <= 64 && texts.size() < kMostTexts) texts.insert(*text);
      } else {
        sqlite3_bind_null(into, at);
      }
    }
    return check(sqlite3_step(into));
  }

  std::vector<SqlColumn> columns_of(sqlite3_stmt* of) const {
    std::vector<SqlColumn> out;
    for (int i = 0; i < sqlite3_column_count(of); ++i) {
      SqlColumn& one = out.emplace_back();
      one.name = sqlite3_column_name(of, i);
      const char* table = sqlite3_column_table_name(of, i);
      const char* origin = sqlite3_column_origin_name(of, i);
      const Relation* relation = table == nullptr ? nullptr : find_relation(table);
      if (relation == nullptr || origin == nullptr) continue;
      const auto column = std::ranges::find(relation->columns, origin, &Column::name);
      if (column == relation->columns.end()) continue;
      one.type = to_string(column->type);
      one.unit = column->unit;
    }
    return out;
  }

  static Cells row_of(sqlite3_stmt* of) {
    Cells out;
    for (int i = 0; i < sqlite3_column_count(of); ++i) switch (sqlite3_column_type(of, i)) {
        case SQLITE_INTEGER: out.emplace_back(int64_t{sqlite3_column_int64(of, i)}); break;
        case SQLITE_FLOAT: out.emplace_back(sqlite3_column_double(of, i)); break;
        case SQLITE_NULL: out.emplace_back(); break;
        default: {
          const auto* bytes = static_cast<const char*>(sqlite3_column_blob(of, i));
          const auto size = static_cast<size_t>(sqlite3_column_bytes(of, i));
          out.emplace_back(bytes == nullptr ? std::string() : std::string(bytes, size));
        }
      }
    return out;
  }
};

Sql::Sql() : impl_(std::make_unique<Impl>()) {}
Sql::~Sql() = default;

Result<std::unique_ptr<Sql>> Sql::prepare(const std::string& statement, const SqlLimits& limits) {
  if (statement.size() > kLongestStatement)
    return Error{Code::kInvalidArgument, "query: longer than 65536 characters; ask in parts"};
  if (const size_t zero = statement.find('\0'); zero != std::string::npos)
    return error_at(statement, zero, "a character that means nothing here; write plain text");
  std::unique_ptr<Sql> out(new Sql);
  out->impl_->statement = statement;
  out->impl_->limits = limits;
  CASEBOX_CHECK(out->impl_->open());
  CASEBOX_TRY(sqlite3_stmt * prepared, out->impl_->prepare());
  sqlite3_finalize(prepared);
  sqlite3_set_authorizer(out->impl_->db, nullptr, nullptr);
  CASEBOX_CHECK(out->impl_->execute("BEGIN"));
  return out;
}

const std::map<std::string, std::set<std::string>>& Sql::reads() const { return impl_->reads; }

Needs Sql::needs() const {
  Needs out;
  out.verdict = true;
  for (const auto& [name, columns] : impl_->reads) {
    const Relation& relation = *find_relation(name);
    for (const Reads reads : relation.reads) add_needs(reads, out);
    for (const Column& column : relation.columns)
      if (columns.contains(column.name)) add_needs(column.reads, out);
  }
  return out;
}

Result<void> Sql::add(const CaseFacts& facts) {
  for (const auto& [name, columns] : impl_->reads) {
    const Relation& relation = *find_relation(name);
    if (facts.sealed && name != "cases") continue;
    CASEBOX_TRY(sqlite3_stmt * into, impl_->insert_into(relation));
    Result<void> done = ok();
    relation.rows(facts, [&](Cells&& cells) {
      if (done) done = impl_->insert(into, cells);
    });
    CASEBOX_CHECK(done);
  }
  return ok();
}

Result<SqlAnswer> Sql::run() {
  Impl& impl = *impl_;
  for (auto& [name, insert] : impl.inserts) sqlite3_finalize(insert);
  impl.inserts.clear();
  CASEBOX_CHECK(impl.execute("COMMIT"));
  impl.deadline = std::chrono::steady_clock::now() + impl.limits.time;
  sqlite3_progress_handler(impl.db, kOpsBetweenLooks, &Impl::look_at_clock, &impl);
  CASEBOX_TRY(sqlite3_stmt * prepared, impl.prepare());
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(prepared, &sqlite3_finalize);
  SqlAnswer out;
  out.columns = impl.columns_of(prepared);
  for (;;) {
    const int code = sqlite3_step(prepared);
    if (code == SQLITE_DONE) return out;
    if (code != SQLITE_ROW) return impl.error();
    if (out.rows.size() == impl.limits.rows)
      return Error{Code::kUnavailable, "query: more than " + std::to_string(impl.limits.rows) +
                                           " rows; aggregate them or add LIMIT"};
    out.rows.push_back(Impl::row_of(prepared));
  }
}

std::vector<std::string> Sql::notices() const {
  std::vector<std::string> out;
  const std::vector<std::string> known(impl_->texts.begin(), impl_->texts.end());
  for (const std::string& text : texts_of(impl_->statement)) {
    if (text.size() < 3 || text.size() > 64 || impl_->texts.contains(text) ||
        text.find('%') != std::string::npos)
      continue;
    if (const std::string best = nearest(text, known); !best.empty())
      out.push_back("no row that was asked has the text '" + text + "'; did you mean '" + best +
                    "'?");
  }
  return out;
}

}  // namespace casebox::tools::query
