// SPDX-License-Identifier: Apache-2.0
// All that a server knows of its jobs, in SQLite, so that lists are fast and a start need not read
// every folder. It is an index: the folders are the truth, and it may be deleted at any time.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/store/series.hpp"

namespace ringtrain::server {

// A job as it is listed.
struct IndexRow {
  std::string name;
  std::string state;
  std::string created;  // RFC 3339
  std::string text;     // a JSON object on one line, as a list shows it
  std::string reader;   // how far the job's events are read, and what they said; a JSON object
  bool operator==(const IndexRow&) const = default;
};

struct ListQuery {
  std::set<std::string> states = {};  // empty: all
  std::string words = {};             // each must occur in a job's line, in any case
  bool by_name = false;               // else the newest first
  size_t limit = 50;
  std::string after = {};  // cursor of the page before
};

struct ListedJob {
  std::string name;
  std::string text;  // IndexRow::text
};

struct ListPage {
  std::vector<ListedJob> rows;
  std::string next;  // cursor of the next page; empty: none
  size_t total = 0;  // over all pages
};

// Thread: one at a time. Every call may throw DatabaseDamaged, after which the object is of no use:
// open_index() makes a new one.
class Index {
 public:
  explicit Index(const std::filesystem::path& file);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  void put(const IndexRow& row, const std::map<std::string, Series>* series = nullptr);
  void remove(const std::string& name);
  std::optional<IndexRow> get(const std::string& name);
  // Every job's name and state.
  std::map<std::string, std::string> states();
  std::map<std::string, int> count_by_state();
  std::map<std::string, Series> series(const std::string& name);
  ListPage list(const ListQuery& query);
  // Makes everything since the last commit lasting. After an io error, here or in another call,
  // roll_back() takes it back.
  void commit();
  void roll_back();

 private:
  struct Statements;
  void begin();

  std::unique_ptr<Statements> sql_;
  bool changed_ = false;
};

struct OpenedIndex {
  std::unique_ptr<Index> index;
  std::string note;  // what was wrong with an earlier one, for the log; empty: nothing
};

// Opens the index, or makes it. One that is damaged, or of another version, is moved aside and
// replaced by an empty one, to be filled from the folders; where the disk refuses, as a full one
// does, it is in memory.
OpenedIndex open_index(const std::filesystem::path& file);

// Moves an index and its journal aside: "index.db.damaged". One from before is replaced.
void move_index_aside(const std::filesystem::path& file);

}  // namespace ringtrain::server
