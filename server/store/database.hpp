// SPDX-License-Identifier: Apache-2.0
// SQLite, with every call checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace ringtrain::server {

// The file is no database of ours, or its bytes have changed.
class DatabaseDamaged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Database;

// A statement that runs again and again; it lives no longer than its Database.
class Statement {
 public:
  Statement(Database& database, const std::string& sql);

  // Sets the parameters in turn, from the first one; resets the statement.
  Statement& with(const std::vector<std::string>& values);
  // The same for one that is stored as bytes, after those before it.
  Statement& with_bytes(std::string_view bytes);
  Statement& with_number(int64_t number);

  // Returns whether there is another row.
  bool step();
  // Runs it to its end.
  void run();
  std::string text(int column) const;
  int64_t number(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  void check(int result) const;

  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int next_ = 1;
};

class Database {
 public:
  // Opens a file, or makes it. Throws DatabaseDamaged, or an io error where the disk refuses.
  explicit Database(const std::filesystem::path& file);

  void execute(const std::string& sql);
  sqlite3* get() const { return handle_.get(); }
  // Throws what a result code means.
  void check(int result) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace ringtrain::server
