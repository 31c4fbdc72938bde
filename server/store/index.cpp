// SPDX-License-Identifier: Apache-2.0
#include "server/store/index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/crc32c.hpp"
#include "base/error.hpp"
#include "server/store/database.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

constexpr int kVersion = 2;
// Larger ones are not read through at the start; a damage is then found when it is met.
constexpr uintmax_t kMaxCheckedBytes = uintmax_t{256} << 20;

constexpr const char* kTables = R"sql(
  CREATE TABLE IF NOT EXISTS jobs (
    name TEXT PRIMARY KEY, state TEXT NOT NULL, created TEXT NOT NULL, text TEXT NOT NULL,
    reader TEXT NOT NULL, crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (created DESC, name);
  CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state);
  CREATE TABLE IF NOT EXISTS series (
    job TEXT NOT NULL, name TEXT NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (job, name)) STRICT, WITHOUT ROWID;
)sql";

int64_t crc_of(std::string_view bytes) { return crc32c(bytes.data(), bytes.size()); }

int64_t crc_of(const IndexRow& row) {
  return crc_of(
      fmt::format("{}\n{}\n{}\n{}\n{}", row.name, row.state, row.created, row.text, row.reader));
}

void open_tables(Database& database) {
  // Alone in the folder, so the index of the WAL is in memory: in a mapped file, a full disk is a
  // SIGBUS.
  database.execute("PRAGMA locking_mode=EXCLUSIVE");
  database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
  int64_t version = 0;
  {
    Statement ask(database, "PRAGMA user_version");
    if (ask.step()) version = ask.number(0);
  }
  if (version != 0 && version != kVersion) {
    throw DatabaseDamaged(fmt::format("its version is {}, not {}", version, kVersion));
  }
  database.execute(kTables);
  database.execute(fmt::format("PRAGMA user_version={}", kVersion));
}

void check_whole(Database& database) {
  Statement ask(database, "PRAGMA quick_check(1)");
  if (ask.step() && ask.text(0) != "ok") throw DatabaseDamaged(ask.text(0));
}

// Returns the words of a filter, with LIKE's own characters taken as they are.
std::vector<std::string> patterns(const std::string& words) {
  std::vector<std::string> found;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) found.push_back("%" + word + "%");
    word.clear();
  };
  for (const char c : words) {
    if (c == ' ') {
      finish();
    } else {
      if (c == '%' || c == '_' || c == '\\') word += '\\';
      word += c;
    }
  }
  finish();
  return found;
}

// A part of a WHERE, and the values of its parameters.
struct Condition {
  std::string sql = "1";
  std::vector<std::string> values = {};
  void add(const std::string& more, const std::vector<std::string>& with) {
    sql += " AND " + more;
    values.insert(values.end(), with.begin(), with.end());
  }
};

Condition condition_of(const ListQuery& query) {
  Condition condition;
  if (!query.states.empty()) {
    std::string marks;
    for (size_t i = 0; i < query.states.size(); ++i) marks += i == 0 ? "?" : ",?";
    condition.add(fmt::format("state IN ({})", marks), {query.states.begin(), query.states.end()});
  }
  for (const std::string& pattern : patterns(query.words)) {
    condition.add("text LIKE ? ESCAPE '\\'", {pattern});
  }
  return condition;
}

}  // namespace

struct Index::Statements {
  explicit Statements(const fs::path& file) : database(file) {
    open_tables(database);
    std::error_code ignored;
    if (fs::file_size(file, ignored) <= kMaxCheckedBytes) check_whole(database);
  }

  Database database;
  Statement& get(std::unique_ptr<Statement>& kept, const char* sql) {
    if (!kept) kept = std::make_unique<Statement>(database, sql);
    return *kept;
  }
  std::unique_ptr<Statement> put, put_series, get_series, remove, remove_series;
};

Index::Index(const fs::path& file) : sql_(std::make_unique<Statements>(file)) {}
Index::~Index() = default;

void Index::begin() {
  if (changed_) return;
  sql_->database.execute("BEGIN");
  changed_ = true;
}

void Index::commit() {
  if (!changed_) return;
  sql_->database.execute("COMMIT");
  changed_ = false;
}

void Index::roll_back() {
  changed_ = false;
  try {
    sql_->database.execute("ROLLBACK");
  } catch (const DatabaseDamaged&) {  // SQLite has done it already
  }
}

void Index::put(const IndexRow& row, const std::map<std::string, Series>* series) {
  begin();
  sql_->get(sql_->put,
            "INSERT INTO jobs (name, state, created, text, reader, crc) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (name) DO UPDATE SET state=excluded.state, created=excluded.created, "
            "text=excluded.text, reader=excluded.reader, crc=excluded.crc")
      .with({row.name, row.state, row.created, row.text, row.reader})
      .with_number(crc_of(row))
      .run();
  if (series == nullptr) return;
  for (const auto& [name, one] : *series) {
    const std::string bytes = one.bytes();
    sql_->get(sql_->put_series,
              "INSERT INTO series (job, name, crc, data) VALUES (?,?,?,?) ON CONFLICT (job, name) "
              "DO UPDATE SET crc=excluded.crc, data=excluded.data")
        .with({row.name, name})
        .with_number(crc_of(bytes))
        .with_bytes(bytes)
        .run();
  }
}

