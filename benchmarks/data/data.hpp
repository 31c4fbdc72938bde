// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace ringtrain::benchmarks {

// Adds `data` to `bench`: the rate of our reader beside the limits of the machine and beside other
// readers, in one run.
void add_bench_data_command(CLI::App& bench);

}  // namespace ringtrain::benchmarks
