// SPDX-License-Identifier: Apache-2.0
// A job on the disk, which is the truth about it:
//
//   job.yaml       the job, as it was sent
//   job.json       what the server made of it, who sent it, and when
//   intent.jsonl   what was asked of it since: a line each, the last one counts
//   attempts/N/    a run: run.lock, run.json, train.log, events.jsonl, outcome.json
//   output/        the model, checkpoints and history
//
// A folder that `ringtrain run` has left is a job as well, one that can only be read: it is its own
// only attempt and its own output.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "job/outcome_file.hpp"
#include "server/jobs/state.hpp"

namespace ringtrain::server {

// job.json
struct JobRecord {
  std::string name = {};
  std::string created = {};  // RFC 3339
  std::string by = {};       // the token's name
  std::string parent = {};   // the job that it was cloned from; empty: none
  int ranks = 1;
  int restarts = 3;
  std::vector<std::string> overrides = {};  // of the job file, as for --set
  std::vector<std::string> warnings = {};
  std::string model = {};           // as the list shows it
  std::string dataset = {};         // the same
  std::string script = {};          // the same; empty: the job trains a model
  std::string stored_dataset = {};  // name of the server's dataset that it reads; empty: none
  std::string understood = {};      // every key with its value, as JSON
  std::string cluster = {};         // namespace that it runs in; empty: it runs on this machine
  int slots = 1;                    // ranks of a pod there
  int priority = 0;                 // in the queue, when it was sent
};

// A line of intent.jsonl.
struct Intent {
  Desired desired = Desired::run;
  int first_attempt = 1;  // run: the attempts from this one on are meant by it
  int ranks = 0;          // to start from now on; 0: as the record says
  bool is_scale = false;  // only the ranks are changed by it
  bool is_order = false;  // only the priority is
  int priority = 0;       // in the queue: higher ones first
  std::string time = {};
  std::string by = {};

  // Whether it says what the job shall do.
  bool is_wish() const { return !is_scale && !is_order; }
};

class JobFolder {
 public:
  JobFolder() = default;
  explicit JobFolder(std::filesystem::path folder);

  // Makes DIR/NAME whole and safe on disk, or not at all. Returns nothing where the name is taken.
  // Throws an io error.
  static std::optional<JobFolder> make(const std::filesystem::path& directory,
                                       const JobRecord& record, const std::string& job_file);

  // Whether there is a job: one of a server's, or a run's output.
  bool exists() const;
  // Whether a server made it, and may start and stop it.
  bool is_managed() const { return managed_; }

  const std::filesystem::path& path() const { return folder_; }
  std::string name() const { return folder_.filename().string(); }
  std::filesystem::path job_file() const { return folder_ / "job.yaml"; }
  std::filesystem::path output() const { return managed_ ? folder_ / "output" : folder_; }
  std::filesystem::path attempt(int number) const;
  // Returns the number of the newest attempt; 0: none.
  int last_attempt() const;

  // Returns nothing where the file is missing or broken.
  std::optional<JobRecord> read_record() const;
  // The record of a folder of `ringtrain run`, as far as that says.
  JobRecord record_of_run() const;
  // Returns the lines that are whole, from the first one.
  std::vector<Intent> read_intents() const;
  // Adds a line, safe on disk. Throws an io error.
  void append(const Intent& intent) const;

 private:
  std::filesystem::path folder_;
  bool managed_ = false;
};

}  // namespace ringtrain::server
