// SPDX-License-Identifier: Apache-2.0
// Options that say what a step and its ranks are: of `bench predict` and `bench emulate`.
#pragma once

#include <CLI/CLI.hpp>

#include "benchmarks/commands/predict_inputs.hpp"

namespace ringtrain::benchmarks {

// Sources of the step's times, and what they are of.
void add_step_options(CLI::App& command, PredictOptions& options);
// Ranks, hosts and links.
void add_machine_options(CLI::App& command, PredictOptions& options);
// Keys of the job file's group `communication`.
void add_averaging_options(CLI::App& command, PredictOptions& options);

}  // namespace ringtrain::benchmarks
