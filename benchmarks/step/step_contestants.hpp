// SPDX-License-Identifier: Apache-2.0
// What `ringtrain bench step` compares: each call is one run of some seconds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/commands/training_run.hpp"
#include "launcher/mpi/placement.hpp"

namespace ringtrain::benchmarks {

struct StepOptions {
  int ranks = 2;
  std::vector<std::string> models = {"mlp", "lenet5", "lenet", "resnet18"};
  std::string dataset = "data/mnist.h5";
  std::string device = "cpu";
  int rounds = 7;
  double seconds = 4;
  std::string python;
  std::string peer;  // empty: the device's own
  std::string json;
};

inline constexpr int kGlobalBatch = 128;

struct Contestant {
  std::string name;
  std::function<StepSample()> run;
};

// Trains with ringtrain. backend: communication.backend.
StepSample train(const launcher::RankLayout& layout, const StepOptions& options,
                 const std::string& model, const std::string& backend, int64_t steps);

// Returns ringtrain, the same without averaging, and, with peers, PyTorch's ways on the device.
// All arguments must outlive the result.
std::vector<Contestant> contestants_of(const launcher::RankLayout& layout,
                                       const StepOptions& options, const std::string& model,
                                       int64_t steps, bool with_peers);

}  // namespace ringtrain::benchmarks
