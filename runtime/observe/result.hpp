// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/observe/stragglers.hpp"

namespace ringtrain {

struct RankPlacement {
  int rank = 0;
  std::string host;
  std::string device;
};

// Where the seconds of a run went, on rank 0; of a resumed one, since it was resumed.
struct Seconds {
  double total = 0;    // from the start of the process to the written model
  double startup = 0;  // until the first step
  double compute = 0;  // of training, what the next two are not: forward, backward, optimizer
  double exposed_communication = 0;  // waiting for other ranks
  double data_wait = 0;
  double evaluate = 0;
  double checkpoint = 0;  // training held up by checkpoints
};

// What a job leaves in result.json.
struct Result {
  std::string name;
  std::string status;  // "finished"; "stopped" where the ranks were asked to end before that
  std::vector<RankPlacement> placement;
  std::string device;
  std::string communication;
  int64_t epochs = 0;
  int64_t steps = 0;
  int64_t skipped_steps = 0;
  int64_t rollbacks = 0;
  std::optional<int64_t> resumed_from_step;
  uint64_t samples_seen = 0;
  double train_loss = 0;  // mean over the samples of the last epoch, or of the steps done in it
  std::optional<double> test_loss;
  std::optional<double> test_accuracy;  // 0 to 1, over every test sample
  double samples_per_second = 0;        // of training alone, since the start or the resumption
  Seconds seconds;
  std::optional<RankSpeed> slowest;  // of several ranks
  std::string order_hash;            // hexadecimal: the same for any number of ranks
  std::string model;                 // path of model.safetensors
};

nlohmann::ordered_json to_json(const Result& result);

}  // namespace ringtrain
