// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/job_traits.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace ringtrain::server {

JobTraits traits_of(const JobRecord& record) {
  JobTraits traits;
  const auto job = nlohmann::json::parse(record.understood, nullptr, false);
  if (!job.is_object()) return traits;
  try {
    traits.batch_size = job.value("batch_size", traits.batch_size);
    traits.seed = job.value("seed", traits.seed);
    const auto workers = job.value("workers", nlohmann::json::object());
    traits.least_ranks = std::max(1, workers.value("min", 0));
    traits.most_ranks = workers.value("max", 0);
    traits.is_partial = job.contains("samples") || job.contains("max_steps");
    traits.is_elastic = job.value("elastic", "off") == "throughput";
    if (!record.cluster.empty()) {
      traits.is_elastic = false;  // the cluster's queue decides
      const auto kubernetes = job.value("kubernetes", nlohmann::json::object());
      traits.is_of_kueue =
          !kubernetes.value("queue", "").empty() && kubernetes.value("gang", "none") != "volcano";
    }
  } catch (const nlohmann::json::exception&) {  // of another version
  }
  return traits;
}

}  // namespace ringtrain::server
