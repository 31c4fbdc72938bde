// SPDX-License-Identifier: Apache-2.0
// From a job file that somebody sent to a job that this server may run. A job that a server starts
// reads and writes only where the server's owner allows it: else every token would be a shell.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "job/parse.hpp"
#include "server/jobs/job_folder.hpp"

namespace ringtrain::server {

// Limits of what jobs may use.
struct JobLimits {
  std::vector<std::filesystem::path> data = {};  // folders that may be read, canonical; not empty
  int cores = 1;
  bool torchscript = false;  // TorchScript files are programs
  bool scripts = false;      // the job file's group `script`
  // Folder of the server's datasets, each of which a job may name. Empty: there are none.
  std::filesystem::path datasets = {};
  // Object storage that jobs and imports may read and write: "s3://BUCKET/" or
  // "s3://BUCKET/FOLDER/".
  std::vector<std::string> buckets = {};
};

struct Submission {
  std::string job_file;     // YAML
  int ranks = 0;            // 0: workers.max of the job (min where it is elastic), or 1
  std::string name = {};    // instead of the job's own; empty: that
  bool fresh_name = false;  // where the name is taken: the next that is free, as NAME-2
  std::string by = {};
  std::string parent = {};  // the job that it is a copy of; empty: none
  int priority = 0;         // in the queue: higher ones first
};

// Priorities are -kMostPriority to this.
inline constexpr int kMostPriority = 100;

struct CheckedJob {
  std::vector<Refusal> refusals = {};  // empty: the rest can be used
  JobSpec job = {};
  JobRecord record = {};  // without the time; its overrides are complete but for output and name
};

// A path that somebody gave, as a server may read it.
struct DataPath {
  std::filesystem::path path = {};  // canonical
  std::string refusal = {};         // why it may not be read, or is not there; empty: it may be
  std::string allowed = {};         // what may stand there
};

// Relative paths count from the first of `limits.data`.
DataPath find_data_path(const JobLimits& limits, const std::filesystem::path& path);

// Paths in the job count from the first of `limits.data`.
CheckedJob check_submission(const Submission& submission, const JobLimits& limits);

// Returns refusals as answers show them: [{path, line or null, message, allowed}].
nlohmann::ordered_json errors_of(const std::vector<Refusal>& refusals);

// A value for --set, which is YAML.
std::string override_of(const std::string& key, const nlohmann::json& value);
// Takes what a record says of a job from its submission and its job file as it was understood.
void fill_record(const Submission& submission, CheckedJob& checked);
// Whether this is a name that Kubernetes, a host and a folder can have: lower-case letters, digits
// and '-', at most 63.
bool is_job_name(const std::string& name);

}  // namespace ringtrain::server