void Index::remove(const std::string& name) {
  begin();
  sql_->get(sql_->remove, "DELETE FROM jobs WHERE name=?").with({name}).run();
  sql_->get(sql_->remove_series, "DELETE FROM series WHERE job=?").with({name}).run();
}

namespace {

constexpr const char* kColumns = "name, state, created, text, reader, crc";

// Returns the row that a statement of kColumns stands at.
IndexRow row_of(const Statement& statement) {
  IndexRow row{statement.text(0), statement.text(1), statement.text(2), statement.text(3),
               statement.text(4)};
  if (statement.number(5) != crc_of(row)) throw DatabaseDamaged("the line of a job has changed");
  return row;
}

}  // namespace

std::optional<IndexRow> Index::get(const std::string& name) {
  Statement ask(sql_->database, fmt::format("SELECT {} FROM jobs WHERE name=?", kColumns));
  ask.with({name});
  if (!ask.step()) return std::nullopt;
  return row_of(ask);
}

std::map<std::string, std::string> Index::states() {
  std::map<std::string, std::string> found;
  Statement ask(sql_->database, "SELECT name, state FROM jobs");
  while (ask.step()) found[ask.text(0)] = ask.text(1);
  return found;
}

std::map<std::string, int> Index::count_by_state() {
  std::map<std::string, int> found;
  Statement ask(sql_->database, "SELECT state, count(*) FROM jobs GROUP BY state");
  while (ask.step()) found[ask.text(0)] = static_cast<int>(ask.number(1));
  return found;
}

std::map<std::string, Series> Index::series(const std::string& name) {
  std::map<std::string, Series> found;
  Statement& ask = sql_->get(sql_->get_series, "SELECT name, crc, data FROM series WHERE job=?");
  ask.with({name});
  while (ask.step()) {
    const std::string bytes = ask.text(2);
    auto one = Series::from_bytes(bytes);
    if (!one || ask.number(1) != crc_of(bytes)) {
      throw DatabaseDamaged("a series of a job has changed");
    }
    found.emplace(ask.text(0), std::move(*one));
  }
  return found;
}

ListPage Index::list(const ListQuery& query) {
  ListPage page;
  Condition condition = condition_of(query);
  {
    Statement count(sql_->database, "SELECT count(*) FROM jobs WHERE " + condition.sql);
    count.with(condition.values);
    if (count.step()) page.total = static_cast<size_t>(count.number(0));
  }
  // The cursor is the last row's name, behind its time where time is the order.
  if (!query.after.empty()) {
    const size_t cut = query.after.find(' ');
    if (query.by_name) {
      condition.add("name > ?", {query.after});
    } else if (cut != std::string::npos) {
      const std::string time = query.after.substr(0, cut);
      condition.add("(created < ? OR (created = ? AND name > ?))",
                    {time, time, query.after.substr(cut + 1)});
    }
  }
  Statement rows(
      sql_->database,
      fmt::format("SELECT {} FROM jobs WHERE {} ORDER BY {} LIMIT {}", kColumns, condition.sql,
                  query.by_name ? "name" : "created DESC, name", query.limit + 1));
  rows.with(condition.values);
  std::string last;
  while (rows.step()) {
    if (page.rows.size() == query.limit) {
      page.next = last;
      break;
    }
    IndexRow row = row_of(rows);
    last = query.by_name ? row.name : fmt::format("{} {}", row.created, row.name);
    page.rows.push_back({std::move(row.name), std::move(row.text)});
  }
  return page;
}

OpenedIndex open_index(const fs::path& file) {
  try {
    try {
      return {std::make_unique<Index>(file), ""};
    } catch (const DatabaseDamaged& damaged) {
      move_index_aside(file);
      return {std::make_unique<Index>(file),
              fmt::format("{} is rebuilt from the folders: {}", file.string(), damaged.what())};
    }
  } catch (const Error& refused) {
    return {std::make_unique<Index>(":memory:"),
            fmt::format("the index is in memory until the next start: {}", refused.what())};
  }
}

void move_index_aside(const fs::path& file) {
  std::error_code ignored;
  for (const char* const part : {"", "-wal", "-shm"}) {
    const fs::path from = file.string() + part;
    if (*part == '\0') {
      fs::rename(from, file.string() + ".damaged", ignored);
    } else {
      fs::remove(from, ignored);
    }
  }
}

}  // namespace ringtrain::server
