// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/predict/outlook.hpp"
#include "benchmarks/predict/prediction.hpp"

namespace ringtrain::benchmarks {

struct PredictOptions {
  std::vector<std::string> from;  // files of `bench step --json`
  std::vector<std::string> sums;  // files of `bench allreduce --json`
  std::string trace;
  std::string model;  // of the files; empty: their only one
  std::optional<double> step_ms;
  std::optional<double> optimizer_ms;
  double backward_share = 2.0 / 3;
  std::optional<double> parameters;
  std::optional<double> batch;  // of a rank
  std::optional<double> bucket_mib;

  std::vector<int> ranks = {1, 2, 4, 8, 16, 32, 64};
  std::optional<int> per_host;
  int cores = 0;
  std::optional<double> link_bits;  // per second
  double link_share = 0.86;
  std::optional<double> latency_us;
  bool link_needed = true;       // to predict several hosts
  std::optional<double> nvlink;  // GB/s
  std::string algorithm = "auto";
  std::string wire = "fp32";
  int sync_every = 1;
  bool shard_optimizer = false;
  int waits = 0;
  std::optional<double> global_batch;  // strong scaling: of all ranks together
  std::optional<double> stragglers;
  double interference = 0;
  std::optional<double> sharing;  // step of all ranks of a host over that of one
  std::optional<double> host_rate, shared_rate;

  double price = 0;  // of a rank for an hour
  double samples = 0;
  double deadline_hours = 0;
  std::string json;
  std::vector<std::string> published;
};

// An input of a prediction, in words, and where it is from.
struct PredictInput {
  std::string name, value, origin;
};

struct PredictSetting {
  std::string title;
  Scenario scenario;  // of one host
  int per_host = 1;
  int measured_ranks = 1;  // the most beside each other in any record
  InputErrors errors;
  std::vector<PredictInput> inputs;
  // Times of steps over their median, of steps without averaging; empty where no record has them.
  std::vector<double> step_factors;
};

// Reads the files and joins them with the options. Throws a job error for what is missing.
PredictSetting predict_setting(const PredictOptions& options);

}  // namespace ringtrain::benchmarks
