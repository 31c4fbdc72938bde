// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::benchmarks {

// Adds `data` to `bench`: how fast our reader delivers samples beside the limits of the machine and
// beside what others use, side by side in one run.
void add_bench_data_command(CLI::App& bench);

}  // namespace ringtrain::benchmarks
