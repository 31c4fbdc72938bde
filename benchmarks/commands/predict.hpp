// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::benchmarks {

// Adds `predict` to `bench`: the time of a step on more ranks than there are, from what was
// measured on few (benchmarks/predict). It measures nothing.
void add_bench_predict_command(CLI::App& bench);

}  // namespace ringtrain::benchmarks
