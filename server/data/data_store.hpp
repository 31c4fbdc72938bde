// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "server/datasets/buckets.hpp"
#include "server/datasets/import_task.hpp"
#include "server/deployments/deployments.hpp"
#include "server/jobs/jobs.hpp"
#include "server/models/model_task.hpp"
#include "server/models/models.hpp"
#include "server/operations/operations.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {

// All that a server keeps beside jobs, in its folder. Its parts refer to one another: it stays
// where it was made.
struct DataStore {
  // `program`: `ringtrain`; `sources`: private places to import from, "HOST:PORT"; `serve_on`: the
  // address of deployed models.
  DataStore(const std::filesystem::path& folder, const std::filesystem::path& program,
            const JobLimits& all_limits, std::set<std::string> all_sources,
            const std::string& serve_on, const OnChange& on_change);
  DataStore(const DataStore&) = delete;
  DataStore& operator=(const DataStore&) = delete;

  // Makes a version of a model of a job that has trained one to its end.
  void take_end(const Job& job);

  const JobLimits limits;
  const std::set<std::string> sources;
  Uploads uploads;
  BucketUploads bucket_uploads;
  Datasets datasets;
  Models models;
  Deployments deployments;
  Operations operations;
  const ImportParts imports;
  const ModelParts model_parts;
};

}  // namespace ringtrain::server
