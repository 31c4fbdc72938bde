// SPDX-License-Identifier: Apache-2.0
// Events of a training run as lines for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "job/events.hpp"

namespace ringtrain {

// "epoch 2/3, step 440 of 1,407, loss 0.0612, 6,712 samples/s, 12 s left"
std::string progress_line(const StepEvent& step);

// "test accuracy 98.41%", or "test rmse 2.31, mae 1.7" with a number for each target, the first few
// of many; empty where nothing was tested.
std::string metrics_text(const std::optional<double>& accuracy,
                         const std::optional<std::vector<double>>& rmse,
                         const std::optional<std::vector<double>>& mae);

// "epoch 2/3: train loss 0.0612, test loss 0.0480, test accuracy 98.41%, 9 s"
std::string epoch_line(const EpochEvent& epoch);

// "on node1: rank 0 (cpu), 1 (cpu)" for every host, then "training 1,407 steps, 3 epochs, 2 ranks".
std::vector<std::string> started_lines(const StartedEvent& started);

}  // namespace ringtrain
