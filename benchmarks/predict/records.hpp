// SPDX-License-Identifier: Apache-2.0
// What `ringtrain bench step` and `bench allreduce` have measured, as inputs of a prediction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/predict/cluster.hpp"

namespace ringtrain::benchmarks {

// A value with its relative standard error, over the rounds.
struct Measured {
  double value = 0;
  double error = 0;
};

// A table of `bench step --json`.
struct StepRecord {
  std::string model;
  int ranks = 1;
  double global_batch = 0;
  Measured alone;     // samples per second of all ranks without averaging
  Measured averaged;  // of ringtrain
  // Jitter of a step without averaging over its median; the least that ranks differ by at random.
  std::optional<double> jitter;
  // Times of rank 0's steps without averaging over their median, at most 500, of all rounds.
  std::vector<double> step_factors = {};
};

// Reads all tables of a file. name: for errors. Throws a data error.
std::vector<StepRecord> read_step_records(const std::string& lines, const std::string& name);

// A file of `bench allreduce --json`.
struct SumRecord {
  int ranks = 2;
  bool between_hosts = false;  // one rank a host
  std::vector<SumTime> sums;   // ringtrain's, by bytes
  double error = 0;            // relative standard error of a typical size
};
SumRecord read_sum_record(const std::string& lines, const std::string& name);

// Latency and bandwidth from sums between hosts: the least squares of relative errors over all
// sizes, neither below 0. Requires between_hosts and at least two sizes.
Link fit_link(const SumRecord& record);

}  // namespace ringtrain::benchmarks
