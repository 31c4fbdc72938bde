// SPDX-License-Identifier: Apache-2.0
// Work that a request begins and does not wait for: imports, evaluations. Each is a folder,
//
//   operations/ID/operation.json   what is wanted, by whom, and how it ended
//   operations/ID/work/            what it makes; gone when it ends
//
// so a server that dies loses none: the next one begins what had not ended anew. One runs at a
// time, first come, first served.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ringtrain::server {

// operation.json
struct OperationRecord {
  std::string id = {};
  std::string kind = {};     // "import", "evaluation"
  std::string target = {};   // the path of what it makes, as /api/v1/datasets/digits
  std::string request = {};  // a JSON object
  std::string created = {};
  std::string by = {};
  std::string state = "Waiting";  // then Running, Succeeded, Failed, Cancelled
  std::string error = {};         // of one that failed: one line
  std::string ended = {};
  int starts = 0;
};

bool has_ended(const OperationRecord& record);

// One operation while it runs.
class Task {
 public:
  struct Look {
    bool is_over = false;
    std::string step = {};  // "downloading"
    double progress = 0;    // of the step, 0 to 1
  };

  virtual ~Task() = default;  // ends it
  // Takes the next steps that need no waiting. Throws an Error, or a Problem, where it has failed.
  virtual Look look() = 0;
};

// Thread: one at a time.
class Operations {
 public:
  // Makes the task of a record; `work` is an empty folder. May throw an Error or a Problem.
  using MakeTask = std::function<std::unique_ptr<Task>(const OperationRecord& record,
                                                       const std::filesystem::path& work)>;
  // Takes an operation that has changed.
  using OnOperation = std::function<void(const nlohmann::ordered_json& operation)>;

  Operations(std::filesystem::path folder, OnOperation on_change);

  // Requires: before the first tick().
  void add_kind(const std::string& kind, MakeTask make);

  // Begins an operation; it is safe on disk when this returns.
  nlohmann::ordered_json begin(const std::string& kind, const std::string& target,
                               const nlohmann::ordered_json& request, const std::string& by);
  // Throw a Problem 404.
  nlohmann::ordered_json get(const std::string& id) const;
  // Throws a Problem 409, too, where it has ended.
  nlohmann::ordered_json cancel(const std::string& id);
  // The newest first.
  std::vector<nlohmann::ordered_json> list() const;
  // Whether one for this target waits or runs.
  bool is_under_way(const std::string& target) const;

  void tick();

 private:
  nlohmann::ordered_json shown(const OperationRecord& record) const;
  void start(OperationRecord& record);
  void end(OperationRecord& record, const std::string& state, const std::string& error);
  void save(const OperationRecord& record) const;
  void announce(const OperationRecord& record);
  std::filesystem::path work(const std::string& id) const { return folder_ / id / "work"; }

  const std::filesystem::path folder_;
  const OnOperation on_change_;
  std::map<std::string, MakeTask> kinds_;
  std::map<std::string, OperationRecord> records_;  // by id
  std::string running_;                             // id; empty: none
  std::unique_ptr<Task> task_;
  Task::Look seen_;
  std::chrono::steady_clock::time_point announced_{};
};

}  // namespace ringtrain::server
