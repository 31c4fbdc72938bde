// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/emulation/emulated_job.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"

namespace ringtrain::benchmarks {
namespace {

EmulatedJob unusual_job() {
  EmulatedJob job;
  job.step.forward = 0.1;
  job.step.backward = 0.2;
  job.step.optimizer = 0.03;
  job.step.other = 0.004;
  job.step.buckets = {{4096, 0.1}, {512, 0.2}};
  job.factors = {0.9, 1, 1.25};
  job.bucket_bytes = 8192;
  job.ranks_per_host = 4;
  job.steps = 7;
  job.dilation = 16;
  job.communication = {.backend = CommOptions::Backend::mpi,
                       .algorithm = CommOptions::Algorithm::direct,
                       .wire = CommOptions::Wire::bf16,
                       .shard_optimizer = true,
                       .timeout_seconds = 9};
  job.sync_every = 8;
  job.state_arrays = 2;
  return job;
}

TEST(EmulatedJob, IsReadAsItWasWritten) {
  const EmulatedJob job = unusual_job();
  EXPECT_EQ(to_json(read_emulated_job(to_json(job).dump())), to_json(job));
}

TEST(EmulatedJob, IsNeverOfAnAlgorithmThatTheClockChooses) {
  EmulatedJob job = unusual_job();
  job.communication.algorithm = CommOptions::Algorithm::automatic;
  EXPECT_EQ(read_emulated_job(to_json(job).dump()).communication.algorithm,
            CommOptions::Algorithm::ring);
}

TEST(EmulatedJob, IsRefusedWhereItCannotRun) {
  EXPECT_THROW(read_emulated_job("no JSON"), Error);
  EXPECT_THROW(read_emulated_job("{}"), Error);
  for (const auto& [key, value] :
       {std::pair{"steps", 0.0}, std::pair{"dilation", 0.5}, std::pair{"ranks_per_host", -1.0},
        std::pair{"sync_every", 0.0}, std::pair{"bucket_bytes", 0.0}}) {
    nlohmann::json json = to_json(unusual_job());
    json[key] = value;
    EXPECT_THROW(read_emulated_job(json.dump()), Error) << key;
  }
  nlohmann::json json = to_json(unusual_job());
  json["factors"] = nlohmann::json::array();
  EXPECT_THROW(read_emulated_job(json.dump()), Error);
}

TEST(EmulatedJob, DrawsEveryRecordedFactorAndTheSameInEveryRun) {
  const EmulatedJob job = unusual_job();
  std::set<double> drawn;
  for (int rank = 0; rank < 8; ++rank) {
    for (int64_t step = 1; step <= 8; ++step) {
      drawn.insert(factor_of(job, rank, step));
      EXPECT_EQ(factor_of(job, rank, step), factor_of(job, rank, step));
    }
  }
  EXPECT_EQ(drawn, (std::set<double>{0.9, 1, 1.25}));
}

}  // namespace
}  // namespace ringtrain::benchmarks
