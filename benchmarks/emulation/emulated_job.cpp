// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/emulation/emulated_job.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/mix.hpp"

namespace ringtrain::benchmarks {
namespace {

using Algorithm = CommOptions::Algorithm;
using Wire = CommOptions::Wire;

void check(const EmulatedJob& job) {
  if (job.factors.empty() || job.step.buckets.empty() || job.steps < 1 || job.dilation < 1 ||
      job.ranks_per_host < 0 || job.sync_every < 1 || !(job.bucket_bytes >= sizeof(float))) {
    throw data_error(
        "an emulated job needs factors, buckets, steps, a dilation of at least 1, a number of "
        "ranks_per_host from 0 on, and a sync_every from 1 on");
  }
}

}  // namespace

nlohmann::json to_json(const EmulatedJob& job) {
  nlohmann::json buckets = nlohmann::json::array();
  for (const Bucket& bucket : job.step.buckets) {
    buckets.push_back({{"bytes", bucket.bytes}, {"ready_seconds", bucket.ready}});
  }
  const CommOptions& communication = job.communication;
  return {{"forward_seconds", job.step.forward},
          {"backward_seconds", job.step.backward},
          {"optimizer_seconds", job.step.optimizer},
          {"other_seconds", job.step.other},
          {"buckets", buckets},
          {"factors", job.factors},
          {"bucket_bytes", job.bucket_bytes},
          {"ranks_per_host", job.ranks_per_host},
          {"steps", job.steps},
          {"dilation", job.dilation},
          {"direct", communication.algorithm == Algorithm::direct},
          {"bf16", communication.wire == Wire::bf16},
          {"shard_optimizer", communication.shard_optimizer},
          {"timeout_seconds", communication.timeout_seconds},
          {"sync_every", job.sync_every},
          {"state_arrays", job.state_arrays}};
}

EmulatedJob read_emulated_job(const std::string& json) {
  EmulatedJob job;
  try {
    const auto read = nlohmann::json::parse(json);
    job.step.forward = read.at("forward_seconds").get<double>();
    job.step.backward = read.at("backward_seconds").get<double>();
    job.step.optimizer = read.at("optimizer_seconds").get<double>();
    job.step.other = read.at("other_seconds").get<double>();
    for (const auto& bucket : read.at("buckets")) {
      job.step.buckets.push_back(
          {bucket.at("bytes").get<double>(), bucket.at("ready_seconds").get<double>()});
    }
    job.factors = read.at("factors").get<std::vector<double>>();
    job.bucket_bytes = read.at("bucket_bytes").get<double>();
    job.ranks_per_host = read.at("ranks_per_host").get<int>();
    job.steps = read.at("steps").get<int>();
    job.dilation = read.at("dilation").get<double>();
    CommOptions& communication = job.communication;
    communication.backend = CommOptions::Backend::mpi;
    // Never automatic: a dilated job would measure which one is faster on other cores.
    communication.algorithm = read.at("direct").get<bool>() ? Algorithm::direct : Algorithm::ring;
    communication.wire = read.at("bf16").get<bool>() ? Wire::bf16 : Wire::fp32;
    communication.shard_optimizer = read.at("shard_optimizer").get<bool>();
    communication.timeout_seconds = read.at("timeout_seconds").get<double>();
    job.sync_every = read.at("sync_every").get<int>();
    job.state_arrays = read.at("state_arrays").get<int>();
  } catch (const nlohmann::json::exception& error) {
    throw data_error(fmt::format("not an emulated job: {}", error.what()));
  }
  check(job);
  return job;
}

double factor_of(const EmulatedJob& job, int rank, int64_t step) {
  constexpr uint64_t kSeed = 1;
  return job.factors[mix(kSeed, static_cast<uint64_t>(rank), static_cast<uint64_t>(step)) %
                     job.factors.size()];
}

}  // namespace ringtrain::benchmarks
