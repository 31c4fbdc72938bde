// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::benchmarks {

// Adds `step` to `bench`: training of the zoo's models, the same without averaging, which is the
// limit, and PyTorch's DistributedDataParallel (benchmarks/peers/ddp_step.py).
void add_bench_step_command(CLI::App& bench);

}  // namespace ringtrain::benchmarks
